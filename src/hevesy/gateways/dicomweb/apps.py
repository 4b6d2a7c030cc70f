from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DicomwebConfig(AppConfig):
    name = "hevesy.gateways.dicomweb"
    label = "dicomweb"
    verbose_name = _("DICOMweb")
