"""Recovery of the six spheres of a NEMA image quality phantom, beside the limits of EARL.

The spheres are found by themselves: their activity above the background survives any blur, so that
it tells which sphere is which and whether it is one at all.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from hevesy.imaging.analyse.outcome import CurvePanel, ImagePanel, Line, Measure, Outcome, Reference
from hevesy.imaging.geometry.volume import Finding, Volume
from hevesy.imaging.quantify.earl import EarlVerdict, Standard, earl_verdict
from hevesy.imaging.quantify.lesion import Lesion
from hevesy.imaging.quantify.statistics import statistics
from hevesy.imaging.quantify.voi import Voi
from hevesy.imaging.refusal import Refused
from hevesy.imaging.segment.components import components_above

Floats: TypeAlias = npt.NDArray[np.float64]
VERSION: Final = "hevesy-nema-spheres/1"
DIAMETERS_MM: Final = (37, 28, 22, 17, 13, 10)
METHOD: Final = (
    "Spheres: the six components above background + 10 % of the contrast with most activity above"
    " background. Recovery = measured / true concentration; a50: mean of the voxels at or above half"
    " of (maximum + background) that hang together with the maximum; max: largest voxel. Background:"
    " median of the shells 12 to 18 mm outside the spheres."
)
SOURCE: Final = (
    "NEMA NU 2 image quality phantom; Boellaard et al., EANM procedure guidelines 2.0, 2015; Kaalep"
    " et al., Eur J Nucl Med Mol Imaging 2018 (EARL)"
)
_MARGIN_MM: Final = 8.0
_SHELL_MM: Final = (12.0, 18.0)
# A sphere's activity may be off by this and still be that sphere: its neighbours differ by half.
_ACTIVITY: Final = (0.6, 1.4)
_BACKGROUND_OFF: Final = 0.1


def analyse_spheres(
    volume: Volume,
    *,
    sphere_bq_per_ml: float,
    background_bq_per_ml: float,
    standard: Standard = "standards_2",
) -> Outcome:
    """Recovery coefficients of all six spheres and the verdict of an EARL standard.

    volume: PET in BQML. The true concentrations are those at the time to which the image is decay
    corrected. Raises `Refused`: not_bq_per_ml, bad_quantities, spheres_not_found.
    """
    if volume.units.upper() != "BQML":
        raise Refused(
            "not_bq_per_ml",
            "Recovery needs a PET in Bq/mL; reconstruct the phantom in Bq/mL.",
            "恢复系数需要以 Bq/mL 为单位的 PET 图像，请以 Bq/mL 重建。",
            volume.units,
        )
    if not sphere_bq_per_ml > background_bq_per_ml > 0:
        raise Refused(
            "bad_quantities",
            "The concentration of the spheres must be above that of the background, both above 0.",
            "球体浓度须高于本底浓度，且均大于零。",
        )
    contrast = sphere_bq_per_ml - background_bq_per_ml
    places = _spheres(volume, background_bq_per_ml + 0.1 * contrast, background_bq_per_ml)
    apart = [_distance_mm(volume, place) for place in places]
    background = _background(volume, apart)
    recovery: dict[str, dict[int, float]] = {"a50": {}, "max": {}}
    for mm, away in zip(DIAMETERS_MM, apart, strict=True):
        near = away <= mm / 2.0 + _MARGIN_MM
        excess_ml = float((volume.array[near] - background).sum(dtype=np.float64))
        excess_ml *= volume.voxel_mm3 / 1000.0 / contrast
        share = excess_ml / (np.pi * mm**3 / 6000.0)
        if not _ACTIVITY[0] <= share <= _ACTIVITY[1]:
            raise _not_found(f"{mm} mm: {share:.2f} of its activity")
        lesion = Lesion(volume, Voi.of_mask(near), None)
        level = 0.5 * (lesion.max + background)
        found = statistics(volume, lesion.voi(lesion.above(level)))
        recovery["a50"][mm] = found.mean / sphere_bq_per_ml
        recovery["max"][mm] = lesion.max / sphere_bq_per_ml
    verdicts = [
        earl_verdict(recovery["a50"], standard=standard, measure="a50"),
        earl_verdict(recovery["max"], standard=standard, measure="max"),
    ]
    return _told(volume, verdicts, background, background_bq_per_ml, sphere_bq_per_ml, places)


def _spheres(volume: Volume, level: float, background: float) -> list[Floats]:
    """Centres (LPS mm) of the six components with most activity above background, most first."""
    found = components_above(volume.array, level)
    if len(found) < len(DIAMETERS_MM):
        raise _not_found(f"{len(found)} components above {level:.0f} Bq/mL")
    excess = found.sum - found.count * background
    return [
        np.asarray(volume.world(found.centroid[n][::-1]), dtype=np.float64)
        for n in np.argsort(-excess)[: len(DIAMETERS_MM)]
    ]


def _distance_mm(volume: Volume, place: Floats) -> Floats:
    ni, nj, nk = volume.shape_ijk
    k, j, i = np.indices((nk, nj, ni))
    away = np.linalg.norm(volume.world(np.stack((i, j, k), axis=-1)) - place, axis=-1)
    return np.asarray(away, dtype=np.float64)


def _background(volume: Volume, apart: list[Floats]) -> float:
    shell, taken = np.zeros(volume.array.shape, bool), np.zeros(volume.array.shape, bool)
    for mm, away in zip(DIAMETERS_MM, apart, strict=True):
        shell |= away <= mm / 2.0 + _SHELL_MM[1]
        taken |= away <= mm / 2.0 + _SHELL_MM[0]
    return float(np.median(volume.array[shell & ~taken]))


def _told(
    volume: Volume,
    verdicts: list[EarlVerdict],
    background: float,
    true_background: float,
    true_sphere: float,
    places: list[Floats],
) -> Outcome:
    measures = [
        Measure(
            f"recovery_{verdict.measure}_{one.diameter_mm}mm",
            one.recovery,
            "1",
            f"Recovery {verdict.measure}, {one.diameter_mm} mm",
            f"恢复系数 {verdict.measure}，{one.diameter_mm} mm",
            Reference(one.lowest, one.highest, verdict.source, verdict.checked),
        )
        for verdict in verdicts
        for one in verdict.spheres
    ]
    share = background / true_background
    measures.append(
        Measure("background_recovery", share, "1", "Background, measured / true", "本底实测/真实")
    )
    findings: tuple[Finding, ...] = ()
    if abs(share - 1.0) > _BACKGROUND_OFF:
        findings = (_off(share),)
    middle = round(float(volume.index(tuple(places[0]))[2]))
    return Outcome(
        study="earl",
        measures=tuple(measures),
        method=METHOD,
        decay="none: true concentrations are stated for the time of the image",
        version=VERSION,
        source=SOURCE,
        inputs={
            "sphere_bq_per_ml": true_sphere,
            "background_bq_per_ml": true_background,
            "standard": verdicts[0].standard,
            "centres_lps_mm": [[float(x) for x in place] for place in places],
        },
        findings=findings,
        panels=(
            *(_panel(verdict) for verdict in verdicts),
            ImagePanel("Slice of the spheres", "球体层面", volume.array[middle].astype(float)),
        ),
        verdicts=tuple(_verdict(one) for one in verdicts),
    )


def _off(share: float) -> Finding:
    return Finding(
        "background_off",
        f"The background is {share:.2f} of its true value: check calibration, filling and times.",
        f"本底为真实值的 {share:.2f} 倍，请核对校准、灌注与时间。",
        {"background_recovery": share},
    )


def _panel(verdict: EarlVerdict) -> CurvePanel:
    x = np.array([one.diameter_mm for one in verdict.spheres], dtype=np.float64)
    rows = (
        ([one.recovery for one in verdict.spheres], "measured", "实测", True),
        ([one.lowest for one in verdict.spheres], "lowest", "下限", False),
        ([one.highest for one in verdict.spheres], "highest", "上限", False),
    )
    name = f"EARL {verdict.standard}, {verdict.measure}"
    lines = tuple(
        Line(x, np.array(y), english, chinese, dots) for y, english, chinese, dots in rows
    )
    return CurvePanel(name, name, "mm", "1", lines)


def _verdict(verdict: EarlVerdict) -> dict[str, Any]:
    failed = [f"{one.diameter_mm} mm" for one in verdict.spheres if not one.passed]
    reason = (
        ("every sphere within its limits", "所有球体均在限值内")
        if verdict.passed
        else (f"outside: {', '.join(failed)}", f"超出限值：{'、'.join(failed)}")
    )
    return {
        "rule": f"EARL {verdict.standard}, {verdict.measure}",
        "value": verdict.passed,
        "reasons": [{"text_en": reason[0], "text_zh": reason[1]}],
        **verdict.as_json(),
    }


def _not_found(detail: str) -> Refused:
    return Refused(
        "spheres_not_found",
        "The six spheres were not found by their activity; check the stated concentrations and"
        " that the whole phantom is in the image.",
        "未能按活度识别六个球体，请核对所填浓度，并确认图像包含完整模型。",
        detail,
    )
