"""Named looks for volume rendering, in tissues.toml: tissues of a CT by HU, a PET by SUV."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hevesy.imaging.geometry.volume import Volume
from hevesy.imaging.refusal import Refused
from hevesy.imaging.render.colourmaps import colour_map
from hevesy.imaging.render.raycast import Glow, Tissue


@dataclass(frozen=True, slots=True)
class TissueLook:
    """A tissue of a CT: ranges of HU in the order in which they count, and where they come from."""

    key: str
    name_en: str
    name_zh: str
    steps: tuple[Tissue, ...]
    source: str
    checked: bool

    def as_json(self) -> dict[str, Any]:
        """Plain values; ranges are in HU."""
        return {
            "key": self.key,
            "name_en": self.name_en,
            "name_zh": self.name_zh,
            "steps": [
                {
                    "low_hu": one.low,
                    "high_hu": one.high,
                    "colour_rgb": list(one.colour),
                    "opacity_per_mm": one.opacity_per_mm,
                }
                for one in self.steps
            ],
            "source": self.source,
            "checked": self.checked,
        }


@dataclass(frozen=True, slots=True)
class GlowLook:
    """How a PET shows: window in SUVbw, colour map, opacity at the upper end of the window."""

    key: str
    name_en: str
    name_zh: str
    window_suv: tuple[float, float]
    colour_map: str
    opacity_per_mm: float
    source: str
    checked: bool

    def glow(
        self,
        pet: Volume,
        *,
        window: tuple[float, float] | None = None,
        colours: str | None = None,
        ratio: float = 0.5,
    ) -> Glow:
        """The glow of a PET in SUVbw; of other units with a window of its own."""
        return Glow(
            pet,
            window or self.window_suv,
            table=colour_map(colours or self.colour_map).table,
            opacity_per_mm=self.opacity_per_mm,
            ratio=ratio,
        )


@cache
def tissue_looks(path: Path | None = None) -> Mapping[str, TissueLook]:
    """All tissues by key, of an edited table where its path is given."""
    return MappingProxyType(
        {
            key: TissueLook(
                key=key,
                name_en=row["name_en"],
                name_zh=row["name_zh"],
                steps=tuple(
                    Tissue(float(low), float(high), (red, green, blue), float(opacity))
                    for low, high, (red, green, blue), opacity in row["steps"]
                ),
                source=row["source"],
                checked=row["checked"],
            )
            for key, row in _table(path).items()
            if key != "glow"
        }
    )


@cache
def glow_looks(path: Path | None = None) -> Mapping[str, GlowLook]:
    """All looks of a PET by key, of an edited table where its path is given."""
    return MappingProxyType(
        {
            key: GlowLook(
                key=key, **row | {"window_suv": (row["window_suv"][0], row["window_suv"][1])}
            )
            for key, row in _table(path)["glow"].items()
        }
    )


def tissues_of(keys: Iterable[str], path: Path | None = None) -> tuple[Tissue, ...]:
    """The tissues of these looks for `raycast.cast`; where ranges overlap, the first key counts.

    Raises `Refused` "unknown_tissue".
    """
    looks = tissue_looks(path)
    found: list[Tissue] = []
    for key in keys:
        if key not in looks:
            raise Refused(
                "unknown_tissue",
                f"There is no tissue of this name; choose one of {', '.join(looks)}.",
                f"没有该组织名称，可选：{'、'.join(looks)}。",
                key,
            )
        found += looks[key].steps
    return tuple(found)


def _table(path: Path | None) -> dict[str, Any]:
    own = Path(__file__).with_name("tissues.toml")
    return tomllib.loads((path or own).read_text(encoding="utf-8"))
