"""The clock of the hot laboratory."""

from __future__ import annotations

from hevesy.foundation.jobs.clock import every
from hevesy.records.doses.actions import expire_batches


@every(seconds=60, name="doses.expire")
def expire() -> None:
    """Batches past their expiry are closed; the checks at dispensing and injection do not wait for this."""
    expire_batches()
