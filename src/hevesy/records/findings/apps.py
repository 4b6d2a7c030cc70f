from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FindingsConfig(AppConfig):
    name = "hevesy.records.findings"
    label = "findings"
    verbose_name = _("Marks on images")

    def ready(self) -> None:
        from hevesy.foundation.files import access
        from hevesy.records.findings import receivers  # noqa: F401  connects them
        from hevesy.records.findings.permissions import may_read_picture

        access.register("key_image", may_read_picture)
        access.register("lesion_labels", may_read_picture)
