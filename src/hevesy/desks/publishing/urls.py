from django.urls import path

from hevesy.desks.publishing.views import clinic, department

app_name = "publishing"
urlpatterns = [
    path("", clinic.reports, name="reports"),
    path("manage/", department.manage, name="manage"),
    path("manage/<str:number>/publish/", department.publish, name="publish"),
    path("manage/<str:number>/withdraw/", department.withdraw, name="withdraw"),
    path("<str:number>/", clinic.report, name="report"),
    path("<str:number>/report.pdf", clinic.pdf, name="pdf"),
    path("<str:number>/state/", clinic.state, name="state"),
    path("<str:number>/pictures/<int:place>/", clinic.picture, name="picture"),
    path("<str:number>/pictures/<int:place>.png", clinic.picture_file, name="picture_file"),
]
