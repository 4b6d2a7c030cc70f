from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class QueuesConfig(AppConfig):
    name = "hevesy.records.queues"
    label = "queues"
    verbose_name = _("Queues")

    def ready(self) -> None:
        """Follow the exams, and seed the service points after rooms and devices."""
        from hevesy.foundation.accounts import seeding
        from hevesy.records.queues import receivers  # noqa: F401
        from hevesy.records.queues.seeding import seed

        seeding.register(60, seed)
