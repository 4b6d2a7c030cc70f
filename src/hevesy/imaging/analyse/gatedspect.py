"""Left ventricular function from gated short-axis SPECT: volumes, EF, thickening, polar map."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from hevesy.imaging.analyse.heart.cycle import FEWEST_GATES, Cycle, curve_of_beat
from hevesy.imaging.analyse.heart.segments import (
    SEGMENTS,
    SOURCE,
    NormalLimits,
    percent_of_brightest,
    polar_map,
    segment_means,
    segment_of_rays,
    summed_scores,
)
from hevesy.imaging.analyse.heart.surfaces import Axis, Ruler, Walls, find_axis
from hevesy.imaging.analyse.outcome import CurvePanel, ImagePanel, Line, Measure, Outcome
from hevesy.imaging.geometry.volume import Finding
from hevesy.imaging.refusal import Refused

Floats: TypeAlias = npt.NDArray[np.float64]
VERSION: Final = "hevesy-gated-lv/2"
METHOD: Final = (
    "Middle of the wall on rays from the cavity, corrected until a drawn wall blurred with the"
    " camera's resolution measures like the image; end-diastolic thickness as stated (or from the"
    " wall's breadth), in other gates as the wall's counts tell; volumes by integrating radii below"
    " the valve plane; EDV and ESV of two harmonics through the gates, freed from a gate's width."
)
# What most programs assume; measuring it needs a resolution known to a few tenths of a millimetre.
NOMINAL_WALL_MM: Final = 10.0


def analyse_gated_spect(
    gates: npt.ArrayLike,
    *,
    spacing_mm: tuple[float, float, float],
    fwhm_mm: float,
    axis: Axis | None = None,
    base_mm: float | None = None,
    wall_mm: float | None = NOMINAL_WALL_MM,
    limits: NormalLimits | None = None,
    rest_percent: Floats | None = None,
    whole_beat: bool = True,
) -> Outcome:
    """EDV, ESV, stroke volume (mL), LVEF (%), thickening (%), uptake of 17 segments, scores.

    gates: counts [gate, k, j, i], short-axis, k from apex to base, j to the inferior wall, i to the
    lateral wall. spacing_mm along i, j, k. fwhm_mm: resolution of the reconstructed images, from a
    line source. axis and base_mm (valve plane, mm along k from the first slice): where the
    automatic ones are wrong. wall_mm: end-diastolic thickness; None measures it, which is right
    only if fwhm_mm is (2 mm off make 30 mL). limits: the site's normal limits; without them there
    is no score. rest_percent: segment uptake of the rest study, for SDS. whole_beat: the gates cut
    the beat into equal parts, so that a periodic curve goes through their volumes; if not, or with
    fewer than eight gates, EDV and ESV are those of the extreme gates. Raises `Refused`
    (`bad_gates`, `bad_resolution`, `no_heart`).
    """
    frames = np.asarray(gates, dtype=np.float64)
    if frames.ndim != 4 or len(frames) < 4 or not np.all(np.isfinite(frames)):
        raise Refused(
            "bad_gates",
            "Gated SPECT needs at least four gates of finite short-axis slices.",
            "门控断层至少需要4个时相的有效短轴图像。",
            str(frames.shape),
        )
    if not 4 <= fwhm_mm <= 30 or min(spacing_mm) <= 0:
        raise Refused(
            "bad_resolution",
            "Voxel size and the resolution of the images (FWHM in mm, 4 to 30) must be stated.",
            "请提供体素大小及图像分辨率（FWHM，4至30 mm）。",
        )
    auto_axis, auto_base = find_axis(frames.sum(axis=0), spacing_mm)
    axis = axis or auto_axis
    base = auto_base if base_mm is None else base_mm
    walls = _walls_of_gates(frames, spacing_mm, axis, base, fwhm_mm, wall_mm)
    volumes = np.array([one.cavity_ml for one in walls])
    diastole, systole = int(np.argmax(volumes)), int(np.argmin(volumes))
    beat = curve_of_beat(volumes) if whole_beat and len(frames) >= FEWEST_GATES else None
    in_gates = float(volumes[diastole]), float(volumes[systole])
    edv, esv = in_gates if beat is None else (beat.largest, beat.smallest)
    at_rest, squeezed = walls[diastole], walls[systole]
    segments = segment_of_rays(at_rest)
    thick = [one.outer_mm - one.inner_mm for one in (at_rest, squeezed)]
    thickening = 100.0 * (segment_means(thick[1], segments) / segment_means(thick[0], segments) - 1)
    summed = np.mean([one.brightness for one in walls], axis=0)
    uptake = percent_of_brightest(segment_means(summed, segments))
    measures = [
        Measure("edv_ml", edv, "mL", "End-diastolic volume", "舒张末期容积"),
        Measure("esv_ml", esv, "mL", "End-systolic volume", "收缩末期容积"),
        Measure("stroke_volume_ml", edv - esv, "mL", "Stroke volume", "每搏量"),
        Measure("lvef_percent", 100 * (edv - esv) / edv, "%", "LVEF", "左室射血分数"),
        Measure(
            "lvef_of_gates_percent",
            100 * (in_gates[0] - in_gates[1]) / in_gates[0],
            "%",
            "LVEF, extreme gates",
            "左室射血分数（极值时相）",
        ),
        Measure(
            "wall_mm",
            float(np.mean(thick[0][at_rest.measured])),
            "mm",
            "Wall, diastole",
            "舒张期室壁厚度",
        ),
        Measure("muscle_ml", at_rest.muscle_ml, "mL", "Myocardium", "心肌体积"),
        *_per_segment(uptake, thickening),
        *_scores(uptake, rest_percent, limits),
    ]
    middle = frames[diastole][round(axis.k_mm / spacing_mm[2])]
    return Outcome(
        study="gatedspect",
        measures=tuple(measures),
        method=METHOD,
        decay="none: gates are acquired together",
        version=VERSION,
        source=SOURCE + (f"; normal limits: {limits.source}" if limits else ""),
        inputs={
            "fwhm_mm": fwhm_mm,
            "axis_i_mm": axis.i_mm,
            "axis_j_mm": axis.j_mm,
            "centre_k_mm": axis.k_mm,
            "base_mm": base,
            "stated_wall_mm": wall_mm,
            "diastole_gate": diastole + 1,
            "systole_gate": systole + 1,
            "volumes_ml": [float(one) for one in volumes],
            "extremes_from": "gates" if beat is None else "two harmonics",
            "limits_checked": limits.checked if limits else None,
            "limits_sha256": limits.sha256 if limits else None,
        },
        findings=tuple(
            _doubts(walls, fwhm_mm, spacing_mm, limits, measured=wall_mm is None, beat=beat)
        ),
        panels=(
            CurvePanel("Volume", "容积曲线", "gate", "mL", tuple(_lines(volumes, beat))),
            ImagePanel("Uptake", "摄取靶心图", polar_map(summed, at_rest)),
            ImagePanel(
                "Thickening", "增厚靶心图", polar_map(np.maximum(thick[1] - thick[0], 0), at_rest)
            ),
            ImagePanel("Short axis, diastole", "舒张末期短轴", middle),
        ),
    )


def _walls_of_gates(
    frames: Floats,
    spacing_mm: tuple[float, float, float],
    axis: Axis,
    base_mm: float,
    fwhm_mm: float,
    wall_mm: float | None,
) -> list[Walls]:
    nk, nj, ni = frames.shape[1:]
    ruler = Ruler((nk, nj, ni), spacing_mm, axis, fwhm_mm)
    above = base_mm - axis.k_mm
    rough = [ruler.find(one, above, wall_mm or 10.0) for one in frames]
    diastole = int(np.argmax([one.cavity_ml for one in rough]))
    thick = wall_mm or ruler.thickness(frames[diastole], above)
    first = ruler.find(frames[diastole], above, thick)
    return [
        first if gate == diastole else ruler.follow(image, first, one, thick)
        for gate, (image, one) in enumerate(zip(frames, rough, strict=True))
    ]


def _lines(volumes: Floats, beat: Cycle | None) -> list[Line]:
    gate = np.arange(1.0, len(volumes) + 1)
    lines = [Line(gate, volumes, "cavity", "左室腔")]
    if beat is not None:
        lines.append(Line(beat.at_gate, beat.value, "two harmonics", "二阶谐波"))
    return lines


def _per_segment(uptake: Floats, thickening: Floats) -> list[Measure]:
    rows = []
    for number, name in enumerate(SEGMENTS, start=1):
        for key, values, english, chinese in (
            ("uptake", uptake, "Uptake", "摄取"),
            ("thickening", thickening, "Thickening", "增厚率"),
        ):
            value = values[number - 1]
            rows.append(
                Measure(
                    f"segment_{number}_{key}_percent",
                    float(value) if np.isfinite(value) else None,
                    "%",
                    f"{english}, {name}",
                    f"第{number}节段{chinese}",
                )
            )
    return rows


def _scores(
    uptake: Floats, rest_percent: Floats | None, limits: NormalLimits | None
) -> list[Measure]:
    if limits is None:
        return []
    if rest_percent is None:
        total = float(limits.scores(uptake).sum())
        return [Measure("summed_score", total, "1", "Summed score", "总积分")]
    found = summed_scores(uptake, rest_percent, limits)
    return [
        Measure("sss", float(found.stress), "1", "Summed stress score", "负荷总积分"),
        Measure("srs", float(found.rest), "1", "Summed rest score", "静息总积分"),
        Measure("sds", float(found.difference), "1", "Summed difference score", "差值总积分"),
    ]


def _doubts(
    walls: list[Walls],
    fwhm_mm: float,
    spacing_mm: tuple[float, float, float],
    limits: NormalLimits | None,
    *,
    measured: bool,
    beat: Cycle | None,
) -> list[Finding]:
    found = []
    if beat is None:
        found.append(
            Finding(
                "extreme_gates",
                "EDV and ESV are those of the extreme gates, which makes EF too low: by 2 to 7"
                " points with eight gates, more with fewer.",
                "舒张末期与收缩末期容积取自极值时相，射血分数偏低（8时相时约低2至7个百分点）。",
                {"gates": len(walls)},
            )
        )
    if measured:
        found.append(
            Finding(
                "wall_measured",
                "The wall was measured: volumes are right only if the stated resolution is.",
                "室壁厚度由图像测得，仅当所填分辨率准确时容积才可靠。",
                {"fwhm_mm": fwhm_mm},
            )
        )
    muscle = np.array([one.muscle_ml for one in walls])
    change = float((muscle.max() - muscle.min()) / muscle.mean())
    if change > 0.25:
        found.append(
            Finding(
                "muscle_changes",
                "The myocardium changes its volume over the cycle: look at gating, axis and plane.",
                "心肌体积在心动周期中变化过大，请检查门控、长轴与瓣环平面。",
                {"change_fraction": change},
            )
        )
    if min(one.cavity_ml for one in walls) < 25.0:
        found.append(
            Finding(
                "small_heart",
                "The end-systolic cavity is hardly wider than the resolution: EF may be too high.",
                "收缩末期心腔接近分辨率极限，射血分数可能被高估。",
                {"fwhm_mm": fwhm_mm, "voxel_mm": max(spacing_mm)},
            )
        )
    if limits is not None and not limits.checked:
        found.append(
            Finding(
                "limits_not_checked",
                "The normal limits are not marked as checked by the site.",
                "正常值范围尚未由科室核对确认。",
            )
        )
    return found
