"""Every icon that a page names is in the sprite: a missing one would be an empty place that nobody notices."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from django.contrib.staticfiles import finders

SOURCE = Path(__file__).parents[3]
LIST = SOURCE.parents[1] / "viewer" / "icons.txt"
IN_TEMPLATES = re.compile(r"""\{% icon ["']([\w-]+)["']|\bicon=["']([a-z][\w-]+)["']""")
THIRD = {"Chip", "NavEntry"}
"""Calls whose third argument is an icon."""


def listed() -> set[str]:
    lines = LIST.read_text("utf-8").splitlines()
    return {line.strip() for line in lines if line.strip() and not line.startswith("#")}


def icons_of(source: str) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        values = [keyword.value for keyword in node.keywords if keyword.arg == "icon"]
        if getattr(node.func, "id", getattr(node.func, "attr", "")) in THIRD:
            values += node.args[2:3]
        names += [
            str(value.value) for value in values if isinstance(value, ast.Constant) and value.value
        ]
    return names


def test_every_icon_that_is_used_is_listed() -> None:
    known, unknown = listed(), []
    for path in SOURCE.rglob("*"):
        names: list[str] = []
        if path.suffix == ".html":
            found = IN_TEMPLATES.findall(path.read_text("utf-8"))
            names = [next(filter(None, groups)) for groups in found]
        elif path.suffix == ".py" and "tests" not in path.parts:
            names = icons_of(path.read_text("utf-8"))
        unknown += [f"{path.relative_to(SOURCE)}: {name}" for name in names if name not in known]
    assert not unknown, "add to viewer/icons.txt: " + ", ".join(unknown)


def test_every_listed_icon_is_in_the_sprite() -> None:
    sprite = finders.find("vendor/tabler-icons.svg")
    if sprite is None:
        import pytest

        pytest.skip("page assets are not built: npm run build")
    drawn = set(re.findall(r'id="tabler-([\w-]+)"', Path(str(sprite)).read_text("utf-8")))
    assert listed() <= drawn
