from django.urls import URLPattern, path

from hevesy.foundation.files import views

app_name = "files"
urlpatterns: list[URLPattern] = [
    path("<int:pk>/", views.serve, name="serve"),
]
