from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class FilesConfig(AppConfig):
    name = "hevesy.foundation.files"
    label = "files"
    verbose_name = _("Files")

    def ready(self) -> None:
        from hevesy.foundation.files.receivers import create_empty_store

        post_migrate.connect(create_empty_store, sender=self)
