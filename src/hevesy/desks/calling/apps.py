from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CallingConfig(AppConfig):
    name = "hevesy.desks.calling"
    label = "calling"
    verbose_name = _("Calling")

    def ready(self) -> None:
        """Enter the side bar, offer the ticket of an exam to other pages, send wall screens to their page."""
        from hevesy.desks.calling import entries
        from hevesy.foundation.stations import homes
        from hevesy.foundation.ui import nav, slots

        nav.register(
            nav.NavEntry(
                "front",
                _("Triage and calling"),
                "speakerphone",
                "calling:desk",
                "queues.view",
                order=30,
                count=entries.waiting_count,
            )
        )
        slots.fill(
            "exam.actions", "calling/_exam_ticket.html", entries.exam_ticket, "queues.view", 30
        )
        homes.register("screen", "calling:first-wall")
