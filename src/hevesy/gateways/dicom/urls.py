from django.urls import path

from hevesy.gateways.dicom import views

app_name = "dicom"
urlpatterns = [path("devices/<int:pk>/echo/", views.echo, name="echo")]
