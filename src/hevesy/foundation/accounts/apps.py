from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "hevesy.foundation.accounts"
    label = "accounts"
    verbose_name = _("People and rights")

    def ready(self) -> None:
        from hevesy.foundation.accounts import receivers  # noqa: F401  connects them
