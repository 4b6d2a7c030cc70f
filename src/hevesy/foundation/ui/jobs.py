"""Housekeeping of the page kit."""

from __future__ import annotations

from hevesy.foundation.jobs.clock import every
from hevesy.foundation.ui.live import prune


@every(seconds=600, name="ui.live-events")
def forget_old_events() -> None:
    """Delete live events that no page can miss any more."""
    prune()
