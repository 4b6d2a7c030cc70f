from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "hevesy.foundation.accounts"
    label = "accounts"
    verbose_name = _("People and rights")

    def ready(self) -> None:
        from hevesy.foundation.accounts import receivers  # noqa: F401  connects them
        from hevesy.foundation.ui.nav import NavEntry, register

        either = ("accounts.manage", "audit.read")
        register(
            NavEntry("system", _("Roles and rights"), "shield-lock", "accounts:roles", either, 20)
        )
        for label, icon, url_name, permission, order in [
            (_("People"), "users", "accounts:people", "accounts.manage", 10),
            (_("Program tokens"), "key", "accounts:tokens", "tokens.manage", 30),
        ]:
            register(NavEntry("system", label, icon, url_name, permission, order))
