"""Front and back views as one number: the geometric mean, free of depth to first order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from hevesy.imaging.analyse.acquired import ANTERIOR, POSTERIOR, Acquired
from hevesy.imaging.analyse.curves import CurveRefused, TimeActivityCurve, region_curve
from hevesy.imaging.analyse.regions import RegionSet

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class BothViews:
    """Net, decay-corrected curves of one region from the front and from behind, and their mean.

    A region whose parts lie at different depths reads a little high, because the root of a product
    of sums is no less than the sum of the roots.

    mean: sqrt(front x back) in counts/s per time point, 0 where either net count is not above
    zero. relative_variance: of the mean, from counting.
    """

    front: TimeActivityCurve
    back: TimeActivityCurve
    mean: Floats
    relative_variance: Floats


def both_views_of(
    anterior: Acquired,
    posterior: Acquired,
    regions: RegionSet,
    role: str,
    *,
    half_life_s: float | None,
    reference_s: float = 0.0,
    background: str = "background",
) -> BothViews:
    """Counts of a role in both views, net of the background role if one was drawn.

    The posterior view is mirrored first, so that one region fits both; a region for the view
    "posterior" is drawn on the mirrored image. half_life_s None leaves decay as it is. Raises
    `RegionRefused`, `CurveRefused`.
    """
    if anterior.frames.shape != posterior.frames.shape:
        raise CurveRefused(
            "views_unlike",
            "The front and back views have different numbers of frames or pixels.",
            "前位与后位图像的帧数或矩阵不一致。",
            f"{anterior.frames.shape}, {posterior.frames.shape}",
        )
    net = []
    for view, taken, frames in (
        (ANTERIOR, anterior, anterior.frames),
        (POSTERIOR, posterior, posterior.frames[:, :, ::-1]),
    ):
        curve = region_curve(frames, taken.start_s, taken.duration_s, regions, role, view=view)
        if regions.has(background, view=view):
            curve = curve.minus_background(
                region_curve(
                    frames, taken.start_s, taken.duration_s, regions, background, view=view
                )
            )
        if half_life_s is not None:
            curve = curve.decay_corrected(half_life_s, reference_s=reference_s)
        net.append(curve)
    front, back = net
    positive = (front.values > 0) & (back.values > 0)
    safe = [np.where(positive, one.rate, 1.0) for one in net]
    relative = [
        np.where(positive, one.variance / np.where(positive, one.values, 1.0) ** 2, 0.0)
        for one in net
    ]
    return BothViews(
        front=front,
        back=back,
        mean=np.where(positive, np.sqrt(safe[0] * safe[1]), 0.0),
        relative_variance=0.25 * (relative[0] + relative[1]),
    )
