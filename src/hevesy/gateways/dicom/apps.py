from django.apps import AppConfig


class DicomConfig(AppConfig):
    name = "hevesy.gateways.dicom"
    label = "dicom"
    verbose_name = "DICOM"

    def ready(self) -> None:
        from hevesy.foundation.ui import slots
        from hevesy.gateways.dicom.views import device_panel

        slots.fill("device.panels", "dicom/_panel.html", device_panel, "equipment.edit", 20)
