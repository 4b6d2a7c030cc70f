"""Periodic work on the job table itself."""

from __future__ import annotations

from hevesy.foundation.jobs.actions import forget_old
from hevesy.foundation.jobs.clock import every


@every(seconds=24 * 3600, name="jobs.forget")
def forget() -> None:
    """Delete jobs that ended well long ago."""
    forget_old()
