"""Colour contrast of the design tokens, by the formula of WCAG 2 (relative luminance, 1.4.3 and 1.4.11)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hevesy.foundation.ui.chips import TONES

STYLES = Path(__file__).parents[1] / "static" / "ui"
TOKENS = (STYLES / "tokens.css").read_text("utf-8")
TEXT, SHAPE = 4.5, 3.0
STATES = TONES[:12]


def theme(start: str) -> dict[str, str]:
    at = TOKENS.index(start)
    block = TOKENS[at : TOKENS.index("\n}", at)]
    return dict(re.findall(r"--hv-([\w-]+):\s*(#[0-9a-fA-F]{3,6})", block))


LIGHT = theme("/* LIGHT")
DARK = {**LIGHT, **theme("/* DARK")}
IMAGE = {**DARK, **theme('[data-surface="image"]')}
WALL = {**DARK, **theme('[data-surface="wall"]')}


def luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


PAIRS = [
    *((text, bg, TEXT) for text in ("text", "text-2", "text-3") for bg in ("bg", "surface", "surface-2", "side-bg")),
    *((text, bg, TEXT) for text in ("text", "text-2") for bg in ("selected", "surface-3")),
    *(("primary", bg, TEXT) for bg in ("bg", "surface", "surface-2", "primary-bg", "selected")),
    ("on-primary", "primary", TEXT),
    ("on-primary", "primary-hover", TEXT),
    ("on-amber", "amber-solid", TEXT),
    ("on-red", "red-solid", TEXT),
    ("on-rad", "rad", TEXT),
    ("rad-ink", "rad-bg", TEXT),
    ("rad-ink", "surface", TEXT),
    ("decay", "surface", TEXT),
    ("decay", "s-uptake-bg", TEXT),
    ("ins", "ins-bg", TEXT),
    ("del", "del-bg", TEXT),
    *((f"{tone}", f"{tone}-bg", TEXT) for tone in ("ok", "info", "amber", "red")),
    *((f"{tone}", "surface", TEXT) for tone in ("ok", "info", "amber", "red")),
    *((text, f"{tone}-bg", TEXT) for tone in ("ok", "info", "amber", "red") for text in ("text", "text-2")),
    *((f"s-{state}", f"s-{state}-bg", TEXT) for state in STATES),
    *((f"s-{state}", "surface", TEXT) for state in STATES if state != "published"),
    ("focus", "bg", SHAPE),
    ("focus", "surface", SHAPE),
    ("control-line", "surface", SHAPE),
    *((f"c{number}", "surface", SHAPE) for number in range(1, 7)),
]  # fmt: skip


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_every_pair_of_tokens_can_be_read(colours: dict[str, str]) -> None:
    poor = [
        f"{front} on {back}: {ratio:.2f} < {least}"
        for front, back, least in PAIRS
        if (ratio := contrast(colours[front], colours[back])) < least
    ]
    assert not poor, poor


def test_text_beside_images_and_on_walls_can_be_read() -> None:
    for surface in (IMAGE, WALL):
        for text in ("text", "text-2", "text-3"):
            for back in ("bg", "surface", "surface-2"):
                assert contrast(surface[text], surface[back]) >= TEXT, (text, back)
    assert contrast(WALL["on-call"], WALL["call"]) >= 7


def test_pages_take_colours_from_tokens_only() -> None:
    """Hex colours stand in tokens.css; elsewhere only where paper or an image is meant to be white or black."""
    allowed = {"#fff", "#000", "#a01b1b", "#103a49", "#17586e", "#6cc3dc"}
    for path in STYLES.glob("*.css"):
        if path.name == "tokens.css":
            continue
        used = set(
            re.findall(
                r"#[0-9a-fA-F]{3,8}\b(?![\w-])",
                re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.S),
            )
        )
        colours = {colour for colour in used if re.fullmatch(r"#[0-9a-f]{3}|#[0-9a-f]{6}", colour)}
        assert colours <= allowed, (path.name, colours - allowed)
