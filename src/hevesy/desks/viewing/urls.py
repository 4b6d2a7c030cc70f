from django.urls import path

from hevesy.desks.viewing import pages, views, volumes

app_name = "viewing"
urlpatterns = [
    path("", pages.studies, name="studies"),
    path("unmatched/", pages.unmatched, name="unmatched"),
    path("unmatched/<int:pk>/", pages.unmatched_study, name="unmatched_study"),
    path("unmatched/<int:pk>/link/<str:number>/", pages.link, name="link"),
    path("refusals/", pages.refusals, name="refusals"),
    path("studies/<str:uid>/unlink/", pages.unlink, name="unlink"),
    path("studies/<str:uid>/prepare/", pages.prepare, name="prepare"),
    path("studies/<str:uid>/", views.viewer, name="study"),
    path("studies/<str:uid>/manifest.json", views.study_manifest, name="manifest"),
    path("studies/<str:uid>/key-images/", views.key_images, name="key_images"),
    path("studies/<str:uid>/key-images/order/", views.key_images_order, name="key_images_order"),
    path("key-images/<int:pk>/", views.key_image, name="key_image"),
    path("key-images/<int:pk>/remove/", views.key_image_remove, name="key_image_remove"),
    path("key-images/<int:pk>/restore/", views.key_image_restore, name="key_image_restore"),
    path("measure/", views.measure_region, name="measure"),
    path("volumes/<str:content_id>/header.json", volumes.header, name="volume_header"),
    path("volumes/<str:content_id>/thumbnail.png", volumes.thumbnail, name="volume_thumbnail"),
    path("volumes/<str:content_id>/<path:path>", volumes.body, name="volume_body"),
]
