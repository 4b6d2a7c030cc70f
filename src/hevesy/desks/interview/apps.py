from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InterviewConfig(AppConfig):
    name = "hevesy.desks.interview"
    label = "interview"
    verbose_name = _("Interview")

    def ready(self) -> None:
        """Enter the side bar; show what was said on every page of the examination."""
        from hevesy.desks.interview import entries

        entries.register()
