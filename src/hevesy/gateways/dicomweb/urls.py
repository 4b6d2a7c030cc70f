from django.urls import path

from hevesy.gateways.dicomweb import views

app_name = "dicomweb"
urlpatterns = [
    path("studies", views.studies, name="studies"),
    path("series", views.search_series, name="series"),
    path("instances", views.search_instances, name="instances"),
    path("studies/<str:study>", views.studies, name="study"),
    path("studies/<str:study>/metadata", views.metadata),
    path("studies/<str:study>/series", views.search_series),
    path("studies/<str:study>/instances", views.search_instances),
    path("studies/<str:study>/series/<str:series>", views.retrieve),
    path("studies/<str:study>/series/<str:series>/metadata", views.metadata),
    path("studies/<str:study>/series/<str:series>/instances", views.search_instances),
    path("studies/<str:study>/series/<str:series>/instances/<str:instance>", views.retrieve),
    path(
        "studies/<str:study>/series/<str:series>/instances/<str:instance>/metadata", views.metadata
    ),
    path(
        "studies/<str:study>/series/<str:series>/instances/<str:instance>/frames/<str:numbers>",
        views.frames,
    ),
]
