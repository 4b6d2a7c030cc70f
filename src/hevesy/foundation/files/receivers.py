"""Make the store when the database is made."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import Model

from hevesy.foundation.files.models import StoredFile
from hevesy.foundation.files.store import store

NAMING: list[type[Model]] = [StoredFile]
"""The models whose rows name objects of the store; upper floors add theirs in `AppConfig.ready`."""


def create_empty_store(**_unused: Any) -> None:
    """After `migrate`: create the store's folder, but only for a site that has stored nothing yet.

    A site with files whose store has no marker has lost its disk; making a new store would hide that.
    """
    place = store()
    if place.is_made():
        return
    tables = connection.introspection.table_names()  # after `migrate files` others may not be there
    models = [model for model in NAMING if model._meta.db_table in tables]
    if not any(model._default_manager.exists() for model in models):
        place.create()
