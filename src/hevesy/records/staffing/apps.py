from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class StaffingConfig(AppConfig):
    name = "hevesy.records.staffing"
    label = "staffing"
    verbose_name = _("Staffing")

    def ready(self) -> None:
        from hevesy.foundation.accounts.seeding import register
        from hevesy.records.staffing import rights  # noqa: F401  declares the permissions
        from hevesy.records.staffing.seeding import seed_roles

        register(10, seed_roles)
