from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CatalogueConfig(AppConfig):
    name = "hevesy.records.catalogue"
    label = "catalogue"
    verbose_name = _("Catalogue")

    def ready(self) -> None:
        from hevesy.foundation.accounts import seeding
        from hevesy.records.catalogue.seeding import seed

        seeding.register(20, seed)
