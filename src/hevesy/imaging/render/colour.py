"""Colour tables as (256, 3) uint8 arrays, and how values meet them."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.render.colourmaps import Table, colour_map, colour_maps

Picture = npt.NDArray[np.uint8]

GREY: Final = colour_map("grey").table
INVERSE_GREY: Final = colour_map("inverse_grey").table
HOT_IRON: Final = colour_map("hot_iron").table
PET: Final = colour_map("pet").table

TABLES: Final = MappingProxyType({key: one.table for key, one in colour_maps().items()})


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
