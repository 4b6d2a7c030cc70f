from django.urls import URLPattern, path

from hevesy.desks.interview import views

app_name = "interview"
urlpatterns: list[URLPattern] = [
    path("", views.waiting_list, name="home"),
    path("rows/", views.rows, name="rows"),
    path("scan/", views.scan, name="scan"),
    path("<str:number>/", views.interview, name="exam"),
]
