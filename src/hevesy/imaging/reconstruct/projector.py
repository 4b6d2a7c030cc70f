"""The model of a parallel-hole SPECT camera: an image to the counts it gives, and its adjoint.

Rotation by bilinear interpolation, attenuation along the central ray by a running product, and a
distance-dependent Gaussian resolution that is built up plane by plane (three taps per step), so
that its cost does not grow with its width. The adjoint is exact: every step is transposed, none is
replaced by its inverse.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from hevesy.imaging.compiled import in_parts
from hevesy.imaging.device import processor
from hevesy.imaging.reconstruct.acquisition import Acquisition
from hevesy.imaging.reconstruct.collimators import Collimator
from hevesy.imaging.reconstruct.kernels import (
    gather,
    rotate_to_view,
    spread,
    transmit,
    view_frame,
)
from hevesy.imaging.reconstruct.words import refused

Singles = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

_NONE: Final = np.empty((0, 0, 0), dtype=np.float32)


class Projector:
    """Forward and back projection for the views of an acquisition.

    mu_per_mm: linear attenuation [y, x, z] in 1/mm, or None. collimator: for resolution recovery,
    or None; needs the radius of every view (`Refused` radius_missing). Expected counts of view v
    are weights[v] times the line integrals of the image, whose unit is therefore counts per view
    of weight 1 from one voxel without attenuation.
    """

    def __init__(
        self,
        acquisition: Acquisition,
        *,
        mu_per_mm: Singles | None = None,
        collimator: Collimator | None = None,
    ) -> None:
        self.acquisition = acquisition
        self.arrays = processor()
        size, slices = acquisition.size, acquisition.slices
        self._frames = [
            view_frame(float(angle), size=size, columns=size, axis_u=float(axis))
            for angle, axis in zip(acquisition.angles_deg, acquisition.axis_u, strict=True)
        ]
        self._half_steps: Singles | None = None
        if mu_per_mm is not None:
            if mu_per_mm.shape != (size, size, slices):
                raise ValueError("the attenuation map has the shape of the image")
            self._half_steps = np.exp(-mu_per_mm * (acquisition.pixel_mm / 2.0)).astype(np.float32)
        if collimator is None:
            self._shares = np.zeros((len(self._frames), size, 2))
            self._nearest_px: Doubles | None = None
        else:
            self._shares, self._nearest_px = _resolution(acquisition, collimator)

    def forward(self, image: Singles, views: Sequence[int] | None = None) -> Singles:
        """Expected counts [view, u, z] of an image [y, x, z], for all views or those named."""
        chosen = range(len(self._frames)) if views is None else views
        planes = np.empty((len(chosen), *self.acquisition.counts.shape[1:]), dtype=np.float32)

        def work(start: int, stop: int) -> None:
            desk = _Desk(self)
            for place in range(start, stop):
                desk.turn(chosen[place])
                planes[place] = desk.project(image)

        in_parts(work, len(chosen))
        return planes

    def back(self, planes: Singles, views: Sequence[int] | None = None) -> Singles:
        """Adjoint of `forward`: an image [y, x, z] of planes [view, u, z]."""
        chosen = range(len(self._frames)) if views is None else views
        return self.over_views(chosen, lambda desk, place: desk.spread(planes[place]))

    def over_views(
        self, views: Sequence[int], each: Callable[[_Desk, int], object], images: int = 1
    ) -> Singles:
        """Run `each(desk, place)` for every view, side by side, and add what the desks gathered.

        A desk is turned to the view before; `images` back projections are gathered at once, the
        result then has them along its first axis.
        """
        desks: list[_Desk] = []

        def work(start: int, stop: int) -> None:
            desk = _Desk(self, images)
            for place in range(start, stop):
                desk.turn(views[place])
                each(desk, place)
            desks.append(desk)

        in_parts(work, len(views))
        total = desks[0].gathered
        for desk in desks[1:]:
            total += desk.gathered
        return total if images > 1 else np.asarray(total[0])


class _Desk:
    """The working memory of one thread."""

    def __init__(self, projector: Projector, images: int = 1) -> None:
        shape = projector.acquisition.image_shape
        self.projector = projector
        self.gathered = np.zeros((images, *shape), dtype=np.float32)
        self._rotated = np.empty(shape, dtype=np.float32)
        self._plane, self._work = (np.empty(shape[1:], dtype=np.float32) for _ in range(2))
        attenuated = projector._half_steps is not None
        self._transmission = np.empty(shape, dtype=np.float32) if attenuated else _NONE
        self._view = 0

    def turn(self, view: int) -> None:
        """Make ready for a view: its attenuation serves projection and back projection."""
        self._view = view
        if self.projector._half_steps is not None:
            frame = self.projector._frames[view]
            rotate_to_view(self.projector._half_steps, self._transmission, frame, 1.0)
            transmit(self._transmission)

    def project(self, image: Singles) -> Singles:
        """Expected counts (u, z) of the view turned to; valid until the next call."""
        model, view = self.projector, self._view
        rotate_to_view(image, self._rotated, model._frames[view], 0.0)
        gather(self._rotated, self._transmission, model._shares[view], self._plane, self._work)
        self._blur_nearest(self._plane)
        self._plane *= np.float32(model.acquisition.weights[view])
        return self._plane

    def spread(self, plane: Singles, into: int = 0) -> None:
        """Add the back projection of counts (u, z) of the view turned to."""
        model, view = self.projector, self._view
        own = plane * np.float32(model.acquisition.weights[view])
        self._blur_nearest(own)
        spread(
            own,
            self._transmission,
            model._shares[view],
            model._frames[view],
            self.gathered[into],
            self._work,
        )

    def _blur_nearest(self, plane: Singles) -> None:
        """The resolution at the nearest depth, which the steps from depth to depth build on."""
        nearest = self.projector._nearest_px
        if nearest is None:
            return
        # Zero padding and a symmetric kernel make it its own adjoint.
        plane[:] = gaussian_filter(plane, nearest[self._view], mode="constant", truncate=4.0)


def _resolution(acquisition: Acquisition, collimator: Collimator) -> tuple[Doubles, Doubles]:
    """Shares of `diffuse` per view and depth, and the sigma (u, z) in pixels nearest the detector.

    Depths at or beyond the collimator face see the resolution of its face.
    """
    if not np.all(np.isfinite(acquisition.radii_mm)):
        raise refused("radius_missing")
    size = acquisition.size
    towards = ((size - 1) / 2.0 - np.arange(size)) * acquisition.pixel_mm
    shares = np.zeros((len(acquisition.radii_mm), size, 2))
    nearest = np.zeros((len(acquisition.radii_mm), 2))
    pixel = np.array([acquisition.pixel_mm, acquisition.slice_mm])
    for view, radius_mm in enumerate(acquisition.radii_mm):
        distance = np.maximum(radius_mm - towards, 0.0)
        variance = collimator.sigma_mm(distance) ** 2
        nearest[view] = np.sqrt(variance[0]) / pixel
        shares[view, 1:] = np.maximum(np.diff(variance), 0.0)[:, None] / (2.0 * pixel**2)
    # Past a quarter the three taps have a dip in the middle; no collimator of the table comes near.
    if shares.max() > 0.25:
        raise refused("bad_setting", f"resolution grows by {shares.max():.2f} pixel^2 per pixel")
    # The step from depth d to d - 1 is taken when depth d and all behind it have been summed.
    return shares, nearest
