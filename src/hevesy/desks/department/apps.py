from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DepartmentConfig(AppConfig):
    name = "hevesy.desks.department"
    label = "department"
    verbose_name = _("Department")

    def ready(self) -> None:
        from hevesy.foundation.ui.nav import NavEntry, register

        register(
            NavEntry(
                "department",
                _("Catalogue"),
                "list-details",
                "department:index",
                "catalogue.edit",
                40,
            )
        )
        register(
            NavEntry(
                "department",
                _("Devices"),
                "device-heart-monitor",
                "department:devices",
                ("equipment.edit", "catalogue.edit"),
                50,
            )
        )
        register(
            NavEntry(
                "department",
                _("Statistics"),
                "chart-bar",
                "department:statistics",
                "statistics.view",
                60,
            )
        )
