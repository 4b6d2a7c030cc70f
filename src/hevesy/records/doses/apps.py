from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DosesConfig(AppConfig):
    name = "hevesy.records.doses"
    label = "doses"
    verbose_name = _("Doses")
