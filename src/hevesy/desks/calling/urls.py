from django.urls import URLPattern, path

from hevesy.desks.calling import views

app_name = "calling"
urlpatterns: list[URLPattern] = [
    path("", views.desk, name="desk"),
    path("queues/", views.queue_list, name="queues"),
    path("screens/", views.screen_list, name="screens"),
    path("points/<slug:code>/panel/", views.panel, name="panel"),
    path("points/<slug:code>/next/", views.call_next, name="next"),
    path("tickets/<int:pk>/<slug:move>/", views.act, name="act"),
    path("tickets/<int:pk>/jump/why/", views.why_first, name="why-first"),
    path("announce/", views.announce, name="announce"),
    path("wall/", views.first_wall, name="first-wall"),
    path("wall/<slug:code>/", views.wall, name="wall"),
    path("wall/<slug:code>/body/", views.wall_body, name="wall-body"),
    path("wall/<slug:code>/report/", views.wall_report, name="wall-report"),
]
