from django.urls import URLPattern, path

from hevesy.foundation.audit import views

app_name = "audit"
urlpatterns: list[URLPattern] = [
    path("", views.trail, name="trail"),
    path("export/", views.export, name="export"),
    path("check/", views.check, name="check"),
]
