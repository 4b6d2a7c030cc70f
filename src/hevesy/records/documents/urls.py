from django.urls import path

from hevesy.records.documents import views

app_name = "documents"
urlpatterns = [
    path("<int:pk>/", views.open_document, name="open"),
    path("<int:pk>/again/", views.again, name="again"),
    path("slip/<str:number>/", views.slip, name="slip"),
    path("exam-label/<str:number>/", views.label, name="exam_label"),
    path("dose-label/<str:code>/", views.dose_label, name="dose_label"),
]
