"""The model of `projector`, written over whole arrays for a GPU (`hevesy.imaging.device`).

The same camera, step by step: bilinear rotation (a sparse matrix per view, so that its adjoint is
its transpose), attenuation by a running product, resolution built up plane by plane. Sums are
taken in another order than in the kernels, so that answers differ in the last digits of single
precision; nothing else does. With NumPy it is a check of itself, many times slower than the
kernels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hevesy.imaging.device import Arrays
from hevesy.imaging.reconstruct.acquisition import Acquisition
from hevesy.imaging.reconstruct.collimators import Collimator
from hevesy.imaging.reconstruct.projector import Doubles, Projector, Singles


class ArrayProjector(Projector):
    """`Projector` whose arrays lie where `arrays` says: what it takes and gives are arrays of `xp`."""

    def __init__(
        self,
        acquisition: Acquisition,
        *,
        arrays: Arrays,
        mu_per_mm: Singles | None = None,
        collimator: Collimator | None = None,
    ) -> None:
        super().__init__(acquisition, mu_per_mm=mu_per_mm, collimator=collimator)
        self.arrays = arrays
        if self._half_steps is not None:
            self._half_steps = arrays.put(self._half_steps)
        self._turns: dict[int, _Turn] = {}

    def forward(self, image: Any, views: Sequence[int] | None = None) -> Any:
        """As of `Projector`."""
        chosen = range(len(self._frames)) if views is None else views
        planes: list[Any] = []
        self.over_views(chosen, lambda desk, place: planes.append(desk.project(image)))
        return self.arrays.xp.stack(planes)

    def over_views(
        self, views: Sequence[int], each: Callable[[Any, int], object], images: int = 1
    ) -> Any:
        """As of `Projector`, one view after the other: each fills the GPU."""
        desk = _ArrayDesk(self, images)
        for place, view in enumerate(views):
            desk.turn(view)
            each(desk, place)
        return desk.gathered if images > 1 else desk.gathered[0]

    def turn_of(self, view: int) -> _Turn:
        """The rotation of a view, made once."""
        if view not in self._turns:
            self._turns[view] = _Turn(self._frames[view], self.acquisition.size, self.arrays)
        return self._turns[view]


class _Turn:
    """Rotation into the frame of a view, [y, x, z] to [depth, u, z], and its transpose."""

    def __init__(self, frame: Doubles, size: int, arrays: Arrays) -> None:
        depth, u = np.indices((size, size), dtype=np.float64)
        radius = size / 2.0 - 0.5
        inside = ((depth - frame[6]) ** 2 + (u - frame[7]) ** 2 <= radius * radius).ravel()
        y, x = (
            np.clip(frame[n] + depth * frame[n + 2] + u * frame[n + 4], 0.0, size - 1.001)
            for n in (0, 1)
        )
        iy, ix = y.astype(np.int32), x.astype(np.int32)
        fy, fx = y - iy, x - ix
        corners = (
            (iy, ix, (1.0 - fy) * (1.0 - fx)),
            (iy, ix + 1, (1.0 - fy) * fx),
            (iy + 1, ix, fy * (1.0 - fx)),
            (iy + 1, ix + 1, fy * fx),
        )
        columns = np.stack([j * size + i for j, i, _ in corners], axis=-1).reshape(-1, 4)[inside]
        shares = np.stack([share for _, _, share in corners], axis=-1).reshape(-1, 4)[inside]
        rows = np.concatenate([[0], np.cumsum(4 * inside)])
        entries = (
            shares.ravel().astype(np.float32),
            columns.ravel().astype(np.int32),
            rows.astype(np.int32),
        )
        cells = size * size
        self.forth = arrays.sparse.csr_matrix(
            tuple(arrays.put(one) for one in entries), shape=(cells, cells)
        )
        self.back = self.forth.T.tocsr()
        self.outside = arrays.put((~inside).astype(np.float32).reshape(size, size, 1))


class _ArrayDesk:
    """The desk of `projector` for whole arrays."""

    def __init__(self, projector: ArrayProjector, images: int) -> None:
        self.projector = projector
        self.shape = projector.acquisition.image_shape
        self.gathered = projector.arrays.xp.zeros((images, *self.shape), dtype=np.float32)
        self._view = 0
        self._transmission: Any = None

    def turn(self, view: int) -> None:
        """Make ready for a view: its attenuation serves projection and back projection."""
        self._view = view
        half = self.projector._half_steps
        if half is None:
            return
        xp = self.projector.arrays.xp
        turn = self.projector.turn_of(view)
        steps = self._turned(turn.forth, half) + turn.outside
        before = xp.ones_like(steps)
        before[1:] = xp.cumprod(steps * steps, axis=0)[:-1]
        self._transmission = before * steps

    def project(self, image: Any) -> Any:
        """Expected counts (u, z) of the view turned to."""
        model, view = self.projector, self._view
        seen = self._turned(model.turn_of(view).forth, image)
        if self._transmission is not None:
            seen *= self._transmission
        shares = model._shares[view]
        if not shares.any():
            plane = seen.sum(axis=0)
        else:
            plane = model.arrays.xp.zeros_like(seen[0])
            for depth in range(len(seen) - 1, -1, -1):
                plane = _diffused(plane + seen[depth], shares[depth])
        return self._blurred_nearest(plane) * float(model.acquisition.weights[view])

    def spread(self, plane: Any, into: int = 0) -> None:
        """Add the back projection of counts (u, z) of the view turned to."""
        model, view = self.projector, self._view
        xp = model.arrays.xp
        own = self._blurred_nearest(plane * float(model.acquisition.weights[view]))
        given = xp.empty(self.shape, dtype=np.float32)
        for depth, shares in enumerate(model._shares[view]):
            own = _diffused(own, shares)
            given[depth] = own
        if self._transmission is not None:
            given *= self._transmission
        self.gathered[into] += self._turned(model.turn_of(view).back, given)

    def _turned(self, matrix: Any, image: Any) -> Any:
        return (matrix @ image.reshape(-1, self.shape[2])).reshape(self.shape)

    def _blurred_nearest(self, plane: Any) -> Any:
        nearest = self.projector._nearest_px
        if nearest is None:
            return plane
        sigma = [float(one) for one in nearest[self._view]]
        return self.projector.arrays.ndimage.gaussian_filter(
            plane, sigma, mode="constant", truncate=4.0
        )


def _diffused(plane: Any, shares: Doubles) -> Any:
    """`kernels.diffuse` of a plane (u, z): what leaves it is lost."""
    share_u, share_z = (float(one) for one in shares)
    if share_z > 0.0:
        out = plane * (1.0 - 2.0 * share_z)
        out[:, 1:] += share_z * plane[:, :-1]
        out[:, :-1] += share_z * plane[:, 1:]
        plane = out
    if share_u > 0.0:
        out = plane * (1.0 - 2.0 * share_u)
        out[1:] += share_u * plane[:-1]
        out[:-1] += share_u * plane[1:]
        plane = out
    return plane
