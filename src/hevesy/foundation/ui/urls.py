from django.urls import path

from hevesy.foundation.ui import views

app_name = "ui"
urlpatterns = [
    path("", views.home, name="home"),
    path("ui/", views.gallery, name="gallery"),
    path("ui/counts/", views.frame_counts, name="counts"),
    path("ui/find/", views.find, name="find"),
    path("ui/language/", views.language, name="language"),
    path("ui/time/", views.server_time, name="time"),
    path("live/", views.live_events, name="live"),
]
