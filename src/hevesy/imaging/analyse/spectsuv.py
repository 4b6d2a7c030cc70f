"""Quantitative SPECT: a camera's sensitivity from a cylinder, counts to Bq/mL and to SUV."""

from __future__ import annotations

import json
import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from hevesy.imaging.analyse.outcome import ImagePanel, Measure, Outcome, bad_table
from hevesy.imaging.geometry.volume import Finding, Volume
from hevesy.imaging.nuclides import half_life_s, nuclide
from hevesy.imaging.quantify.normalise import NORMALISERS, ratio_to_body_weight
from hevesy.imaging.refusal import Refused

Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]
VERSION: Final = "hevesy-spect-suv/1"
METHOD: Final = (
    "Bq/mL at scan start = counts per voxel / (counting time x voxel volume x sensitivity), times"
    " x/(1 - e^-x), x = decay constant x counting time; SUV = that, decay corrected to injection,"
    " x weight / injected activity. No dead-time and no partial-volume correction."
)


@dataclass(frozen=True, slots=True)
class CameraCalibration:
    """Sensitivity in reconstructed counts per s and Bq; it holds for exactly this set-up.

    reconstruction: name of the protocol, corrections included. source: who measured it and when.
    counting_time: what a count is divided by: "view", the time of one view, as `reconstruct` scales
    its images and as planar sensitivity is meant; or "scan", all the time the heads counted.
    """

    key: str
    nuclide: str
    collimator: str
    reconstruction: str
    counts_per_s_per_bq: float
    relative_sd: float
    source: str
    checked: bool
    counting_time: str = "scan"

    def as_toml(self) -> str:
        """A row for the site's table."""
        return (
            f"[calibration.{_quoted(self.key)}]\nnuclide = {_quoted(self.nuclide)}\n"
            f"collimator = {_quoted(self.collimator)}\n"
            f"reconstruction = {_quoted(self.reconstruction)}\n"
            f"counts_per_s_per_bq = {self.counts_per_s_per_bq:.8g}\n"
            f"relative_sd = {self.relative_sd:.4g}\n"
            f"counting_time = {_quoted(self.counting_time)}\n"
            f"source = {_quoted(self.source)}\nchecked = {str(self.checked).lower()}\n"
        )


def _quoted(text: str) -> str:
    """A basic string of TOML: its escapes are those of JSON, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def decay_over_scan(duration_s: float, half_life: float) -> float:
    """Mean activity over a scan relative to its start, (1 - e^-x)/x."""
    x = math.log(2.0) * duration_s / half_life
    return -math.expm1(-x) / x if x > 0 else 1.0


def calibrate_camera(
    cylinder: Volume,
    inside: Bools,
    *,
    key: str,
    activity_bq_per_ml: float,
    duration_s: float,
    nuclide_name: str,
    collimator: str,
    reconstruction: str,
    source: str,
    counting_time: str = "scan",
) -> CameraCalibration:
    """Sensitivity from a uniform cylinder.

    inside: voxels well away from its wall (two resolutions). activity_bq_per_ml: true concentration
    at the start of the scan. duration_s: time the heads counted, or of one view (counting_time
    "view"). relative_sd: spread of slice means
    over their mean, which shows a cylinder that was not uniform or not corrected. Raises `Refused`.
    """
    if inside.shape != cylinder.array.shape or inside.sum() < 100:
        raise Refused(
            "small_region",
            "The region in the cylinder needs at least 100 voxels of the same volume.",
            "圆柱体内的感兴趣区至少需要100个体素。",
        )
    if min(activity_bq_per_ml, duration_s) <= 0:
        raise _bad_calibration("concentration and counting time must be above zero")
    counts = cylinder.array.astype(np.float64)
    rate = counts[inside].mean() / duration_s / (cylinder.voxel_mm3 / 1000.0)
    half_life = half_life_s(nuclide_name)
    truth = activity_bq_per_ml * decay_over_scan(duration_s, half_life)
    slices = [counts[k][inside[k]].mean() for k in range(len(counts)) if inside[k].any()]
    if rate <= 0:
        raise _bad_calibration("the region holds no counts")
    return CameraCalibration(
        key,
        nuclide(nuclide_name).symbol,
        collimator,
        reconstruction,
        float(rate / truth),
        float(np.std(slices) / np.mean(slices)),
        source,
        False,
        counting_time,
    )


def read_calibration(path: Path, key: str) -> CameraCalibration:
    """A row of the site's table of calibrations. Raises `Refused` (`bad_table`)."""
    rows: dict[str, Any] = tomllib.loads(path.read_text("utf-8")).get("calibration", {})
    if key not in rows:
        raise bad_table(f"no calibration “{key}”; there are {', '.join(rows)}")
    row = rows[key]
    try:
        one = CameraCalibration(
            key,
            nuclide(str(row["nuclide"])).symbol,
            str(row["collimator"]),
            str(row["reconstruction"]),
            float(row["counts_per_s_per_bq"]),
            float(row.get("relative_sd", 0.0)),
            str(row["source"]),
            bool(row["checked"]),
            str(row.get("counting_time", "scan")),
        )
    except (KeyError, ValueError, LookupError) as error:
        raise bad_table(f"{key}: {error}") from None
    if not (math.isfinite(one.counts_per_s_per_bq) and one.counts_per_s_per_bq > 0):
        raise bad_table(f"{key}: the sensitivity must be above zero")
    return one


def activity_volume(
    counts: Volume, calibration: CameraCalibration, *, duration_s: float, nuclide_name: str
) -> Volume:
    """Bq/mL at the start of the scan (units BQML). Refused (`other_nuclide`) for another nuclide.

    duration_s: time the heads counted, by the convention of the calibration. Refused
    (`bad_quantities`) for a volume that is in Bq/mL already.
    """
    if counts.units == "BQML":
        raise _bad_calibration("the image is in Bq/mL already: leave the calibration out")
    if nuclide(nuclide_name).symbol != calibration.nuclide:
        raise Refused(
            "other_nuclide",
            f"The calibration is for {calibration.nuclide}, the image for "
            f"{nuclide(nuclide_name).symbol}: calibrate for that nuclide.",
            f"校准针对 {calibration.nuclide}，与图像核素不符，请使用相应核素的校准。",
        )
    if not duration_s > 0:
        raise _bad_calibration("the counting time must be above zero")
    scale = 1.0 / (
        duration_s
        * counts.voxel_mm3
        / 1000.0
        * calibration.counts_per_s_per_bq
        * decay_over_scan(duration_s, half_life_s(nuclide_name))
    )
    return counts.with_values((counts.array * scale).astype(np.float32), units="BQML")


def analyse_spect_suv(
    counts: Volume,
    calibration: CameraCalibration | None,
    *,
    duration_s: float = 0.0,
    nuclide_name: str,
    injected_mbq: float,
    since_injection_s: float,
    weight_kg: float,
    height_m: float = 0.0,
    sex: str = "",
    region: Bools | None = None,
    kinds: tuple[str, ...] = ("BW",),
) -> Outcome:
    """Concentration and SUV (max, mean, population SD) of a region, or of the whole image.

    injected_mbq: net, at injection. since_injection_s: from injection to the start of the scan.
    calibration None: counts are in Bq/mL (BQML) at the start of the scan already, as
    `reconstruct.absolute` writes them; else they take duration_s too.
    kinds: normalisers of `quantify.normalise`; all but BW need height and sex. Raises `Refused`.
    """
    if min(injected_mbq, weight_kg) <= 0 or since_injection_s < 0:
        raise _bad_calibration("injected activity and weight must be above zero, scan after dose")
    unknown = [kind for kind in kinds if kind not in NORMALISERS]
    if unknown or (height_m <= 0 and set(kinds) != {"BW"}):
        raise _bad_calibration(
            f"SUV kinds {', '.join(kinds)} need height; known: {', '.join(NORMALISERS)}"
        )
    inside = np.ones(counts.array.shape, dtype=bool) if region is None else region
    if inside.shape != counts.array.shape or not inside.any():
        raise _bad_calibration("the region is empty or of another size")
    if calibration is not None:
        active = activity_volume(
            counts, calibration, duration_s=duration_s, nuclide_name=nuclide_name
        )
    elif counts.units == "BQML":
        active = counts
    else:
        raise _bad_calibration("an image in counts needs the calibration of its camera")
    values = active.array[inside].astype(np.float64)
    grown = math.exp2(since_injection_s / half_life_s(nuclide_name))
    per_bq = grown * weight_kg * 1000.0 / (injected_mbq * 1e6)
    millilitres = counts.voxel_mm3 / 1000.0
    measures = [
        Measure("mean_bq_per_ml", float(values.mean()), "Bq/mL", "Mean", "平均浓度"),
        Measure("max_bq_per_ml", float(values.max()), "Bq/mL", "Maximum", "最大浓度"),
        Measure(
            "activity_mbq", float(values.sum() * millilitres / 1e6), "MBq", "Activity", "放射性活度"
        ),
        Measure("volume_ml", float(inside.sum() * millilitres), "mL", "Volume", "体积"),
    ]
    for kind in kinds:
        factor = per_bq * ratio_to_body_weight(
            kind, weight_kg=weight_kg, height_m=height_m, sex=sex
        )
        unit = "cm2/mL" if kind == "BSA" else "g/mL"
        for name, number in (("max", values.max()), ("mean", values.mean()), ("sd", values.std())):
            measures.append(
                Measure(
                    f"suv_{kind.lower()}_{name}",
                    float(number * factor),
                    unit,
                    f"SUV {kind} {name}",
                    f"SUV {kind} {name}",
                )
            )
    k = int(np.argmax(np.where(inside, active.array, -np.inf).max(axis=(1, 2))))
    findings = (
        []
        if calibration is None or calibration.checked
        else [
            Finding(
                "calibration_not_checked",
                "The camera's calibration is not marked as checked by the site.",
                "该相机校准尚未由科室核对确认。",
            )
        ]
    )
    return Outcome(
        study="spectsuv",
        measures=tuple(measures),
        method=METHOD,
        decay=f"over the scan and back to injection, half-life {half_life_s(nuclide_name):g} s",
        version=VERSION,
        source=(
            f"calibration {calibration.key}: {calibration.source}"
            if calibration
            else "Bq/mL of the image"
        ),
        inputs={
            "counts_per_s_per_bq": calibration.counts_per_s_per_bq if calibration else None,
            "collimator": calibration.collimator if calibration else None,
            "reconstruction": calibration.reconstruction if calibration else None,
            "duration_s": duration_s or None,
            "injected_mbq": injected_mbq,
            "since_injection_s": since_injection_s,
            "weight_kg": weight_kg,
        },
        findings=tuple(findings),
        panels=(ImagePanel("Slice of the maximum", "最大值层面", active.array[k].astype(float)),),
    )


def _bad_calibration(detail: str) -> Refused:
    return Refused(
        "bad_quantities",
        f"The quantities do not allow a calibration or SUV: {detail}.",
        f"所给数值无法用于校准或计算 SUV：{detail}。",
        detail,
    )
