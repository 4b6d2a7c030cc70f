from django.apps import AppConfig
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _


class ReportingConfig(AppConfig):
    name = "hevesy.desks.reporting"
    label = "reporting"
    verbose_name = _("Reporting")

    def ready(self) -> None:
        from hevesy.desks.reporting import panels
        from hevesy.foundation.ui import nav, slots

        nav.register(
            nav.NavEntry(
                "reading",
                _("Reading and reports"),
                "report-medical",
                "reporting:home",
                "reports.view",
                order=5,
                count=_waiting,
            )
        )
        slots.fill(
            "exam.panels",
            "reporting/_exam_panel.html",
            panels.exam_report,
            "reports.view",
            order=50,
        )


def _waiting(request: HttpRequest) -> int:
    from hevesy.records.exams.models import Exam

    states = []
    if request.user.may("reports.write"):  # type: ignore[union-attr]
        states += ["acquired", "reporting"]
    if request.user.may("reports.audit"):  # type: ignore[union-attr]
        states += ["submitted"]
    return Exam.objects.filter(state__in=states).count()
