"""The loops of `raycast`, compiled."""

from __future__ import annotations

from typing import Final

import numpy as np

from hevesy.imaging.compiled import kernel
from hevesy.imaging.geometry.reslice import cell, row_inside, span

BLOCK: Final = 8
# Behind this nothing shows by as much as one level of a picture.
_OPAQUE: Final = 0.998
_AMBIENT: Final = 0.25


@kernel
def block_ranges(values, least, most, start, stop):  # type: ignore[no-untyped-def]
    """Least and greatest value of blocks of voxels and of the neighbours that samples in them use."""
    nk, nj, ni = values.shape
    _, blocks_j, blocks_i = least.shape
    for bk in range(start, stop):
        for bj in range(blocks_j):
            for bi in range(blocks_i):
                low, high = np.inf, -np.inf
                for k in range(max(bk * BLOCK - 1, 0), min(bk * BLOCK + BLOCK + 1, nk)):
                    for j in range(max(bj * BLOCK - 1, 0), min(bj * BLOCK + BLOCK + 1, nj)):
                        for i in range(max(bi * BLOCK - 1, 0), min(bi * BLOCK + BLOCK + 1, ni)):
                            value = np.float64(values[k, j, i])
                            low = value if value < low else low
                            high = value if value > high else high
                least[bk, bj, bi] = low
                most[bk, bj, bi] = high


@kernel
def _steps_to_leave(x, dx, size):  # type: ignore[no-untyped-def]
    """Steps until an index leaves its block; the outer blocks reach half a voxel farther."""
    block = int(min(max(x, 0.0), size - 1.0)) // BLOCK
    if dx > 0.0:
        edge = (block + 1.0) * BLOCK
        return max(edge - x, 0.0) / dx if edge < size else np.inf
    if dx < 0.0:
        edge = float(block * BLOCK)
        return max(x - edge, 0.0) / -dx if edge > 0.0 else np.inf
    return np.inf


@kernel
def _empty_steps(occupied, x, y, z, dx, dy, dz, ni, nj, nk):  # type: ignore[no-untyped-def]
    """0 in a block that can show something, else the steps to the first sample beyond it."""
    i = int(min(max(x, 0.0), ni - 1.0)) // BLOCK
    j = int(min(max(y, 0.0), nj - 1.0)) // BLOCK
    k = int(min(max(z, 0.0), nk - 1.0)) // BLOCK
    if occupied[k, j, i]:
        return 0
    leave = min(
        _steps_to_leave(x, dx, ni), min(_steps_to_leave(y, dy, nj), _steps_to_leave(z, dz, nk))
    )
    return int(max(np.ceil(min(leave, 1e6)), 1.0))


@kernel
def _kept(cuts, column, row, first, beyond):  # type: ignore[no-untyped-def]
    """The steps of a ray that no cut takes away."""
    for n in range(len(cuts)):
        begin = cuts[n, 0] * column + cuts[n, 1] * row + cuts[n, 3]
        a, b = span(begin, cuts[n, 2], -np.inf, cuts[n, 4], beyond)
        first, beyond = max(first, a), min(beyond, b)
    return first, max(first, beyond)


@kernel
def _shade(values, x, y, z, to_lps, dx, dy, dz, step_mm):  # type: ignore[no-untyped-def]
    """Light of the viewer on a surface across the gradient, 1 where there is no gradient."""
    gx = np.float64(cell(values, x + 1.0, y, z)) - cell(values, x - 1.0, y, z)
    gy = np.float64(cell(values, x, y + 1.0, z)) - cell(values, x, y - 1.0, z)
    gz = np.float64(cell(values, x, y, z + 1.0)) - cell(values, x, y, z - 1.0)
    a = to_lps[0, 0] * gx + to_lps[0, 1] * gy + to_lps[0, 2] * gz
    b = to_lps[1, 0] * gx + to_lps[1, 1] * gy + to_lps[1, 2] * gz
    c = to_lps[2, 0] * gx + to_lps[2, 1] * gy + to_lps[2, 2] * gz
    length = np.sqrt(a * a + b * b + c * c)
    if not length > 1e-9:
        return 1.0
    towards = abs(gx * dx + gy * dy + gz * dz) / (step_mm * length)
    return _AMBIENT + (1.0 - _AMBIENT) * min(towards, 1.0)


@kernel
def composite_rows(  # type: ignore[no-untyped-def]
    values, index_map, to_lps, occupied, ends, colours, alphas,
    glow, glow_map, glow_occupied, table, window,
    cuts, steps, first_mm, step_mm, lit, depth, start, stop,
):  # fmt: skip
    """Red, green, blue (weighted by opacity) and opacity of each ray, and where half is stopped."""
    nk, nj, ni = values.shape
    gk, gj, gi = glow.shape
    dx, dy, dz = index_map[0, 2], index_map[1, 2], index_map[2, 2]
    ex, ey, ez = glow_map[0, 2], glow_map[1, 2], glow_map[2, 2]
    glows = window[2] > 0.0
    for row in range(start, stop):
        for column in range(lit.shape[1]):
            x0 = index_map[0, 0] * column + index_map[0, 1] * row + index_map[0, 3]
            y0 = index_map[1, 0] * column + index_map[1, 1] * row + index_map[1, 3]
            z0 = index_map[2, 0] * column + index_map[2, 1] * row + index_map[2, 3]
            u0 = glow_map[0, 0] * column + glow_map[0, 1] * row + glow_map[0, 3]
            v0 = glow_map[1, 0] * column + glow_map[1, 1] * row + glow_map[1, 3]
            w0 = glow_map[2, 0] * column + glow_map[2, 1] * row + glow_map[2, 3]
            a0, a1 = row_inside(x0, y0, z0, dx, dy, dz, ni, nj, nk, 0.5, steps)
            b0, b1 = row_inside(u0, v0, w0, ex, ey, ez, gi, gj, gk, 0.5, steps) if glows else (0, 0)
            first, beyond = (min(a0, b0), max(a1, b1)) if b1 > b0 else (a0, a1)
            if a1 <= a0 and b1 > b0:
                first, beyond = b0, b1
            first, beyond = _kept(cuts, column, row, first, beyond)
            red = green = blue = stopped = 0.0
            half = np.nan
            n = first
            # The tissue that a cut, or the end of the volume, lays open: the gradients in it are
            # noise and no surface, so it is fully lit until the ray meets something else.
            entry, open_face = max(first, a0), -1
            while n < beyond:
                x, y, z = x0 + n * dx, y0 + n * dy, z0 + n * dz
                skip = 1_000_000
                inside = a0 <= n < a1
                if inside:
                    skip = _empty_steps(occupied, x, y, z, dx, dy, dz, ni, nj, nk)
                elif n < a0:
                    skip = a0 - n
                u, v, w = u0 + n * ex, v0 + n * ey, w0 + n * ez
                glow_inside = glows and b0 <= n < b1
                glow_skip = 1_000_000
                if glow_inside:
                    glow_skip = _empty_steps(glow_occupied, u, v, w, ex, ey, ez, gi, gj, gk)
                elif glows and n < b0:
                    glow_skip = b0 - n
                if min(skip, glow_skip) > 0:
                    n += min(skip, glow_skip)
                    open_face = -1
                    continue
                r = g = b = 0.0
                alpha = 0.0
                met = -1
                if inside and skip == 0:
                    value = cell(values, x, y, z)
                    for tissue in range(len(alphas)):
                        if ends[tissue, 0] <= value <= ends[tissue, 1]:
                            met = tissue
                            break
                open_face = met if n == entry or met == open_face else -1
                if met >= 0 and alphas[met] > 0.0:
                    alpha = light = alphas[met]
                    if met != open_face:
                        light *= _shade(values, x, y, z, to_lps, dx, dy, dz, step_mm)
                    r = light * colours[met, 0]
                    g = light * colours[met, 1]
                    b = light * colours[met, 2]
                if glow_inside and glow_skip == 0:
                    level = (cell(glow, u, v, w) - window[0]) / (window[1] - window[0])
                    if level > 0.0:
                        level = min(level, 1.0)
                        entry = int(np.rint(255.0 * level))
                        own = window[2] * level
                        r += own * table[entry, 0]
                        g += own * table[entry, 1]
                        b += own * table[entry, 2]
                        # Both lie in the same place: neither hides the other, their sum stops
                        # what two layers would.
                        both = alpha + own - alpha * own
                        share = both / (alpha + own)
                        r, g, b, alpha = r * share, g * share, b * share, both
                if alpha > 0.0:
                    left = 1.0 - stopped
                    red += left * r
                    green += left * g
                    blue += left * b
                    stopped += left * alpha
                    if stopped >= 0.5 and np.isnan(half):
                        half = first_mm + n * step_mm
                    if stopped > _OPAQUE:
                        break
                n += 1
            lit[row, column, 0] = red
            lit[row, column, 1] = green
            lit[row, column, 2] = blue
            lit[row, column, 3] = stopped
            depth[row, column] = half


@kernel
def maximum_rows(values, index_map, cuts, steps, floor, maxima, start, stop):  # type: ignore[no-untyped-def]
    """The greatest sample of each ray, not below the floor."""
    nk, nj, ni = values.shape
    dx, dy, dz = index_map[0, 2], index_map[1, 2], index_map[2, 2]
    for row in range(start, stop):
        for column in range(maxima.shape[1]):
            x0 = index_map[0, 0] * column + index_map[0, 1] * row + index_map[0, 3]
            y0 = index_map[1, 0] * column + index_map[1, 1] * row + index_map[1, 3]
            z0 = index_map[2, 0] * column + index_map[2, 1] * row + index_map[2, 3]
            first, beyond = row_inside(x0, y0, z0, dx, dy, dz, ni, nj, nk, 0.5, steps)
            first, beyond = _kept(cuts, column, row, first, beyond)
            best = floor
            for n in range(first, beyond):
                value = cell(values, x0 + n * dx, y0 + n * dy, z0 + n * dz)
                best = value if value > best else best
            maxima[row, column] = best
