"""A generated whole-body FDG PET/CT with known truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from hevesy.imaging.geometry import Volume
from hevesy.imaging.phantoms.body import body_fields, paint_body
from hevesy.imaging.phantoms.organs import (
    paint_abdomen,
    paint_chest,
    paint_head,
    smooth_noise,
)
from hevesy.imaging.phantoms.shapes import Canvas, Ellipsoid, Field, Point, as_field
from hevesy.imaging.phantoms.skeleton import paint_skeleton, vertebrae
from hevesy.imaging.phantoms.tissues import HU, SUV, T

SLICES: Final = 340
SLICE_MM: Final = 3.0
CT_SIZE: Final = 256
CT_MM: Final = 500.0 / CT_SIZE
_TOP_MM: Final = 15.0
_PSF_FWHM_MM: Final = 5.5
_EDGE_MM: Final = 3.5
_SIGMA_PER_FWHM: Final = 1 / 2.354820045


@dataclass(frozen=True, slots=True)
class Lesion:
    """A sphere of known uptake.

    Within plateau_mm of the centre every voxel has exactly `suv`; at radius_mm uptake is half way
    to its surroundings.
    """

    name: str
    name_zh: str
    centre_lps: Point
    radius_mm: float
    suv: float

    @property
    def plateau_mm(self) -> float:
        """Radius of the region of exact uptake."""
        return self.radius_mm - _EDGE_MM


def _vertebra_centre(name: str) -> Point:
    return next(one.centre for one in vertebrae() if one.name == name)


def bronchial_carcinoma() -> tuple[Lesion, ...]:
    """Cancer of the right upper lobe with nodes, liver, adrenal and bone metastases."""
    return (
        Lesion("right upper lobe", "右肺上叶", (-84.0, -8.0, -372.0), 14.0, 12.5),
        Lesion("right hilum", "右肺门", (-40.0, 16.0, -418.0), 9.5, 8.6),
        Lesion("mediastinum 4R", "纵隔4R区", (-20.0, 2.0, -386.0), 8.5, 7.4),
        Lesion("left supraclavicular", "左锁骨上", (46.0, -8.0, -286.0), 8.0, 6.2),
        Lesion("liver segment 8", "肝S8段", (-78.0, -6.0, -560.0), 13.0, 9.0),
        Lesion("left adrenal", "左肾上腺", (34.0, 34.0, -596.0), 9.0, 7.0),
        Lesion("vertebra L3", "第3腰椎", _vertebra_centre("L3"), 10.0, 8.0),
        Lesion("right ilium", "右髂骨", (-66.0, 62.0, -752.0), 9.5, 6.8),
    )


@dataclass(frozen=True, slots=True, eq=False)
class PhantomPair:
    """PET in SUVbw and CT in HU of one generated patient, and what is true about them.

    truth: lesions (tuple of `Lesion`), organ_suv (uptake by tissue name before blurring), seed,
    tissue ([k, j, i] on the CT grid, values of `tissues.T`).
    """

    pet: Volume
    ct: Volume
    truth: Mapping[str, Any] = field(default_factory=dict)


def make_fdg_phantom(
    seed: int = 1, *, lesions: tuple[Lesion, ...] | None = None, frame_of_reference_uid: str = ""
) -> PhantomPair:
    """Generate a whole-body FDG PET/CT, vertex to mid-thigh, arms down; the same for a seed.

    CT 256 x 256 x 340 at 1.953 x 1.953 x 3 mm, PET 128 x 128 x 340 at 3.906 x 3.906 x 3 mm, same
    frame of reference, head first supine, k from the feet up. lesions: default
    `bronchial_carcinoma()`; an empty tuple makes a normal examination. Takes some ten seconds.
    """
    lesions = bronchial_carcinoma() if lesions is None else lesions
    rng = np.random.default_rng(seed)
    canvas = _canvas()
    body = body_fields(canvas)
    paint_body(canvas, body)
    paint_chest(canvas, body)
    paint_abdomen(canvas, body, rng)
    paint_skeleton(canvas)
    paint_head(canvas, rng)
    for lesion in lesions:
        _paint_lesion(canvas, lesion)
    suv = _uptake(canvas, rng)
    pet = _with_lesions(_as_pet(suv, rng), lesions)
    ct = _as_ct(canvas, rng)
    return PhantomPair(
        pet=Volume(
            array=pet,
            ijk_to_lps=_affine(2 * CT_MM, CT_SIZE // 2),
            units="SUVbw",
            modality="PT",
            frame_of_reference_uid=frame_of_reference_uid,
            description="FDG whole body phantom",
        ),
        ct=Volume(
            array=ct,
            ijk_to_lps=_affine(CT_MM, CT_SIZE),
            units="HU",
            modality="CT",
            frame_of_reference_uid=frame_of_reference_uid,
            description="CT whole body phantom",
        ),
        truth=MappingProxyType(
            {
                "seed": seed,
                "lesions": lesions,
                "organ_suv": {tissue.name.lower(): float(SUV[tissue]) for tissue in T},
                "tissue": canvas.labels,
            }
        ),
    )


def _canvas() -> Canvas:
    across = (np.arange(CT_SIZE) - (CT_SIZE - 1) / 2) * CT_MM
    up = _TOP_MM - SLICE_MM * (SLICES - 1) + SLICE_MM * np.arange(SLICES)
    return Canvas(across, across, up)


def _affine(spacing_mm: float, size: int) -> npt.NDArray[np.float64]:
    affine = np.diag([spacing_mm, spacing_mm, SLICE_MM, 1.0])
    affine[:2, 3] = -(size - 1) / 2 * spacing_mm
    affine[2, 3] = _TOP_MM - SLICE_MM * (SLICES - 1)
    return affine


def _paint_lesion(canvas: Canvas, lesion: Lesion) -> None:
    sphere = Ellipsoid(lesion.centre_lps, (lesion.radius_mm,) * 3)
    bony = [T.MARROW, T.FATTY_MARROW, T.CORTICAL]
    canvas.paint(sphere, T.LYTIC, over=bony)
    canvas.paint(sphere, T.TUMOUR, over=[t for t in T if t not in (*bony, T.LYTIC)])


def _uptake(canvas: Canvas, rng: np.random.Generator) -> Field:
    """Uptake on the CT grid with the unevenness that organs have."""
    suv = SUV[canvas.labels]
    coarse = smooth_noise(rng, (SLICES // 2, CT_SIZE // 4, CT_SIZE // 4), 1.6)
    patches = np.repeat(np.repeat(np.repeat(coarse, 2, axis=0), 4, axis=1), 4, axis=2)
    uneven = np.zeros(len(T), dtype=np.float32)
    uneven[[T.LIVER, T.SPLEEN, T.MARROW, T.MUSCLE, T.FAT]] = (0.04, 0.04, 0.10, 0.12, 0.10)
    uneven[[T.BOWEL_WALL, T.COLON_WALL, T.BOWEL, T.STOOL, T.STOMACH_WALL]] = 0.28
    uneven[[T.MYOCARDIUM, T.GREY_MATTER, T.RENAL_CORTEX, T.LUNG]] = (0.10, 0.05, 0.10, 0.12)
    suv *= 1 + uneven[canvas.labels] * np.clip(patches, -2.5, 2.5)
    # Blood pools in the lung bases at the back of a patient who lies on it.
    lung = canvas.labels == T.LUNG
    slope = 1 + 0.004 * (canvas.y - 0) - 0.0012 * (canvas.z + 430)
    suv[lung] *= np.clip(np.broadcast_to(slope, suv.shape)[lung], 0.7, 1.6)
    return as_field(suv)


def _as_pet(suv: Field, rng: np.random.Generator) -> Field:
    """Sum 2 x 2 columns, blur with the point spread function, add correlated count noise."""
    n = CT_SIZE // 2
    coarse = suv.reshape(SLICES, n, 2, n, 2).mean(axis=(2, 4), dtype=np.float32)
    sigma_mm = _PSF_FWHM_MM * _SIGMA_PER_FWHM
    sigma = (sigma_mm / SLICE_MM, sigma_mm / (2 * CT_MM), sigma_mm / (2 * CT_MM))
    seen = gaussian_filter(coarse, sigma)
    noise = smooth_noise(rng, seen.shape, 0.75)
    # Variance follows counts; the reconstruction leaves little of it in air.
    noisy = seen + noise * (0.012 + 0.105 * np.sqrt(seen))
    return as_field(np.maximum(noisy, 0))


def _with_lesions(pet: Field, lesions: tuple[Lesion, ...]) -> Field:
    """Blend spheres in: exact uptake in the middle, a soft edge of the width of the blur."""
    size = CT_SIZE // 2
    affine = _affine(2 * CT_MM, size)
    across = affine[0, 3] + 2 * CT_MM * np.arange(size)
    up = affine[2, 3] + SLICE_MM * np.arange(SLICES)
    for lesion in lesions:
        x, y, z = lesion.centre_lps
        away = np.sqrt(
            (across[None, None, :] - x) ** 2
            + (across[None, :, None] - y) ** 2
            + (up[:, None, None] - z) ** 2
        )
        t = np.clip((lesion.radius_mm + _EDGE_MM - away) / (2 * _EDGE_MM), 0, 1)
        share = (t * t * (3 - 2 * t)).astype(np.float32)
        pet = pet * (1 - share) + np.float32(lesion.suv) * share
    return pet


def _as_ct(canvas: Canvas, rng: np.random.Generator) -> npt.NDArray[np.int16]:
    """CT numbers with lung vessels, couch, partial volume and quantum noise."""
    hu = HU[canvas.labels]
    lung = canvas.labels == T.LUNG
    # Where two smooth noises vanish together lie thin branching lines: vessels.
    one, other = (smooth_noise(rng, hu.shape, (2.4, 3.2, 3.2)) for _ in range(2))
    far = np.hypot(np.abs(canvas.x) - 40, canvas.y - 16) + 0.5 * np.abs(canvas.z + 415)
    thick = np.clip(0.20 - 0.0011 * far, 0.03, 0.2).astype(np.float32)
    vessels = np.hypot(one, other) < thick
    hu[lung & vessels] = 10
    hu[lung] += (0.12 * (canvas.y + 0 * hu))[lung] * 2.0
    _paint_couch(canvas, hu)
    hu = gaussian_filter(hu, (0.35, 0.55, 0.55))
    noise = smooth_noise(rng, hu.shape, (0.4, 0.7, 0.7))
    hu += noise * np.where(hu < -700, 16.0, 11.0)
    return np.asarray(np.clip(np.rint(hu), -1024, 3071), dtype=np.int16)


def _paint_couch(canvas: Canvas, hu: Field) -> None:
    """A curved carbon couch under the patient."""
    sag = 128.0 - (canvas.x**2) / 900.0
    below = canvas.y - sag
    air = (canvas.labels == T.AIR) & (np.abs(canvas.x) < 215)
    hu[air & (below > 0) & (below < 34)] = HU[T.COUCH_FOAM]
    hu[air & (((below > 0) & (below < 4)) | ((below > 30) & (below < 34)))] = HU[T.COUCH]
