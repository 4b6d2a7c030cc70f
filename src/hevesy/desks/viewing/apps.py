from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ViewingConfig(AppConfig):
    name = "hevesy.desks.viewing"
    label = "viewing"
    verbose_name = _("Viewing")
