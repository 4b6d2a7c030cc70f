from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EquipmentConfig(AppConfig):
    name = "hevesy.records.equipment"
    label = "equipment"
    verbose_name = _("Equipment")

    def ready(self) -> None:
        from hevesy.foundation.accounts import seeding
        from hevesy.records.equipment.seeding import seed

        seeding.register(30, seed)
