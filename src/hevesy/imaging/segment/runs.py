"""Kernels of the connected-component labeller: all work is done on runs, not on voxels.

A run is a stretch of voxels along a row (along i) that belong to the set. Rows are numbered
r = k * rows_per_slice + j. A voxel belongs if `tested >= threshold`; NaN never does. Statistics
are taken from `values` (the same array, or another one of its shape). Only rows whose largest
tested value reaches the threshold are read again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hevesy.imaging.compiled import kernel

Array = npt.NDArray[Any]
_LANES = 32


@kernel
def row_maxima(tested: Array, lowest: Any, first: int, stop: int, maxima: Array) -> None:
    """Largest value of each row first…stop-1; `tested` is (rows, columns).

    `lowest` is the smallest value of the type; a row of NaN alone keeps it.
    """
    columns = tested.shape[1]
    whole = columns - columns % _LANES
    lanes = np.empty(_LANES, tested.dtype)
    for row in range(first, stop):
        # Independent lanes: a single running maximum would not become vector code.
        for lane in range(_LANES):
            lanes[lane] = lowest
        for start in range(0, whole, _LANES):
            for lane in range(_LANES):
                value = tested[row, start + lane]
                lanes[lane] = value if value > lanes[lane] else lanes[lane]
        best = lowest
        for lane in range(_LANES):
            best = max(best, lanes[lane])
        for column in range(whole, columns):
            value = tested[row, column]
            best = value if value > best else best
        maxima[row] = best


@kernel
def count_runs(
    tested: Array, maxima: Array, threshold: Any, first: int, stop: int, counts: Array
) -> None:
    """Number of runs of each row first…stop-1, into `counts`."""
    columns = tested.shape[1]
    for row in range(first, stop):
        found = 0
        if maxima[row] >= threshold:
            found = 1 if tested[row, 0] >= threshold else 0
            for column in range(1, columns):
                begins = (tested[row, column] >= threshold) & (
                    not (tested[row, column - 1] >= threshold)
                )
                found += 1 if begins else 0
        counts[row] = found


@kernel
def fill_runs(
    tested: Array,
    values: Array,
    threshold: Any,
    row_start: Array,
    first: int,
    stop: int,
    starts: Array,
    stops: Array,
    sums: Array,
    squares: Array,
    lows: Array,
    highs: Array,
    high_at: Array,
) -> None:
    """Extent and statistics of the runs of rows first…stop-1.

    `squares` is the sum of squared deviations from the run's own mean, which loses no digits
    where a sum of squares would.
    """
    columns = tested.shape[1]
    for row in range(first, stop):
        run = row_start[row]
        if run == row_start[row + 1]:
            continue
        column = 0
        while column < columns:
            if not (tested[row, column] >= threshold):
                column += 1
                continue
            begin = column
            total = 0.0
            low = high = values[row, column]
            at = column
            while column < columns and tested[row, column] >= threshold:
                value = values[row, column]
                total += value
                if value > high:
                    high, at = value, column
                low = min(low, value)
                column += 1
            mean = total / (column - begin)
            square = 0.0
            for inner in range(begin, column):
                away = values[row, inner] - mean
                square += away * away
            starts[run], stops[run] = begin, column
            sums[run], squares[run] = total, square
            lows[run], highs[run], high_at[run] = low, high, at
            run += 1


@kernel
def _root(parent: Array, run: int) -> int:
    while parent[run] != run:
        parent[run] = parent[parent[run]]
        run = parent[run]
    return run


@kernel
def join_runs(
    row_start: Array, starts: Array, stops: Array, rows_per_slice: int, connectivity: int
) -> Any:
    """Component of each run, numbered in the order of their first voxels; (labels, how many).

    Two runs of neighbouring rows touch if they overlap, or, where the connectivity allows the
    diagonal step between these rows, if they overlap after growing one of them by a voxel.
    """
    runs = starts.size
    parent = np.arange(runs).astype(np.int32)
    rows = row_start.size - 1
    for row in range(rows):
        if row_start[row] == row_start[row + 1]:
            continue
        j = row % rows_per_slice
        for step in range(4):
            # The four preceding neighbour rows: same slice above; slice below: same, above, under.
            if step == 0:
                other, exists, diagonal = row - 1, j > 0, connectivity != 6
            elif step == 1:
                other = row - rows_per_slice
                exists, diagonal = other >= 0, connectivity != 6
            elif step == 2:
                other = row - rows_per_slice - 1
                exists, diagonal = other >= 0 and j > 0, connectivity == 26
            else:
                other = row - rows_per_slice + 1
                exists, diagonal = other >= 0 and j < rows_per_slice - 1, connectivity == 26
            if not exists or (step > 1 and connectivity == 6):
                continue
            reach = 1 if diagonal else 0
            a, b = row_start[row], row_start[other]
            while a < row_start[row + 1] and b < row_start[other + 1]:
                if stops[b] + reach <= starts[a]:
                    b += 1
                elif stops[a] + reach <= starts[b]:
                    a += 1
                else:
                    one, two = _root(parent, a), _root(parent, b)
                    if one != two:
                        parent[max(one, two)] = min(one, two)
                    if stops[a] < stops[b]:
                        a += 1
                    else:
                        b += 1
    labels = np.empty(runs, np.int32)
    found = 0
    for run in range(runs):
        root = _root(parent, run)
        if root == run:
            labels[run] = found
            found += 1
        else:
            labels[run] = labels[root]
    return labels, found


@kernel
def gather_runs(
    labels: Array,
    run_row: Array,
    starts: Array,
    stops: Array,
    sums: Array,
    squares: Array,
    lows: Array,
    highs: Array,
    high_at: Array,
    rows_per_slice: int,
    counts: Array,
    means: Array,
    deviations: Array,
    low: Array,
    high: Array,
    high_kji: Array,
    first_kji: Array,
    last_kji: Array,
    centroid_kji: Array,
) -> None:
    """Statistics of components from those of their runs; outputs start at zero.

    Means and squared deviations are combined pairwise (Chan, Golub, LeVeque 1983).
    """
    for run in range(labels.size):
        part = labels[run]
        k, j = run_row[run] // rows_per_slice, run_row[run] % rows_per_slice
        begin, end = starts[run], stops[run]
        size = end - begin
        before = counts[part]
        if before == 0:
            low[part], high[part] = lows[run], highs[run]
            high_kji[part, 0], high_kji[part, 1], high_kji[part, 2] = k, j, high_at[run]
            first_kji[part, 0], first_kji[part, 1], first_kji[part, 2] = k, j, begin
            last_kji[part, 0], last_kji[part, 1], last_kji[part, 2] = k, j, end - 1
        else:
            low[part] = min(low[part], lows[run])
            if highs[run] > high[part]:
                high[part] = highs[run]
                high_kji[part, 0], high_kji[part, 1], high_kji[part, 2] = k, j, high_at[run]
            last_kji[part, 0] = k
            first_kji[part, 1] = min(first_kji[part, 1], j)
            last_kji[part, 1] = max(last_kji[part, 1], j)
            first_kji[part, 2] = min(first_kji[part, 2], begin)
            last_kji[part, 2] = max(last_kji[part, 2], end - 1)
        after = before + size
        apart = sums[run] / size - means[part]
        means[part] += apart * size / after
        deviations[part] += squares[run] + apart * apart * before * size / after
        counts[part] = after
        centroid_kji[part, 0] += size * k
        centroid_kji[part, 1] += size * j
        centroid_kji[part, 2] += size * (begin + end - 1) / 2.0
    for part in range(counts.size):
        for axis in range(3):
            centroid_kji[part, axis] /= counts[part]


@kernel
def paint_runs(labels: Array, run_row: Array, starts: Array, stops: Array, painted: Array) -> None:
    """Write label + 1 of each run into `painted`, (rows, columns)."""
    for run in range(labels.size):
        for column in range(starts[run], stops[run]):
            painted[run_row[run], column] = labels[run] + 1
