"""Lungs: perfusion and ventilation by thirds, lung function left after surgery, and MAA shunt.

Roles: `left_lung`, `right_lung`; `liver` for the shunt; `background` may be left out. Left and
right are the patient's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from hevesy.imaging.analyse.acquired import Acquired
from hevesy.imaging.analyse.curves import CurveRefused
from hevesy.imaging.analyse.geometric_mean import both_views_of
from hevesy.imaging.analyse.outcome import ImagePanel, Measure, Outcome
from hevesy.imaging.analyse.regions import Region, RegionSet
from hevesy.imaging.analyse.shapes import Mask
from hevesy.imaging.geometry.volume import Finding
from hevesy.imaging.refusal import Refused

Bools: TypeAlias = npt.NDArray[np.bool_]

VQ_VERSION: Final = "hevesy-lung-vq/1"
SHUNT_VERSION: Final = "hevesy-lung-shunt/1"
VQ_METHOD: Final = (
    "Geometric mean of net counts from front and back, the back view mirrored; each lung region is"
    " divided into three parts of equal height. Fractions are of both lungs together, SD from"
    " counting. V/Q is the quotient of the ventilation and perfusion fractions. ppoFEV1 = FEV1"
    " (1 - perfusion fraction of what is removed). No dead-time correction."
)
SHUNT_METHOD: Final = (
    "Lung shunt fraction = lungs / (lungs + liver) of geometric means of net counts from front and"
    " back. No attenuation or scatter correction: planar images overestimate the shunt."
)
SOURCE: Final = "EANM guideline for lung scintigraphy; surgical ppoFEV1 by perfusion fraction"
SHUNT_SOURCE: Final = "EANM procedure guideline for Y-90 liver radioembolisation"
_PARTS: Final = (
    ("upper", "上"),
    ("middle", "中"),
    ("lower", "下"),
)
_LUNGS: Final = (("left", "左肺"), ("right", "右肺"))


@dataclass(frozen=True, slots=True)
class Fractions:
    """Share of each of six parts ("left_upper", …) of the counts of both lungs, and its SD."""

    share: dict[str, float]
    deviation: dict[str, float]

    def of(self, part: str) -> float:
        """Share of a part, or of a whole lung: "left", "right"."""
        return sum(share for name, share in self.share.items() if name.startswith(part))


def lung_fractions(anterior: Acquired, posterior: Acquired, regions: RegionSet) -> Fractions:
    """Geometric mean shares of the thirds of both lungs, from the first frame of each view.

    Raises `Refused` if a lung has no counts above background.
    """
    thirds = RegionSet(regions.rows, regions.columns, (*regions.regions, *_thirds(regions)))
    means, variances = {}, {}
    for side, _ in _LUNGS:
        for part, _ in _PARTS:
            found = both_views_of(
                _first(anterior), _first(posterior), thirds, f"{side}_{part}", half_life_s=None
            )
            means[f"{side}_{part}"] = float(found.mean[0])
            variances[f"{side}_{part}"] = float(found.relative_variance[0] * found.mean[0] ** 2)
    total = sum(means.values())
    if total <= 0:
        raise CurveRefused(
            "no_lungs",
            "The lungs have no counts above background in both views: check the regions.",
            "双肺前后位净计数不大于零，请检查感兴趣区。",
        )
    all_variance = sum(variances.values())
    deviation = {
        name: math.sqrt(
            (total - mean) ** 2 * variances[name] + mean**2 * (all_variance - variances[name])
        )
        / total**2
        for name, mean in means.items()
    }
    return Fractions({name: mean / total for name, mean in means.items()}, deviation)


def analyse_lungs(
    perfusion: tuple[Acquired, Acquired],
    regions: RegionSet,
    *,
    ventilation: tuple[Acquired, Acquired] | None = None,
    fev1_l: float | None = None,
    removed: Sequence[str] = (),
) -> Outcome:
    """Perfusion by thirds, with ventilation V/Q, with FEV1 and what is removed ppoFEV1.

    perfusion, ventilation: views from the front and from behind. removed: "left", "right", or
    parts such as "right_upper" (thirds of height, not lobes). Raises `Refused`.
    """
    flow = lung_fractions(*perfusion, regions)
    air = lung_fractions(*ventilation, regions) if ventilation else None
    measures = []
    for side, chinese in _LUNGS:
        measures.append(
            _percent(
                f"{side}_perfusion",
                flow.of(side),
                f"{side.capitalize()} lung perfusion",
                f"{chinese}血流灌注百分比",
            )
        )
        for part, part_chinese in _PARTS:
            name = f"{side}_{part}"
            measures.append(
                _percent(
                    f"{name}_perfusion",
                    flow.share[name],
                    f"{side.capitalize()} {part} perfusion",
                    f"{chinese}{part_chinese}部灌注百分比",
                    flow.deviation[name],
                )
            )
            if air is not None:
                share = flow.share[name]
                measures += [
                    _percent(
                        f"{name}_ventilation",
                        air.share[name],
                        f"{side.capitalize()} {part} ventilation",
                        f"{chinese}{part_chinese}部通气百分比",
                        air.deviation[name],
                    ),
                    Measure(
                        f"{name}_vq",
                        air.share[name] / share if share > 0 else None,
                        "1",
                        f"{side.capitalize()} {part} V/Q",
                        f"{chinese}{part_chinese}部通气/灌注比",
                    ),
                ]
    findings = []
    if fev1_l is not None:
        gone = _removed(flow, removed)
        measures.append(
            Measure(
                "ppo_fev1_l",
                fev1_l * (1.0 - gone),
                "L",
                "Predicted postoperative FEV1",
                "术后预计 FEV1",
            )
        )
        if any("_" in part for part in removed):
            findings.append(
                Finding(
                    "thirds_are_not_lobes",
                    "Thirds of height stand for lobes only roughly: a tomogram separates them.",
                    "三等分区域仅粗略代表肺叶，断层显像方可区分。",
                )
            )
    front = perfusion[0].frames[0]
    return Outcome(
        study="lungvq",
        measures=tuple(measures),
        method=VQ_METHOD,
        decay="cancels: all counts of one study are of the same time",
        version=VQ_VERSION,
        source=SOURCE,
        inputs={"fev1_l": fev1_l, "removed": list(removed)},
        findings=tuple(findings),
        panels=(ImagePanel("Perfusion, front", "灌注前位", front, regions, "anterior"),),
    )


def analyse_lung_shunt(anterior: Acquired, posterior: Acquired, regions: RegionSet) -> Outcome:
    """Share of MAA that passed the liver into the lungs, in percent. Raises `Refused`."""
    means, variances = {}, {}
    for role in ("left_lung", "right_lung", "liver"):
        found = both_views_of(_first(anterior), _first(posterior), regions, role, half_life_s=None)
        means[role] = float(found.mean[0])
        variances[role] = float(found.relative_variance[0] * found.mean[0] ** 2)
    lungs, liver = means["left_lung"] + means["right_lung"], means["liver"]
    if lungs + liver <= 0 or liver <= 0:
        raise CurveRefused(
            "no_liver",
            "The liver has no counts above background in both views: check the regions.",
            "肝脏前后位净计数不大于零，请检查感兴趣区。",
        )
    lung_variance = variances["left_lung"] + variances["right_lung"]
    deviation = math.sqrt(liver**2 * lung_variance + lungs**2 * variances["liver"])
    return Outcome(
        study="lungshunt",
        measures=(
            _percent(
                "shunt",
                lungs / (lungs + liver),
                "Lung shunt fraction",
                "肝肺分流率",
                deviation / (lungs + liver) ** 2,
            ),
        ),
        method=SHUNT_METHOD,
        decay="cancels: all counts are of the same time",
        version=SHUNT_VERSION,
        source=SHUNT_SOURCE,
        panels=(ImagePanel("Front", "前位", anterior.frames[0], regions, "anterior"),),
    )


def _percent(
    name: str, share: float, english: str, chinese: str, deviation: float | None = None
) -> Measure:
    return Measure(
        f"{name}_percent",
        100.0 * share,
        "%",
        english,
        chinese,
        None,
        None if deviation is None else 100.0 * deviation,
    )


def _first(taken: Acquired) -> Acquired:
    return Acquired(taken.frames[:1], taken.start_s[:1], taken.duration_s[:1], taken.view)


def _thirds(regions: RegionSet) -> list[Region]:
    made = []
    for side, _ in _LUNGS:
        lung = regions.mask(f"{side}_lung")
        rows = np.flatnonzero(lung.any(axis=1))
        top, height = int(rows[0]), int(rows[-1] - rows[0] + 1)
        if height < 3:
            raise CurveRefused(
                "lung_too_small",
                "A lung region is less than three pixels high: draw it larger.",
                "肺感兴趣区高度不足三个像素，请重新勾画。",
            )
        edges = [top + round(height * n / 3) for n in range(4)]
        for (part, _), first, last in zip(_PARTS, edges, edges[1:], strict=False):
            inside: Bools = np.zeros_like(lung)
            inside[first:last] = lung[first:last]
            made.append(Region(f"{side} {part}", f"{side}_{part}", Mask.of(inside)))
    return made


def _removed(flow: Fractions, removed: Sequence[str]) -> float:
    for part in removed:
        if part not in ("left", "right") and part not in flow.share:
            raise Refused(
                "unknown_part",
                f"“{part}” is no part of the lungs: left, right, left_upper, right_middle, …",
                f"“{part}”不是肺的分区：可用 left、right、left_upper、right_middle 等。",
            )
    names = {name for name in flow.share for part in removed if name.startswith(part)}
    return sum(flow.share[name] for name in names)
