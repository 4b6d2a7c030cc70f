from django.apps import AppConfig
from django.http import HttpRequest
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _

from hevesy.foundation.ui.nav import Count, NavEntry, register


class JobsConfig(AppConfig):
    name = "hevesy.foundation.jobs"
    label = "jobs"
    verbose_name = _("Background jobs")

    def ready(self) -> None:
        # Every app declares its tasks and periodic functions in its `jobs.py`.
        autodiscover_modules("jobs")
        register(
            NavEntry(
                group="system",
                label=_("Background jobs"),
                icon="list-check",
                url_name="jobs:jobs",
                permission="system.manage",
                order=30,
                count=_given_up,
            )
        )


def _given_up(request: HttpRequest) -> Count:
    from hevesy.foundation.jobs.queries import given_up

    return Count(given_up(), "red")
