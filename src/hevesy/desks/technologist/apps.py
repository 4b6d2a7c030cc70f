from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TechnologistConfig(AppConfig):
    name = "hevesy.desks.technologist"
    label = "technologist"
    verbose_name = _("Technologist")

    def ready(self) -> None:
        """Enter the side bar, lead scanned syringes to the check, show doses on pages of an examination."""
        from hevesy.desks.technologist import entries

        entries.register()
