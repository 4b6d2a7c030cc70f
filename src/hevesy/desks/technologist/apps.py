from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TechnologistConfig(AppConfig):
    name = "hevesy.desks.technologist"
    label = "technologist"
    verbose_name = _("Technologist")
