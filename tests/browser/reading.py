"""A reader at the viewer: points given in the patient's space, seen and pressed on the screen."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Page

Point = Sequence[float]
LOADS_WITHIN_MS = 120_000

_ALL_LOADED = """() => {
  const engine = document.querySelector("hv-viewer")?.engine;
  if (!engine) return false;
  const all = engine.library.all();
  return all.length > 0 && engine.pair.overlay?.grid && all.every((one) => one.status === "ready");
}"""
_ON_SCREEN = """([slot, lps]) => {
  const { engine } = document.querySelector("hv-viewer");
  const element = document.querySelector(`.hvv-cell[data-slot="${slot}"]`);
  const box = element.getBoundingClientRect();
  const view = engine.view(engine.grid().slots.find((one) => one.id === slot));
  const d = lps.map((mm, axis) => mm - view.centre[axis]);
  const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  const scale = box.width / view.width;
  return {
    x: box.left + (dot(d, view.right) / view.mmPerPixel + view.width / 2) * scale,
    y: box.top + (dot(d, view.down) / view.mmPerPixel + view.height / 2) * scale,
    away_mm: Math.abs(dot(d, view.forward)),
  };
}"""


class Reader:
    """What eyes and hands do at one open viewer."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def wait(self) -> None:
        """Until every series is there in full."""
        self.page.wait_for_function(_ALL_LOADED, timeout=LOADS_WITHIN_MS)

    def look_at(self, lps: Point) -> None:
        """Put the linked cross at a point."""
        self.page.evaluate(
            "lps => document.querySelector('hv-viewer').engine.setCrosshair(lps)", list(lps)
        )
        self.page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def window(self, role: str) -> tuple[float, float]:
        """The window of the `base` or `overlay` series."""
        low, high = self.page.evaluate(
            """role => {
              const { engine } = document.querySelector("hv-viewer");
              return [...engine.window(engine.pair[role].entry.uid)];
            }""",
            role,
        )
        return low, high

    @property
    def alpha(self) -> float:
        """The overlay's share of a fused picture."""
        share: float = self.page.evaluate(
            "document.querySelector('hv-viewer').engine.store.state.alpha"
        )
        return share

    @property
    def cross(self) -> list[float]:
        """The linked point, mm LPS."""
        found: list[float] = self.page.evaluate(
            "[...document.querySelector('hv-viewer').engine.store.state.crosshair]"
        )
        return found

    def on_screen(self, slot: str, lps: Point) -> tuple[float, float]:
        """Where a point lies on the screen in a cell, px."""
        found: dict[str, float] = self.page.evaluate(_ON_SCREEN, [slot, list(lps)])
        return found["x"], found["y"]

    def colours(self, slot: str, *points: Point) -> list[np.ndarray]:
        """RGB means of 3 × 3 pixels at points of a cell, as the screen shows them; the cross is hidden meanwhile."""
        self.page.keyboard.press("x")
        self.page.mouse.move(2, 2)
        self.page.wait_for_timeout(200)
        picture = np.asarray(Image.open(io.BytesIO(self.page.screenshot())).convert("RGB"), float)
        self.page.keyboard.press("x")
        found = []
        for lps in points:
            x, y = (round(v) for v in self.on_screen(slot, lps))
            found.append(picture[y - 1 : y + 2, x - 1 : x + 2].mean(axis=(0, 1)))
        return found

    def hover(self, slot: str, lps: Point) -> dict[str, float]:
        """Values that the bottom line shows under the pointer, by unit or kind: {"SUVbw": 12.5, "CT": 40.0}."""
        self.page.mouse.move(*self.on_screen(slot, lps))
        self.page.wait_for_timeout(150)
        values = {}
        for field in self.page.locator(".hvv-status > span").all():
            if field.is_visible() and field.locator("b").count():
                label, number = field.locator("span").inner_text(), field.locator("b").inner_text()
                found = re.search(r"[-−]?[\d.]+", re.sub(r"\s", "", number))
                if found:
                    values[label] = float(found[0].replace("−", "-"))
        return values

    def click(self, slot: str, lps: Point) -> None:
        """Press at a point of a cell."""
        self.page.mouse.click(*self.on_screen(slot, lps))

    def ellipse(self, slot: str, corner: Point, opposite: Point) -> dict[str, Any]:
        """Draw an elliptical region over its box and wait for the server's numbers; the region, as it is kept."""
        self.page.keyboard.press("e")
        x, y = self.on_screen(slot, corner)
        to_x, to_y = self.on_screen(slot, opposite)
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move((x + to_x) / 2, (y + to_y) / 2)
        self.page.mouse.move(to_x, to_y, steps=4)
        self.page.mouse.up()
        self.page.keyboard.press("c")
        self.page.locator(".hvv-source.is-server").last.wait_for()
        region: dict[str, Any] = self.page.evaluate(
            """() => {
              const { engine } = document.querySelector("hv-viewer");
              const m = engine.store.state.measurements.at(-1);
              const shown = m.seriesUids.map((uid) => engine.measurements.result(m, uid).server);
              return { ...m, shown };
            }"""
        )
        return region


def hot_iron(share: float) -> np.ndarray:
    """RGB of the DICOM colour palette Hot Iron (PS3.6 B.1.1) at a share of its range."""
    index = round(255 * min(1.0, max(0.0, share)))
    return np.clip([2 * index, 2 * (index - 128), 4 * (index - 192)], 0, 255).astype(float)


def grey(share: float) -> np.ndarray:
    """RGB of a grey at a share of its range."""
    return np.full(3, 255 * min(1.0, max(0.0, share)))
