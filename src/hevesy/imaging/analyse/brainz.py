"""Brain z-scores: a patient's image against the site's normal database, voxelwise and by region."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.analyse.brain.normals import NormalDatabase
from hevesy.imaging.analyse.brain.projections import surface_projections
from hevesy.imaging.analyse.brain.regions import BrainRegions
from hevesy.imaging.analyse.outcome import ImagePanel, Measure, Outcome, key_of
from hevesy.imaging.geometry.volume import Finding
from hevesy.imaging.refusal import Refused

VERSION: Final = "hevesy-brain-z/1"
METHOD: Final = (
    "Smoothed as the normals, divided by the mean of the reference region, z = (x - mean)/SD per"
    " voxel; a region's z is the mean of its voxels."
)
_LOW: Final = -2.0


def analyse_brain_z(
    values: npt.ArrayLike, regions: BrainRegions, normals: NormalDatabase
) -> Outcome:
    """Mean z per region, share of its voxels below -2, and surface views.

    values: the patient [k, j, i] on the standard grid (see `regions.in_standard_space`). Raises
    `Refused` (`wrong_grid`, `other_regions`, `empty_reference`).
    """
    image = np.asarray(values, dtype=np.float64)
    if normals.regions_sha256 != regions.sha256 or not np.allclose(
        normals.ijk_to_lps, regions.ijk_to_lps
    ):
        raise Refused(
            "other_regions",
            "The normal database was built with other regions or on another grid: build it anew.",
            "正常数据库所用的脑区或网格不同，请重新建立。",
        )
    z = normals.z(normals.preparation.prepared(image, regions))
    measures = [
        Measure(
            "brain_mean_abs_z",
            float(np.abs(z[normals.valid]).mean()),
            "SD",
            "Mean |z| of the brain",
            "全脑平均|z|",
        )
    ]
    for label, (english, chinese) in regions.names.items():
        inside = (regions.labels == label) & normals.valid
        if not inside.any():
            continue
        key = key_of(english, label)
        share = 100.0 * float((z[inside] < _LOW).mean())
        mean_z = float(z[inside].mean())
        measures += [
            Measure(f"{key}_z", mean_z, "SD", f"{english}, mean z", f"{chinese} z"),
            Measure(f"{key}_low_percent", share, "%", f"{english}, z < -2", f"{chinese} z < -2"),
        ]
    voxel_mm = float(np.linalg.norm(regions.ijk_to_lps[:3, 0]))
    views = surface_projections(-z, normals.valid, voxel_mm, lowered=False)
    return Outcome(
        study="brainz",
        measures=tuple(measures),
        method=METHOD,
        decay="cancels in the reference region",
        version=VERSION,
        source=f"regions: {regions.source}; normals: n = {normals.count}, {normals.tracer}",
        inputs={
            "fwhm_mm": normals.preparation.fwhm_mm,
            "reference": normals.preparation.reference,
            "normals": normals.count,
            "tracer": normals.tracer,
            "regions_sha256": regions.sha256,
            "regions_checked": regions.checked,
        },
        findings=tuple(_doubts(regions, normals)),
        panels=tuple(
            ImagePanel(f"{name}, -z", f"{name}, -z", np.clip(view, 0, 6))
            for name, view in views.items()
        ),
    )


def _doubts(regions: BrainRegions, normals: NormalDatabase) -> list[Finding]:
    found = []
    if not regions.checked:
        found.append(
            Finding(
                "coarse_regions",
                "The regions are geometric and right to about a centimetre only.",
                "所用脑区为几何近似，边界误差约1厘米。",
            )
        )
    if normals.outliers:
        found.append(
            Finding(
                "outliers_in_normals",
                "Members of the normal database differ from the others: look at them.",
                "正常数据库中有离群病例，请复核。",
                {"members": list(normals.outliers)},
            )
        )
    return found
