from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RegistrationConfig(AppConfig):
    name = "hevesy.desks.registration"
    label = "registration"
    verbose_name = _("Registration")

    def ready(self) -> None:
        from hevesy.desks.registration import entries

        entries.register()
