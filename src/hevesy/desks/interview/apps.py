from django.apps import AppConfig
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _


class InterviewConfig(AppConfig):
    name = "hevesy.desks.interview"
    label = "interview"
    verbose_name = _("Interview")

    def ready(self) -> None:
        from hevesy.desks.interview import panels
        from hevesy.foundation.ui import nav, slots

        nav.register(
            nav.NavEntry(
                "exam",
                _("Interview"),
                "clipboard-heart",
                "interview:home",
                "exams.interview",
                order=10,
                count=_waiting,
            )
        )
        slots.fill(
            "exam.panels", "interview/_panel.html", panels.exam_interviews, "exams.view", order=20
        )


def _waiting(request: HttpRequest) -> int:
    from django.utils import timezone

    from hevesy.records.exams.models import Exam

    day = timezone.localdate()
    return Exam.objects.filter(
        visit_state="arrived", item__requires_interview=True, booked_for__date=day
    ).count()
