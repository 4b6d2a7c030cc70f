from django.urls import path

from hevesy.desks.interview import views

app_name = "interview"
urlpatterns = [
    path("", views.desk, name="home"),
    path("scan/", views.scan, name="scan"),
    path("<str:number>/", views.exam, name="exam"),
]
