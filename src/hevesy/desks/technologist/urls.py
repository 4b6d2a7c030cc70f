from django.urls import URLPattern

app_name = "technologist"
urlpatterns: list[URLPattern] = []
