from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class UiConfig(AppConfig):
    name = "hevesy.foundation.ui"
    label = "ui"
    verbose_name = _("Page kit")

    def ready(self) -> None:
        from hevesy.foundation.ui import live

        # Who may listen to which topics (the reader's permission, or a registered screen).
        live.register_topic("exams", "exams.view")
        live.register_topic("queue", "queues.view")
        live.register_topic("wall", "queues.view", stations=True)
        live.register_topic("doses", "doses.view")
        live.register_topic("archive", "archive.view")
        live.register_topic("reports", ("reports.view", "publishing.read"))
        live.register_topic("jobs")
