from django.urls import path, register_converter

from hevesy.gateways.dicomweb.views import rendered, retrieve, search, store


class Uid:
    """A DICOM UID (PS3.5 §9): digits and dots, 64 at the most. Anything else is no address of ours."""

    regex = "[0-9.]{1,64}"

    def to_python(self, value: str) -> str:
        """As it stands."""
        return value

    def to_url(self, value: str) -> str:
        """As it stands."""
        return value


register_converter(Uid, "uid")

STUDY = "studies/<uid:study>"
SERIES = f"{STUDY}/series/<uid:series>"
INSTANCE = f"{SERIES}/instances/<uid:instance>"

app_name = "dicomweb"
urlpatterns = [
    path("studies", store.studies, name="studies"),
    path("series", search.all_series, name="all_series"),
    path("instances", search.all_instances, name="all_instances"),
    path(STUDY, store.study, name="study"),
    path(f"{STUDY}/rendered", rendered.objects, name="study_rendered"),
    path(f"{STUDY}/thumbnail", rendered.thumbnail, name="study_thumbnail"),
    path(f"{STUDY}/metadata", retrieve.metadata, name="study_metadata"),
    path(f"{STUDY}/series", search.series, name="study_series"),
    path(f"{STUDY}/instances", search.instances, name="study_instances"),
    path(SERIES, retrieve.objects, name="series"),
    path(f"{SERIES}/rendered", rendered.objects, name="series_rendered"),
    path(f"{SERIES}/thumbnail", rendered.thumbnail, name="series_thumbnail"),
    path(f"{SERIES}/metadata", retrieve.metadata, name="series_metadata"),
    path(f"{SERIES}/instances", search.instances, name="series_instances"),
    path(INSTANCE, retrieve.objects, name="instance"),
    path(f"{INSTANCE}/rendered", rendered.instance, name="instance_rendered"),
    path(f"{INSTANCE}/thumbnail", rendered.thumbnail, name="instance_thumbnail"),
    path(f"{INSTANCE}/metadata", retrieve.metadata, name="instance_metadata"),
    path(f"{INSTANCE}/frames/<str:numbers>", retrieve.frames, name="frames"),
    path(f"{INSTANCE}/frames/<str:numbers>/rendered", rendered.frames, name="frames_rendered"),
    path(
        f"{INSTANCE}/frames/<str:numbers>/thumbnail",
        rendered.frame_thumbnail,
        name="frame_thumbnail",
    ),
    path(f"{INSTANCE}/bulkdata/<path:where>", retrieve.bulk, name="bulk"),
]
