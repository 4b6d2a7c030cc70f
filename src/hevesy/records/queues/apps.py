from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class QueuesConfig(AppConfig):
    name = "hevesy.records.queues"
    label = "queues"
    verbose_name = _("Queues")

    def ready(self) -> None:
        """Follow the exams, let pages edit the queues, and seed them after rooms and devices."""
        from hevesy.foundation.accounts import seeding
        from hevesy.records.queues import receivers, setting_up  # noqa: F401
        from hevesy.records.queues.seeding import seed

        setting_up.declare()
        seeding.register(60, seed)
