from django.apps import AppConfig
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _


class PublishingConfig(AppConfig):
    name = "hevesy.desks.publishing"
    label = "publishing"
    verbose_name = _("Publishing")

    def ready(self) -> None:
        from hevesy.foundation.ui import nav

        nav.register(
            nav.NavEntry(
                "reading",
                _("Publish reports"),
                "world-upload",
                "publishing:manage",
                "publishing.publish",
                order=60,
                count=_waiting,
            )
        )
        nav.register(
            nav.NavEntry(
                "reading",
                _("Published reports"),
                "report-medical",
                "publishing:reports",
                "publishing.read",
                order=70,
            )
        )


def _waiting(request: HttpRequest) -> int:
    from hevesy.desks.publishing.queries import waiting

    return waiting().count()
