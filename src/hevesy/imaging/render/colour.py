"""Colour tables as (256, 3) uint8 arrays, and how values meet them."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Table = npt.NDArray[np.uint8]
Picture = npt.NDArray[np.uint8]

_LEVELS: Final = np.arange(256.0)


def _from_knots(*channels: tuple[tuple[float, float], ...]) -> Table:
    """Piecewise linear red, green and blue over the levels 0 to 255."""
    ramps = [np.interp(_LEVELS, *np.array(knots, dtype=np.float64).T) for knots in channels]
    table: Table = np.rint(np.stack(ramps, axis=1)).astype(np.uint8)
    table.setflags(write=False)
    return table


_UP: Final = ((0.0, 0.0), (255.0, 255.0))
_DOWN: Final = ((0.0, 255.0), (255.0, 0.0))

GREY: Final = _from_knots(_UP, _UP, _UP)
INVERSE_GREY: Final = _from_knots(_DOWN, _DOWN, _DOWN)

# DICOM PS3.6 Annex B: the well-known colour palettes, as their segments.
HOT_IRON: Final = _from_knots(
    ((0, 0), (127, 254), (128, 255), (255, 255)),
    ((0, 0), (128, 0), (254, 252), (255, 255)),
    ((0, 0), (191, 0), (254, 252), (255, 255)),
)
PET: Final = _from_knots(
    ((0, 0), (63, 0), (192, 255), (255, 255)),
    ((0, 0), (31, 62), (32, 65), (63, 128), (128, 0), (254, 252), (255, 255)),
    ((0, 0), (1, 1), (128, 255), (129, 252), (192, 0), (254, 250), (255, 255)),
)

TABLES: Final = MappingProxyType(
    {"grey": GREY, "inverse-grey": INVERSE_GREY, "hot-iron": HOT_IRON, "pet": PET}
)


def windowed(values: npt.NDArray[Any], low: float, high: float) -> Picture:
    """Levels 0 to 255 of values between `low` and `high`; outside they stay at the ends.

    NaN becomes 0. Raises `ValueError` unless low < high.
    """
    if not low < high:
        raise ValueError("the lower end of a window must lie below the upper")
    scaled = (values.astype(np.float32) - np.float32(low)) * np.float32(255.0 / (high - low))
    levels: Picture = np.rint(np.clip(np.nan_to_num(scaled, nan=0.0), 0, 255)).astype(np.uint8)
    return levels


def coloured(values: npt.NDArray[Any], low: float, high: float, table: Table = GREY) -> Picture:
    """Colours (…, 3) of values by a window and a table."""
    return table[windowed(values, low, high)]


def blended(below: Picture, above: Picture, alpha: float) -> Picture:
    """`above` over `below` (…, 3): below * (1 - alpha) + above * alpha; 0 and 1 are exact."""
    if not 0.0 <= alpha <= 1.0:
        raise ValueError("alpha must lie between 0 and 1")
    mixed = below.astype(np.float32) * np.float32(1 - alpha) + above.astype(np.float32) * (
        np.float32(alpha)
    )
    picture: Picture = np.rint(mixed).astype(np.uint8)
    return picture
