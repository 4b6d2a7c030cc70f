"""Telling open pages that an examination changed: rows of the event table, written in the transaction."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any


def publish(topic: str, **payload: Any) -> None:
    """Hand an event to the page kit, which is built by others and may not be there yet."""
    if find_spec("hevesy.foundation.ui.live"):
        import_module("hevesy.foundation.ui.live").publish(topic, **payload)
