from django.apps import AppConfig
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _


class ViewingConfig(AppConfig):
    name = "hevesy.desks.viewing"
    label = "viewing"
    verbose_name = _("Viewing")

    def ready(self) -> None:
        from hevesy.desks.viewing import panels, receivers  # noqa: F401  connects the receivers
        from hevesy.foundation.ui import nav, slots

        nav.register(
            nav.NavEntry(
                "reading",
                _("Images"),
                "photo",
                "viewing:studies",
                "archive.view",
                order=10,
            )
        )
        nav.register(
            nav.NavEntry(
                "reading",
                _("Unmatched images"),
                "unlink",
                "viewing:unmatched",
                "archive.link",
                order=20,
                count=_unmatched,
            )
        )
        slots.fill(
            "exam.panels", "viewing/_exam_panel.html", panels.exam_images, "archive.view", order=40
        )


def _unmatched(request: HttpRequest) -> int:
    from hevesy.records.archive.models import Study

    return Study.objects.filter(exam=None).count()
