"""Maximum-likelihood reconstruction: MLEM, and OSEM over ordered subsets of views."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.reconstruct.acquisition import Singles
from hevesy.imaging.reconstruct.projector import Projector
from hevesy.imaging.reconstruct.words import refused

# Voxels that subsets see with less than this part of the mean sensitivity stay empty.
_SEEN: Final = 1e-4


@dataclass(frozen=True, eq=False)
class Iterated:
    """The image [y, x, z] after the last iteration and what led to it.

    log_likelihood: per iteration sum of y ln q - q over all counts y and expected counts q, taken
    while the iteration runs: for MLEM that of the image before it, for OSEM of the images on the
    way.
    """

    image: Singles
    iterations: int
    subsets: int
    log_likelihood: tuple[float, ...]


Progress = Callable[[int, Singles], object]


def osem(
    projector: Projector,
    *,
    iterations: int,
    subsets: int,
    scatter: Singles | None = None,
    start: Singles | None = None,
    progress: Progress | None = None,
) -> Iterated:
    """Ordered-subset expectation maximisation (Hudson and Larkin, IEEE TMI 13 (1994) 601).

    x <- x / F'1 . F' (y / (F x + s)) subset after subset; subsets = 1 is MLEM (Shepp and Vardi
    1982, Lange and Carson 1984). scatter: expected additive counts s [view, u, z]. progress is
    called after every iteration with its number, from 1, and the image so far (a preview; not to
    be kept without copying). Raises `Refused` bad_setting if subsets would hold under two views.
    """
    counts = projector.acquisition.counts
    views = len(counts)
    if iterations < 1 or subsets < 1 or (subsets > 1 and views // subsets < 2):
        raise refused("bad_setting", f"{iterations} iterations, {subsets} subsets, {views} views")
    if scatter is not None and scatter.shape != counts.shape:
        raise ValueError("scatter has the shape of the counts")
    arrays = projector.arrays
    members = ordered_subsets(projector.acquisition.angles_deg, subsets)
    image = arrays.xp.array(_start(projector) if start is None else start, dtype=np.float32)
    sensitivity: list[Any] = []
    history: list[float] = []
    for iteration in range(1, iterations + 1):
        likelihood = 0.0
        for number, chosen in enumerate(members):
            step = _Step(projector, image, chosen, scatter, with_ones=iteration == 1)
            gathered = projector.over_views(chosen, step, images=2 if iteration == 1 else 1)
            if iteration == 1:
                sensitivity.append(_inverse(gathered[1], arrays.xp))
                gathered = gathered[0]
            image *= gathered
            image *= sensitivity[number]
            likelihood += float(sum(step.likelihood))
        history.append(likelihood)
        if progress is not None:
            progress(iteration, arrays.fetch(image))
    return Iterated(arrays.fetch(image), iterations, subsets, tuple(history))


class _Step:
    """What happens at one view of one subset: project, compare, project back."""

    def __init__(
        self,
        projector: Projector,
        image: Any,
        views: list[int],
        scatter: Singles | None,
        *,
        with_ones: bool,
    ) -> None:
        self.arrays = projector.arrays
        self.counts = projector.acquisition.counts
        self.image, self.views, self.scatter = image, views, scatter
        self.with_ones = with_ones
        self.likelihood: list[Any] = [0.0] * len(views)
        # Far below any count that matters, far above where single precision divides to infinity.
        self.floor = np.float32(1e-6 * max(float(self.counts.mean()), 1e-6))

    def __call__(self, desk: Any, place: int) -> None:
        view, xp = self.views[place], self.arrays.xp
        measured = self.arrays.put(self.counts[view])
        expected = desk.project(self.image)
        if self.scatter is not None:
            expected += self.arrays.put(self.scatter[view])
        xp.maximum(expected, self.floor, out=expected)
        self.likelihood[place] = xp.sum(measured * xp.log(expected) - expected, dtype=np.float64)
        desk.spread(measured / expected)
        if self.with_ones:
            desk.spread(xp.ones_like(measured), into=1)


def ordered_subsets(angles_deg: npt.NDArray[np.float64], subsets: int) -> list[list[int]]:
    """Views of each subset, in the order of use: every subset spreads over the whole arc.

    Each next subset begins as far as possible from those used before.
    """
    by_angle = [int(view) for view in np.argsort(angles_deg % 360.0, kind="stable")]
    members = [by_angle[first::subsets] for first in range(subsets)]
    order = [0]
    while len(order) < subsets:
        left = [one for one in range(subsets) if one not in order]

        def apart(one: int) -> tuple[int, int]:
            gaps = [min(abs(one - o), subsets - abs(one - o)) for o in order]
            return min(gaps), min(abs(one - order[-1]), subsets - abs(one - order[-1]))

        order.append(max(left, key=apart))
    return [members[one] for one in order]


def _start(projector: Projector) -> Singles:
    """A flat image with about the counts of the data."""
    acquisition = projector.acquisition
    per_view = float(acquisition.counts.sum(dtype=np.float64)) / len(acquisition.counts)
    level = max(per_view, 1.0) / float(np.prod(acquisition.image_shape))
    return np.full(acquisition.image_shape, level, dtype=np.float32)


def _inverse(sensitivity: Any, xp: Any) -> Any:
    """1 / sensitivity, 0 where the subset does not see the voxel."""
    seen = sensitivity > _SEEN * float(sensitivity.mean())
    return xp.where(seen, 1.0 / xp.where(seen, sensitivity, 1.0), 0.0).astype(np.float32)
