from django.urls import URLPattern

app_name = "radiopharmacy"
urlpatterns: list[URLPattern] = []
