"""Tidy the object store."""

from __future__ import annotations

from hevesy.foundation.files.store import store
from hevesy.foundation.jobs.clock import every

STALE_S = 24 * 3600


@every(seconds=3600, name="files.sweep")
def sweep() -> None:
    """Delete what crashes left half received more than a day ago."""
    store().sweep_temporaries(older_than_s=STALE_S)
