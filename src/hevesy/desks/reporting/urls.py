from django.urls import path

from hevesy.desks.reporting import views

app_name = "reporting"
urlpatterns = [
    path("", views.desk, name="home"),
    path("<str:number>/", views.desk, name="exam"),
    path("<str:number>/marks/", views.marks, name="marks"),
    path("<str:number>/start/", views.start, name="start"),
    path("<str:number>/save/", views.save, name="save"),
    path("<str:number>/submit/", views.submit, name="submit"),
    path("<str:number>/take-back/", views.take_back, name="take_back"),
    path("<str:number>/return/", views.send_back, name="return"),
    path("<str:number>/audit/", views.audit, name="audit"),
    path("<str:number>/correct/", views.correct, name="correct"),
    path("<str:number>/publish/", views.publish, name="publish"),
    path("<str:number>/withdraw/", views.withdraw, name="withdraw"),
    path("<str:number>/hold/", views.hold, name="hold"),
    path("<str:number>/preview.pdf", views.preview, name="preview"),
    path("<str:number>/pictures/<int:pk>/", views.picture, name="picture"),
]
