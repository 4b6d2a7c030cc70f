from django.urls import URLPattern

app_name = "dicom"
urlpatterns: list[URLPattern] = []
