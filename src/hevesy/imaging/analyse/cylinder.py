"""The sensitivity of a camera from a scan of a uniform cylinder, as a study with an answer."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from hevesy.imaging.analyse.outcome import CurvePanel, ImagePanel, Line, Measure, Outcome
from hevesy.imaging.analyse.spectsuv import Bools, CameraCalibration, calibrate_camera
from hevesy.imaging.geometry.volume import Finding, Volume
from hevesy.imaging.nuclides import half_life_s
from hevesy.imaging.refusal import Refused

VERSION: Final = "hevesy-camera-calibration/1"
METHOD: Final = (
    "Sensitivity = mean counts per voxel in the region / (counting time x voxel volume x true"
    " concentration x (1 - e^-x)/x), x = decay constant x counting time; evenness = SD of the slice"
    " means over their mean."
)
SOURCE: Final = "Dewaraja et al., J Nucl Med 2012 (MIRD Pamphlet 23): calibration with a cylinder"
# Ours: what a corrected, well mixed cylinder stays below.
_MOST_UNEVEN: Final = 0.05


@dataclass(frozen=True, slots=True)
class Filling:
    """What was in the cylinder: activity and when it was measured, and the volume it is mixed in."""

    activity_mbq: float
    volume_ml: float
    before_scan_s: float
    nuclide: str

    def bq_per_ml(self) -> float:
        """True concentration at the start of the scan. Refused (`bad_quantities`) below zero."""
        if min(self.activity_mbq, self.volume_ml) <= 0:
            raise Refused(
                "bad_quantities",
                "Activity and volume of the cylinder must be above zero.",
                "圆柱体的活度和体积须大于零。",
            )
        left = math.exp2(-self.before_scan_s / half_life_s(self.nuclide))
        return self.activity_mbq * 1e6 * left / self.volume_ml


def inside_cylinder(
    volume: Volume, centre_lps: tuple[float, float, float], radius_mm: float, length_mm: float
) -> Bools:
    """Voxels whose centres lie in a cylinder along the patient's head-foot axis, [k, j, i]."""
    ni, nj, nk = volume.shape_ijk
    k, j, i = np.indices((nk, nj, ni))
    away = volume.world(np.stack((i, j, k), axis=-1)) - np.array(centre_lps)
    across = np.hypot(away[..., 0], away[..., 1])
    found: Bools = (across <= radius_mm) & (np.abs(away[..., 2]) <= length_mm / 2.0)
    return found


def analyse_cylinder(
    cylinder: Volume,
    inside: Bools,
    filling: Filling,
    *,
    key: str,
    duration_s: float,
    collimator: str,
    reconstruction: str,
    source: str,
) -> tuple[CameraCalibration, Outcome]:
    """The row for the site's table, and what a person looks at before believing it.

    inside: voxels two resolutions away from the wall. duration_s: time the heads counted, by the
    convention that patients will be scanned with. source: who measured, when. The row says that it
    is not checked: a person changes that. Raises `Refused`.
    """
    truth = filling.bq_per_ml()
    row = calibrate_camera(
        cylinder,
        inside,
        key=key,
        activity_bq_per_ml=truth,
        duration_s=duration_s,
        nuclide_name=filling.nuclide,
        collimator=collimator,
        reconstruction=reconstruction,
        source=source,
    )
    slices = [k for k in range(len(inside)) if inside[k].any()]
    means = np.array([cylinder.array[k][inside[k]].mean() for k in slices], dtype=np.float64)
    findings: tuple[Finding, ...] = ()
    if row.relative_sd > _MOST_UNEVEN:
        findings = (
            Finding(
                "uneven_cylinder",
                f"The slices differ by {100 * row.relative_sd:.1f} % (SD): look at mixing, region"
                " and corrections.",
                f"各层均值差异为 {100 * row.relative_sd:.1f}%（SD），请检查混匀、感兴趣区及校正。",
                {"relative_sd": row.relative_sd},
            ),
        )
    middle = slices[len(slices) // 2]
    outcome = Outcome(
        study="cameracalibration",
        measures=(
            Measure(
                "sensitivity_counts_per_s_per_bq",
                row.counts_per_s_per_bq,
                "counts/s/Bq",
                "Sensitivity",
                "灵敏度",
            ),
            Measure(
                "slices_sd_percent",
                100.0 * row.relative_sd,
                "%",
                "Spread of the slices",
                "层间差异",
            ),
            Measure("true_bq_per_ml", truth, "Bq/mL", "True concentration", "真实浓度"),
            Measure(
                "region_ml",
                float(inside.sum()) * cylinder.voxel_mm3 / 1000.0,
                "mL",
                "Volume of the region",
                "感兴趣区体积",
            ),
        ),
        method=METHOD,
        decay=f"over the scan and to its start, half-life {half_life_s(filling.nuclide):g} s",
        version=VERSION,
        source=SOURCE,
        inputs={
            "key": key,
            "nuclide": row.nuclide,
            "collimator": collimator,
            "reconstruction": reconstruction,
            "measured_by": source,
            "duration_s": duration_s,
            "activity_mbq": filling.activity_mbq,
            "volume_ml": filling.volume_ml,
            "before_scan_s": filling.before_scan_s,
        },
        findings=findings,
        panels=(
            ImagePanel("Middle slice", "中间层面", cylinder.array[middle].astype(np.float64)),
            CurvePanel(
                "Mean of each slice",
                "各层均值",
                "slice",
                "counts",
                (Line(np.array(slices, dtype=np.float64), means, "mean", "均值", marks=True),),
            ),
        ),
    )
    return row, outcome


def add_to_table(row: CameraCalibration, table: Path) -> None:
    """Add a row to the site's table, or begin one. Refused (`calibration_exists`) for a known key.

    A calibration that patients were measured with is never overwritten: the site takes a new key.
    """
    before = table.read_text("utf-8") if table.exists() else ""
    if row.key in tomllib.loads(before).get("calibration", {}):
        raise Refused(
            "calibration_exists",
            f"The table has a calibration “{row.key}” already: choose another key.",
            f"表中已有校准“{row.key}”，请使用其他名称。",
            row.key,
        )
    table.write_text(f"{before.rstrip()}\n\n{row.as_toml()}".lstrip(), encoding="utf-8")
