"""`hevesy messages`: compile the translations of every app; `--check` says what a Chinese user would see in English."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError

from hevesy.foundation.ui.catalogs import (
    HEADER,
    LANGUAGE,
    Entry,
    Key,
    blank_entry,
    read_po,
    strings_of,
    write_mo,
)

COMMON = "ui"
"""The app whose catalogue holds the words that all share: Save, Cancel, Close."""


class Command(BaseCommand):
    help = (
        "Compiles every app's locale/zh_Hans/LC_MESSAGES/django.po to django.mo, without gettext's programs. "
        "--check fails on strings without translation, --collect adds them to the .po files for translating."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("apps", nargs="*", metavar="APP", help="app labels; all by default")
        parser.add_argument(
            "--check", action="store_true", help="fail if a string has no translation"
        )
        parser.add_argument(
            "--collect", action="store_true", help="add missing strings to the .po files"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        every = {
            config.label: Path(config.path)
            for config in apps.get_app_configs()
            if config.name.startswith("hevesy.")
        }
        unknown = set(options["apps"]) - set(every)
        if unknown:
            raise CommandError(f"No such app: {', '.join(sorted(unknown))}")
        asked = {label: every[label] for label in options["apps"] or every}
        catalogs = {label: self.catalog(folder) for label, folder in every.items()}
        common = {entry.key for entry in catalogs[COMMON] if entry.done}
        faults: list[str] = []
        for label, folder in asked.items():
            if catalogs[label]:
                write_mo(catalogs[label], po_path(folder).with_suffix(".mo"))
            if options["check"] or options["collect"]:
                faults += self.faults(label, folder, catalogs[label], common, options["collect"])
        if options["check"]:
            faults += contradictions(catalogs, set(asked))
            for fault in faults:
                self.stderr.write(fault)
            if faults:
                raise CommandError(
                    f"{len(faults)} fault{'s' * (len(faults) > 1)} in the translations"
                )
        self.stdout.write(f"{sum(map(bool, catalogs.values()))} catalogues compiled")

    def catalog(self, folder: Path) -> list[Entry]:
        """The app's entries, empty if it has none."""
        path = po_path(folder)
        return read_po(path) if path.exists() else []

    def faults(
        self, label: str, folder: Path, entries: list[Entry], common: set[Key], collect: bool
    ) -> list[str]:
        """What lacks a translation in this app; with `collect` it is added to the `.po` file."""
        known = {entry.key: entry for entry in entries}
        found: list[str] = []
        missing: list[str] = []
        for said in entries:
            if any("您" in text for text in said.translations):
                found.append(f"{label}: {said.key.text!r}: the pages say 你, not 您")
        for key, place in strings_of(folder).items():
            entry = known.get(key)
            if (entry is None or not entry.done) and key not in common:
                found.append(f"{label}: {place}: no translation: {key.text!r}")
                if entry is None:
                    missing.append(blank_entry(key, place))
        if collect and missing:
            path = po_path(folder)
            path.parent.mkdir(parents=True, exist_ok=True)
            before = path.read_text("utf-8") if path.exists() else HEADER
            path.write_text(before.rstrip("\n") + "\n\n" + "\n".join(missing), "utf-8")
            self.stdout.write(f"{label}: {len(missing)} strings added to {path}")
        return found


def po_path(folder: Path) -> Path:
    """Where an app keeps its Chinese."""
    return folder / "locale" / LANGUAGE / "LC_MESSAGES" / "django.po"


def contradictions(catalogs: dict[str, list[Entry]], asked: set[str]) -> list[str]:
    """Messages that two apps translate differently: Django merges all catalogues, so one of them would be wrong."""
    said: dict[tuple[str, str | None], tuple[str, list[str]]] = {}
    faults = []
    for label, entries in catalogs.items():
        for entry in entries:
            if not entry.done or not entry.key.text:
                continue
            key = (entry.key.text, entry.key.context)
            other, translations = said.setdefault(key, (label, entry.translations))
            if translations != entry.translations and {label, other} & asked:
                faults.append(
                    f"{label} and {other} differ on {entry.key.text!r}: {entry.translations[0]!r}, "
                    f"{translations[0]!r}; agree, or give one a context"
                )
    return faults
