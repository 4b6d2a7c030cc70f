from django.urls import URLPattern

app_name = "calling"
urlpatterns: list[URLPattern] = []
