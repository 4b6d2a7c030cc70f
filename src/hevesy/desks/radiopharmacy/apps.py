from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RadiopharmacyConfig(AppConfig):
    name = "hevesy.desks.radiopharmacy"
    label = "radiopharmacy"
    verbose_name = _("Radiopharmacy")

    def ready(self) -> None:
        """Enter the side bar, lead scanned batches to their page."""
        from hevesy.desks.radiopharmacy import entries

        entries.register()
