"""`hevesy state_diagram`: draw the state machines for the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser

from hevesy.records.exams.states import mermaid


def tables() -> dict[str, Mapping[tuple[str, str], Any]]:
    """Every table of every app's `states.TABLES`, as `app.table`."""
    found: dict[str, Mapping[tuple[str, str], Any]] = {}
    for app in apps.get_app_configs():
        if app.name.startswith("hevesy.") and find_spec(f"{app.name}.states"):
            declared = getattr(import_module(f"{app.name}.states"), "TABLES", {})
            found.update({f"{app.label}.{name}": table for name, table in declared.items()})
    return found


class Command(BaseCommand):
    """Print Mermaid state diagrams generated from the tables."""

    help = "Print the state machines as Mermaid diagrams, generated from the tables."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("table", nargs="?", help="for example exams.step; without: all")

    def handle(self, *args: Any, table: str | None = None, **options: Any) -> None:
        found = tables()
        if table is not None and table not in found:
            raise CommandError(f"no table {table}; known: {', '.join(sorted(found))}")
        for name in [table] if table else sorted(found):
            self.stdout.write(f"### {name}\n\n```mermaid\n{mermaid(found[name])}\n```\n")
