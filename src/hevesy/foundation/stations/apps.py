from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class StationsConfig(AppConfig):
    name = "hevesy.foundation.stations"
    label = "stations"
    verbose_name = _("Stations")

    def ready(self) -> None:
        from hevesy.foundation.ui.nav import NavEntry, register

        register(
            NavEntry(
                "system",
                _("Stations"),
                "device-desktop",
                "stations:station_list",
                "stations.manage",
                40,
            )
        )
