from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from hevesy.foundation.ui.nav import NavEntry, register


class AuditConfig(AppConfig):
    name = "hevesy.foundation.audit"
    label = "audit"
    verbose_name = _("Audit")

    def ready(self) -> None:
        from hevesy.foundation.audit.triggers import restore_all

        post_migrate.connect(restore_all, sender=self)
        register(
            NavEntry(
                group="system",
                label=_("Audit trail"),
                icon="history",
                url_name="audit:trail",
                permission="audit.read",
                order=10,
            )
        )
