"""Make the store when the database is made."""

from __future__ import annotations

from typing import Any

from hevesy.foundation.files.models import StoredFile
from hevesy.foundation.files.store import MARKER, store


def create_empty_store(**_unused: Any) -> None:
    """After `migrate`: create the store's folder, but only for a site that has stored nothing yet.

    A site with files whose store has no marker has lost its disk; making a new store would hide that.
    """
    place = store()
    if not (place.root / MARKER).exists() and not StoredFile.objects.exists():
        place.create()
