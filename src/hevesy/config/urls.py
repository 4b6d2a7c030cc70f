"""Every address of the system. The apps own their own lists; the public contract fixes the prefixes."""

from django.urls import URLPattern, URLResolver, include, path

from hevesy.config import health, storage

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("metrics", health.metrics, name="metrics"),
    path("storage/", storage.page, name="storage"),
    path("storage/rule/", storage.rule, name="storage_rule"),
    path("", include("hevesy.foundation.ui.urls")),
    path("account/", include("hevesy.foundation.accounts.urls")),
    path("audit/", include("hevesy.foundation.audit.urls")),
    path("stations/", include("hevesy.foundation.stations.urls")),
    path("jobs/", include("hevesy.foundation.jobs.urls")),
    path("files/", include("hevesy.foundation.files.urls")),
    path("documents/", include("hevesy.records.documents.urls")),
    path("registration/", include("hevesy.desks.registration.urls")),
    path("calling/", include("hevesy.desks.calling.urls")),
    path("interview/", include("hevesy.desks.interview.urls")),
    path("technologist/", include("hevesy.desks.technologist.urls")),
    path("radiopharmacy/", include("hevesy.desks.radiopharmacy.urls")),
    path("reporting/", include("hevesy.desks.reporting.urls")),
    path("viewing/", include("hevesy.desks.viewing.urls")),
    path("publishing/", include("hevesy.desks.publishing.urls")),
    path("department/", include("hevesy.desks.department.urls")),
    path("dicom/", include("hevesy.gateways.dicom.urls")),
    path("dicom-web/", include("hevesy.gateways.dicomweb.urls")),
    path("api/v1/", include("hevesy.gateways.api.urls")),
]

handler400 = "hevesy.foundation.ui.views.bad_request"
handler403 = "hevesy.foundation.ui.views.forbidden"
handler404 = "hevesy.foundation.ui.views.missing"
handler500 = "hevesy.foundation.ui.views.failed"
