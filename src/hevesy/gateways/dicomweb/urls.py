from django.urls import URLPattern

app_name = "dicomweb"
urlpatterns: list[URLPattern] = []
