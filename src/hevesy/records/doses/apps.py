from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DosesConfig(AppConfig):
    name = "hevesy.records.doses"
    label = "doses"
    verbose_name = _("Doses")

    def ready(self) -> None:
        """Seed limits and quality tests."""
        from hevesy.foundation.accounts import seeding
        from hevesy.records.doses.seeding import seed

        seeding.register(50, seed)
