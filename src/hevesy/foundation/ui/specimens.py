"""What the gallery shows: every part in every state, with invented people."""

from __future__ import annotations

from typing import Any


def specimens() -> dict[str, Any]:
    """Variables of `ui/gallery.html`."""
    return {}
