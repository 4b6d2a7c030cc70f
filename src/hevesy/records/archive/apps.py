from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ArchiveConfig(AppConfig):
    name = "hevesy.records.archive"
    label = "archive"
    verbose_name = _("Image archive")

    def ready(self) -> None:
        from hevesy.foundation.files.receivers import NAMING
        from hevesy.records.archive.models import Instance, Refusal
        from hevesy.records.archive.receivers import on_exam_moved
        from hevesy.records.exams.events import exam_moved

        exam_moved.connect(on_exam_moved, dispatch_uid="archive.exam_moved")
        NAMING.extend([Instance, Refusal])
