"""What the archive does when examinations move."""

from __future__ import annotations

from typing import Any

from hevesy.foundation.accounts.actors import system_actor
from hevesy.records.archive.advancing import advance_stable_studies


def on_exam_moved(exam: Any, event: str, **unused: Any) -> None:
    """An administration written down late: the images that waited for it move the examination on."""
    if event == "step.administer":
        advance_stable_studies(exam, by=system_actor("archive"))
