from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConfigConfig(AppConfig):
    name = "hevesy.config"
    label = "config"
    verbose_name = _("Start-up")

    def ready(self) -> None:
        from hevesy.config import trail, verbs
        from hevesy.foundation.audit.queries import know_patients_by
        from hevesy.foundation.audit.verbs import declare
        from hevesy.foundation.ui.nav import NavEntry, register

        register(
            NavEntry(
                group="system",
                label=_("Database and storage"),
                icon="database",
                url_name="storage",
                permission="system.manage",
                order=35,
            )
        )

        declare(verbs.NOUNS, verbs.ACTS)
        know_patients_by(trail.patients_with, trail.numbers_of)
