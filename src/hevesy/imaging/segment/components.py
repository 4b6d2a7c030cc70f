"""Connected components of what lies above a threshold, with their statistics, in one go.

The labeller works on runs of voxels (`segment.runs`), so that a whole-body PET is read once and
no label volume is made unless one is asked for. Membership is `value >= threshold`, compared in
the type of the array, as numpy does: in a float32 volume 4.1 means float32(4.1).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final, Literal, Self

import numpy as np
import numpy.typing as npt

from hevesy.imaging.compiled import in_parts
from hevesy.imaging.refusal import Refused
from hevesy.imaging.segment import runs

VERSION: Final = "hevesy-components/1"
Connectivity = Literal[6, 18, 26]
Array = npt.NDArray[Any]
Box = tuple[slice, slice, slice]

_ROWS_PER_PART: Final = 2048


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """Components in the order of their first voxels; the arrays have one entry per component.

    count: voxels. sum, mean, std (population), max, min: of the values, float64. max_at: (n, 3)
    voxel index (k, j, i) of the maximum, the first one where several are equal. first, last:
    (n, 3) corners of the bounding box, inclusive. centroid: (n, 3) fractional (k, j, i), all
    voxels of equal weight. The rest describes the runs: flat row k * rows + j, columns
    start…stop-1, component.
    """

    shape: tuple[int, int, int]
    connectivity: Connectivity
    count: Array
    mean: Array
    std: Array
    max: Array
    min: Array
    max_at: Array
    first: Array
    last: Array
    centroid: Array
    run_row: Array
    run_start: Array
    run_stop: Array
    run_component: Array
    version: str = VERSION

    def __len__(self) -> int:
        return len(self.count)

    @property
    def sum(self) -> Array:
        """Sum of the values of each component."""
        return np.asarray(self.mean * self.count)

    def box(self, component: int) -> Box:
        """Bounding box as slices of the volume's array."""
        low, high = self.first[component], self.last[component] + 1
        return (
            slice(int(low[0]), int(high[0])),
            slice(int(low[1]), int(high[1])),
            slice(int(low[2]), int(high[2])),
        )

    def voxels_of(self, component: int) -> tuple[Array, Array, Array]:
        """Indices (k, j, i) of its voxels in raster order; `array[components.voxels_of(3)]`."""
        chosen = self.run_component == component
        row, start = self.run_row[chosen], self.run_start[chosen]
        length = self.run_stop[chosen] - start
        ends = np.cumsum(length)
        i = np.arange(ends[-1]) - np.repeat(ends - length - start, length)
        rows = np.repeat(row, length)
        return rows // self.shape[1], rows % self.shape[1], i

    def mask_of(self, component: int) -> tuple[npt.NDArray[np.bool_], Box]:
        """Its voxels as a bool array over its bounding box, and that box."""
        box = self.box(component)
        mask = np.zeros([part.stop - part.start for part in box], dtype=np.bool_)
        k, j, i = self.voxels_of(component)
        mask[k - box[0].start, j - box[1].start, i - box[2].start] = True
        return mask, box

    def label_volume(self) -> npt.NDArray[np.int32]:
        """[k, j, i]: 0 outside, component + 1 inside."""
        painted = np.zeros(self.shape, dtype=np.int32)
        runs.paint_runs(
            self.run_component,
            self.run_row,
            self.run_start,
            self.run_stop,
            painted.reshape(-1, self.shape[2]),
        )
        return painted

    def select(self, chosen: npt.ArrayLike) -> Self:
        """Only the chosen components (bool per component), renumbered in the same order."""
        kept = np.asarray(chosen, dtype=np.bool_)
        if kept.shape != self.count.shape:
            raise ValueError("one truth value per component is needed")
        number = (np.cumsum(kept) - 1).astype(np.int32)
        of_run = kept[self.run_component]
        changed: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in ("count", "mean", "std", "max", "min", "max_at", "first", "last", "centroid"):
            changed[name] = changed[name][kept]
        for name in ("run_row", "run_start", "run_stop"):
            changed[name] = changed[name][of_run]
        changed["run_component"] = number[self.run_component[of_run]]
        return type(self)(**changed)


class Labeller:
    """A volume made ready to be thresholded again and again (a slider).

    The largest value of each row is kept, so that a new threshold reads only the rows that
    reach it. array: [k, j, i] of any real type; it must not be changed while the labeller is used.
    """

    def __init__(self, array: Array) -> None:
        self._shape = _checked_shape(array)
        self._rows = _as_rows(array)
        self._maxima = _row_maxima(self._rows)

    def above(self, threshold: float, *, connectivity: Connectivity = 26) -> Components:
        """Components of `array >= threshold`. Raises `Refused` for a threshold that is NaN."""
        if np.isnan(threshold):
            raise Refused(
                "bad_threshold",
                "The threshold is not a number; state a value in the units of the image.",
                "阈值不是数字，请按图像单位给出数值。",
            )
        return _components(
            self._rows, self._rows, self._maxima, threshold, self._shape, connectivity
        )


def components_above(
    array: Array, threshold: float, *, connectivity: Connectivity = 26
) -> Components:
    """Components of `array >= threshold`, array [k, j, i], with the statistics of its values."""
    return Labeller(array).above(threshold, connectivity=connectivity)


def components_of(mask: Array, values: Array, *, connectivity: Connectivity = 26) -> Components:
    """Components of a bool mask [k, j, i], with the statistics of `values` of the same shape."""
    shape = _checked_shape(mask)
    if values.shape != shape:
        raise ValueError(f"values of shape {values.shape} under a mask of shape {shape}")
    tested = _as_rows(mask.astype(np.bool_, copy=False))
    return _components(tested, _as_rows(values), _row_maxima(tested), 1, shape, connectivity)


def _checked_shape(array: Array) -> tuple[int, int, int]:
    if array.ndim != 3 or not array.size:
        raise ValueError(f"components need a volume [k, j, i], not an array of {array.shape}")
    k, j, i = array.shape
    return k, j, i


def _as_rows(array: Array) -> Array:
    """(rows, columns) in a type that compiles; read-only, so that one compilation serves all."""
    if array.dtype == np.bool_:
        array = array.view(np.uint8)
    elif array.dtype == np.float16 or array.dtype.byteorder == ">":
        array = array.astype(
            np.float32 if array.dtype.itemsize == 2 else array.dtype.newbyteorder("=")
        )
    rows = np.ascontiguousarray(array).reshape(-1, array.shape[2]).view()
    rows.setflags(write=False)
    return rows


def _row_maxima(rows: Array) -> Array:
    floating = rows.dtype.kind == "f"
    lowest = rows.dtype.type(-np.inf if floating else np.iinfo(rows.dtype).min)
    maxima = np.empty(len(rows), dtype=rows.dtype)
    in_parts(
        lambda first, stop: runs.row_maxima(rows, lowest, first, stop, maxima),
        len(rows),
        at_least=_ROWS_PER_PART,
    )
    return maxima


def _level(threshold: float, dtype: np.dtype[Any]) -> Any:
    """The threshold in the type in which it is compared; whole numbers above it for integers."""
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return dtype.type(threshold)
    limits = np.iinfo(dtype)
    return np.int64(np.ceil(np.clip(threshold, limits.min, float(limits.max) + 1)))


def _components(
    tested: Array,
    values: Array,
    maxima: Array,
    threshold: float,
    shape: tuple[int, int, int],
    connectivity: Connectivity,
) -> Components:
    if connectivity not in (6, 18, 26):
        raise ValueError(f"connectivity is 6, 18 or 26, not {connectivity}")
    level = _level(threshold, tested.dtype)
    rows, rows_per_slice = len(tested), shape[1]
    counts = np.zeros(rows, dtype=np.int64)
    in_parts(
        lambda first, stop: runs.count_runs(tested, maxima, level, first, stop, counts),
        rows,
        at_least=_ROWS_PER_PART,
    )
    row_start = np.concatenate(([0], np.cumsum(counts)))
    total = int(row_start[-1])
    starts, stops, high_at = (np.empty(total, dtype=np.int32) for _ in range(3))
    sums, squares, lows, highs = (np.empty(total) for _ in range(4))
    in_parts(
        lambda first, stop: runs.fill_runs(
            tested, values, level, row_start, first, stop,
            starts, stops, sums, squares, lows, highs, high_at,
        ),
        rows,
        at_least=_ROWS_PER_PART,
    )  # fmt: skip
    labels, found = runs.join_runs(row_start, starts, stops, rows_per_slice, connectivity)
    run_row = np.repeat(np.arange(rows), counts)
    count = np.zeros(found, dtype=np.int64)
    mean, squared, low, high = (np.zeros(found) for _ in range(4))
    high_at_kji, first_kji, last_kji = (np.zeros((found, 3), dtype=np.int64) for _ in range(3))
    centroid = np.zeros((found, 3))
    runs.gather_runs(
        labels, run_row, starts, stops, sums, squares, lows, highs, high_at, rows_per_slice,
        count, mean, squared, low, high, high_at_kji, first_kji, last_kji, centroid,
    )  # fmt: skip
    return Components(
        shape=shape,
        connectivity=connectivity,
        count=count,
        mean=mean,
        std=np.sqrt(squared / np.maximum(count, 1)),
        max=high,
        min=low,
        max_at=high_at_kji,
        first=first_kji,
        last=last_kji,
        centroid=centroid,
        run_row=run_row,
        run_start=starts,
        run_stop=stops,
        run_component=labels,
    )
