from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DocumentsConfig(AppConfig):
    name = "hevesy.records.documents"
    label = "documents"
    verbose_name = _("Documents")

    def ready(self) -> None:
        from hevesy.foundation.files import access
        from hevesy.records.documents import permissions

        for kind in ("slip", "exam_label", "dose_label"):
            access.register(kind, permissions.may_read_paper)
