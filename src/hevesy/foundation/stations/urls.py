from django.urls import path

from hevesy.foundation.stations import views

app_name = "stations"
urlpatterns = [
    path("", views.station_list, name="station_list"),
    path("new/", views.new_station, name="new_station"),
    path("<int:pk>/", views.station, name="station"),
    path("<int:pk>/code/", views.claim_code, name="claim_code"),
    path("<int:pk>/release/", views.release, name="release"),
    path("claim/<str:code>/", views.claim, name="claim"),
    path("scan/", views.scan, name="scan"),
]
