from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DicomConfig(AppConfig):
    name = "hevesy.gateways.dicom"
    label = "dicom"
    verbose_name = _("DICOM")

    def ready(self) -> None:
        from hevesy.foundation.ui import slots
        from hevesy.gateways.dicom.views import device_panel

        slots.fill("device.panels", "dicom/_panel.html", device_panel, "equipment.edit", 20)
