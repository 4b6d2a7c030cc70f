"""Two planes of values to one picture: windows, colour maps and blending in one pass.

The arithmetic is that of `colour.windowed`, `coloured` and `blended` step for step, so that the
picture is the same to the last bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hevesy.imaging.compiled import in_parts, kernel
from hevesy.imaging.render.colour import Picture
from hevesy.imaging.render.colourmaps import Table


def fused(
    below: npt.NDArray[Any],
    above: npt.NDArray[Any],
    *,
    below_window: tuple[float, float],
    above_window: tuple[float, float],
    below_table: Table,
    above_table: Table,
    alpha: float,
    transparent_below: float | None = None,
) -> Picture:
    """Colours (rows, columns, 3) of `above` over `below`, both (rows, columns) of values.

    alpha: share of `above`, 0 to 1. transparent_below: value of `above` under which, and for
    not-a-number, only `below` shows. Raises `ValueError` for windows whose lower end is not the
    lower, planes of different shape, or another alpha.
    """
    if not 0.0 <= alpha <= 1.0:
        raise ValueError("alpha must lie between 0 and 1")
    if not (below_window[0] < below_window[1] and above_window[0] < above_window[1]):
        raise ValueError("the lower end of a window must lie below the upper")
    if below.shape != above.shape or below.ndim != 2:
        raise ValueError("both planes must have one shape")
    under = np.ascontiguousarray(below, dtype=np.float32)
    over = np.ascontiguousarray(above, dtype=np.float32)
    picture = np.empty((*under.shape, 3), dtype=np.uint8)
    share = below_table.astype(np.float32) * np.float32(1 - alpha)
    other = above_table.astype(np.float32) * np.float32(alpha)
    ends = np.array(
        (
            below_window[0],
            255.0 / (below_window[1] - below_window[0]),
            above_window[0],
            255.0 / (above_window[1] - above_window[0]),
            -np.inf if transparent_below is None else transparent_below,
        ),
        dtype=np.float32,
    )
    seen_through = transparent_below is not None
    in_parts(
        lambda start, stop: _fuse(
            under, over, ends, below_table, share, other, seen_through, picture, start, stop
        ),
        len(picture),
        at_least=128,
    )
    return picture


@kernel
def _fuse(under, over, ends, plain, share, other, seen_through, picture, start, stop):  # type: ignore[no-untyped-def]
    low, scale, above_low, above_scale, least = ends
    for row in range(start, stop):
        for column in range(under.shape[1]):
            first = _level(under[row, column], low, scale)
            value = over[row, column]
            if seen_through and not value >= least:
                for n in range(3):
                    picture[row, column, n] = plain[first, n]
            else:
                second = _level(value, above_low, above_scale)
                for n in range(3):
                    picture[row, column, n] = np.uint8(np.rint(share[first, n] + other[second, n]))


@kernel
def _level(value, low, scale):  # type: ignore[no-untyped-def]
    scaled = (value - low) * scale
    if not scaled > np.float32(0.0):
        return 0
    return int(np.rint(min(scaled, np.float32(255.0))))
