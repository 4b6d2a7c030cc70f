from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CallingConfig(AppConfig):
    name = "hevesy.desks.calling"
    label = "calling"
    verbose_name = _("Calling")
