"""A coarse person for tests: ellipsoids of known uptake and density on a 6 mm grid."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import numpy as np

from hevesy.imaging.dicomio import (
    Administration,
    SeriesIdentity,
    StudyIdentity,
    write_ct_series,
    write_pet_series,
)
from hevesy.imaging.geometry import Volume

SHAPE = (150, 46, 80)
SPACING_MM = 6.0
# z of the vertex is 0, the back is at y = 110; all LPS mm.
TOP_MM = 6.0
STARTED = datetime(2026, 11, 24, 10, 15, tzinfo=timezone(timedelta(hours=8)))
# Uptake in SUV of what lights up with a tracer.
FDG = {"brain": 9.0, "liver": 2.2, "kidney": 8.0, "heart": 6.0, "bladder": 30.0, "spleen": 1.8}
# PSMA ligands: no brain, no heart; liver, spleen and above all the kidneys (EANM/SNMMI guideline 2.0
# for PSMA PET, physiologic distribution).
PSMA = {"brain": 0.2, "liver": 6.0, "kidney": 35.0, "heart": 1.2, "bladder": 40.0, "spleen": 8.0}
# Somatostatin receptor ligands: the spleen hottest, kidneys and liver below it (EANM guideline for
# PET/CT of somatostatin receptors, 2017).
SSTR = {"brain": 0.2, "liver": 6.0, "kidney": 14.0, "heart": 1.2, "bladder": 20.0, "spleen": 22.0}


def person(spots=(), *, seed=0, uptake=FDG):
    """PET in SUVbw and CT in HU. spots: (centre_lps, radius_mm, suv), painted last into the PET."""
    rng = np.random.default_rng(seed)
    x, y, z = axes()
    pet, hu = (np.full(SHAPE, value, dtype=np.float32) for value in (0.0, -1000.0))

    def organ(centre, radii, suv, density):
        inside = sum(
            ((axis - c) / r) ** 2 for axis, c, r in zip((x, y, z), centre, radii, strict=True)
        )
        pet[inside <= 1] = suv
        hu[inside <= 1] = density

    trunk = ((x / 170) ** 2 + (y / 105) ** 2 <= 1) & (z < -240)
    head = ((x / 80) ** 2 + (y / 95) ** 2 <= 1) & (z < 0)
    pet[trunk | head], hu[trunk | head] = 0.6, 40
    organ((0, 0, -80), (66, 80, 60), uptake["brain"], 35)
    for side in (-1, 1):
        organ((75 * side, 0, -390), (55, 80, 105), 0.4, -800)
        organ((58 * side, 55, -610), (24, 24, 46), uptake["kidney"], 30)
        organ((85 * side, 40, -740), (45, 30, 60), 0.8, 450)
    organ((-75, 0, -560), (80, 80, 66), uptake["liver"], 60)
    organ((112, 40, -525), (30, 34, 36), uptake["spleen"], 50)
    organ((60, -30, -450), (34, 34, 34), uptake["heart"], 40)
    organ((0, -45, -800), (36, 36, 30), uptake["bladder"], 10)
    spine = ((x / 20) ** 2 + ((y - 50) / 20) ** 2 <= 1) & (z < -150)
    pet[spine & (z > -700)], hu[spine & (z > -700)] = 1.2, 350
    aorta = ((x - 24) ** 2 + (y - 18) ** 2 <= 14**2) & (abs(z + 450) < 150)
    pet[aorta], hu[aorta] = 1.6, 45
    pubis = (abs(x) < 25) & (abs(y + 70) < 15) & (abs(z + 860) < 12)
    hu[pubis] = 500
    pet *= 1 + 0.03 * rng.standard_normal(SHAPE, dtype=np.float32)
    for centre, radius_mm, suv in spots:
        away = sum((axis - c) ** 2 for axis, c in zip((x, y, z), centre, strict=True))
        pet[away <= radius_mm**2] = suv
    affine = np.diag([SPACING_MM] * 3 + [1.0])
    affine[:3, 3] = x.ravel()[0], y.ravel()[0], z.ravel()[0]
    return Volume(pet, affine, "SUVbw", "PT"), Volume(hu, affine, "HU", "CT")


def _slab(volume, slices):
    affine = volume.ijk_to_lps.copy()
    affine[2, 3] += SPACING_MM * (slices.start or 0)
    return replace(volume, array=volume.array[slices], ijk_to_lps=affine)


def axes():
    """x, y, z of the voxel centres, ready to broadcast to [k, j, i]."""
    k, j, i = SHAPE
    x = ((np.arange(i) - (i - 1) / 2) * SPACING_MM)[None, None, :]
    y = ((np.arange(j) - (j - 1) / 2) * SPACING_MM)[None, :, None]
    z = (TOP_MM - SPACING_MM * np.arange(k)[::-1])[:, None, None]
    return x, y, z


def scanned(folder, spots=(), *, slices=slice(None), study="2.25.77", **patient):
    """The person's PET and CT as DICOM files in new folders, in one frame of reference; their paths.

    slices: which k. patient: further fields of `StudyIdentity`.
    """
    pet, ct = (_slab(one, slices) for one in person(spots))
    identity = StudyIdentity(
        **{
            "patient_name": "Li^Si",
            "patient_id": "NM000001",
            "patient_sex": "M",
            "study_instance_uid": study,
            "started_at": STARTED,
            "weight_kg": 70.0,
            **patient,
        }
    )
    injected = Administration(activity_bq=259e6, injected_at=STARTED - timedelta(hours=1))
    for name in ("PT", "CT"):
        (folder / name).mkdir()
    pet_series = SeriesIdentity(3, "PET WB AC", f"{study}.3", f"{study}.9")
    ct_series = SeriesIdentity(2, "CT WB", f"{study}.2", f"{study}.9")
    return (
        write_pet_series(folder / "PT", pet, identity, injected, pet_series),
        write_ct_series(folder / "CT", ct, identity, ct_series),
    )
