from django.urls import URLPattern, path

from hevesy.desks.technologist.views import acquiring, injecting, residual, worklist

app_name = "technologist"
urlpatterns: list[URLPattern] = [
    path("", worklist.worklist, name="worklist"),
    path("rows/", worklist.rows, name="rows"),
    path("exams/<str:number>/", worklist.side, name="side"),
    path("steps/<int:pk>/request/", worklist.request_for, name="request"),
    path("steps/<int:pk>/start/", acquiring.start, name="start"),
    path("steps/<int:pk>/finish/", acquiring.finish, name="finish"),
    path("steps/<int:pk>/<slug:move>/", acquiring.back_or_stop, name="move"),
    path("inject/", injecting.inject, name="inject"),
    path("inject/scan/", injecting.scan, name="scan"),
    path("inject/manual/", injecting.manual, name="manual"),
    path("inject/judge/", injecting.judge, name="judge"),
    path("inject/commit/", injecting.commit, name="commit"),
    path("units/<str:code>/return/", injecting.give_back, name="return"),
    path("administrations/<int:pk>/residual/", residual.residual, name="residual"),
    path("administrations/<int:pk>/preview/", residual.preview, name="preview"),
]
