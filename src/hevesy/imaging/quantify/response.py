"""Response to treatment and visual scales: PERCIST, Deauville with qPET, liver plausibility.

These are aids: the physician decides. All cut-offs are in response.toml with source and `checked`;
every answer names its rule, gives the numbers it was made from, and repeats both.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from hevesy.imaging.refusal import Refused

VERSION: Final = "hevesy-response/1"


def conventions(path: Path | None = None) -> dict[str, Any]:
    """The table of cut-offs: that of the library, or a department's edited copy."""
    return _own() if path is None else tomllib.loads(path.read_text("utf-8"))


@cache
def _own() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("response.toml").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer with its reasons.

    value: "CMR", "PMR", …, a score, or whether a check is passed. reasons: short sentences
    (English, Chinese) in the order in which they weighed. values: the numbers used; keys carry
    units.
    """

    rule: str
    value: str | int | bool
    reasons: tuple[tuple[str, str], ...]
    values: Mapping[str, float | None]
    source: str
    checked: bool
    version: str = VERSION

    def as_json(self) -> dict[str, Any]:
        """Plain mapping."""
        return {
            "rule": self.rule,
            "value": self.value,
            "reasons": [{"text_en": en, "text_zh": zh} for en, zh in self.reasons],
            "values": dict(self.values),
            "source": self.source,
            "checked": self.checked,
            "version": self.version,
        }


@dataclass(frozen=True, slots=True)
class PercistScan:
    """One time point, all in SUL.

    lesion_peaks: SULpeak of the measured lesions in any order, empty if none is left. liver,
    blood_pool: (mean, population SD); the blood pool stands in where the liver is diseased.
    tlg_ml: SUL * mL summed. uptake_min, dose_mbq: of the examination, if known.
    """

    lesion_peaks: tuple[float, ...]
    liver: tuple[float, float] | None = None
    blood_pool: tuple[float, float] | None = None
    tlg_ml: float | None = None
    uptake_min: float | None = None
    dose_mbq: float | None = None


def percist_threshold(scan: PercistScan, *, table: Mapping[str, Any] | None = None) -> float:
    """The least SULpeak of a measurable lesion: from the liver, or from the blood pool.

    Raises `Refused` if neither was measured.
    """
    numbers = (conventions() if table is None else table)["percist"]
    region, (mean, std) = _reference(scan)
    return float(numbers[f"{region}_factor"] * mean + numbers[f"{region}_sd_factor"] * std)


def _reference(scan: PercistScan) -> tuple[str, tuple[float, float]]:
    if scan.liver is not None:
        return "liver", scan.liver
    if scan.blood_pool is not None:
        return "blood_pool", scan.blood_pool
    raise Refused(
        "no_reference_region",
        "PERCIST compares with the liver or, where it is diseased, the blood pool; measure one.",
        "PERCIST 需以肝脏（肝脏有病变时以血池）为参照，请先测量。",
    )


def percist(
    baseline: PercistScan,
    follow_up: PercistScan,
    *,
    new_lesion: bool,
    table: Mapping[str, Any] | None = None,
) -> Verdict:
    """Class of response of the hottest lesion of each scan: CMR, PMR, SMD or PMD.

    CMR: nothing left at or above the liver mean (no lesion in `follow_up.lesion_peaks` reaches
    it) and no new lesion. Reservations about comparability are reasons, they do not change the
    class. Raises `Refused` if the baseline has no measurable lesion or no reference region.
    """
    numbers = (conventions() if table is None else table)["percist"]
    threshold = percist_threshold(baseline, table=table)
    before = max(baseline.lesion_peaks, default=0.0)
    if before < threshold or before <= 0:
        raise Refused(
            "not_measurable",
            "The baseline has no lesion at or above the PERCIST threshold; report it in words.",
            "基线扫描没有达到 PERCIST 阈值的病灶，请以文字描述。",
            f"SULpeak {before:.3f}, threshold {threshold:.3f}",
        )
    after = max(follow_up.lesion_peaks, default=0.0)
    units, percent = after - before, 100.0 * (after - before) / before
    tlg_percent = _percent(baseline.tlg_ml, follow_up.tlg_ml)
    reference_mean = _reference(follow_up)[1][0]
    cut, least = numbers["response_percent"], numbers["response_units"]
    if new_lesion:
        value, reason = "PMD", ("a new lesion", "出现新病灶")
    elif after < reference_mean:
        value, reason = "CMR", ("no uptake above the reference", "摄取不高于参照区")
    elif percent >= cut and units >= least:
        value, reason = "PMD", ("SULpeak has risen", "SULpeak 升高")
    elif tlg_percent is not None and tlg_percent >= numbers["tlg_progression_percent"]:
        value, reason = "PMD", ("TLG has risen", "TLG 升高")
    elif percent <= -cut and units <= -least:
        value, reason = "PMR", ("SULpeak has fallen", "SULpeak 下降")
    else:
        value, reason = "SMD", ("no change beyond the limits", "变化未超过界限")
    return Verdict(
        rule="PERCIST 1.0",
        value=value,
        reasons=(reason, *_not_comparable(baseline, follow_up, numbers)),
        values={
            "threshold_sul": threshold,
            "sulpeak_before": before,
            "sulpeak_after": after,
            "change_percent": percent,
            "change_sul": units,
            "tlg_change_percent": tlg_percent,
        },
        source=str(numbers["source"]),
        checked=bool(numbers["checked"]),
    )


def _percent(before: float | None, after: float | None) -> float | None:
    if before is None or after is None or before <= 0:
        return None
    return 100.0 * (after - before) / before


def _not_comparable(
    one: PercistScan, other: PercistScan, numbers: Mapping[str, Any]
) -> list[tuple[str, str]]:
    told = []
    if one.liver is not None and other.liver is not None:
        apart = abs(one.liver[0] - other.liver[0])
        if (
            apart > numbers["liver_difference_units"]
            or apart > numbers["liver_difference_percent"] / 100.0 * one.liver[0]
        ):
            told.append(
                ("the livers differ: check comparability", "两次肝脏摄取不同：请核对可比性")
            )
    if (
        one.uptake_min is not None
        and other.uptake_min is not None
        and abs(one.uptake_min - other.uptake_min) > numbers["uptake_difference_min"]
    ):
        told.append(("uptake times differ: check comparability", "摄取时间不同：请核对可比性"))
    dose = _percent(one.dose_mbq, other.dose_mbq)
    if dose is not None and abs(dose) > numbers["dose_difference_percent"]:
        told.append(("activities differ: check comparability", "注射活度不同：请核对可比性"))
    return told


def liver_check(mean_suv: float, *, table: Mapping[str, Any] | None = None) -> Verdict:
    """Whether the mean SUVbw of a 3 cm liver region of an FDG scan is plausible."""
    numbers = (conventions() if table is None else table)["liver_check"]
    passed = bool(numbers["least"] <= mean_suv <= numbers["most"])
    reason = (
        ("liver uptake is as expected", "肝脏摄取在预期范围内")
        if passed
        else (
            "liver uptake is outside the expected range: check weight, activity, times and the"
            " injection",
            "肝脏摄取超出预期范围：请核对体重、活度、时间和注射情况",
        )
    )
    return Verdict(
        rule=f"EANM liver check {numbers['least']}-{numbers['most']}",
        value=passed,
        reasons=(reason,),
        values={"mean_suv": mean_suv},
        source=str(numbers["source"]),
        checked=bool(numbers["checked"]),
    )


def deauville(
    lesion_max: float | None,
    *,
    mediastinum_max: float,
    liver_max: float,
    new_lesion: bool = False,
    table: Mapping[str, Any] | None = None,
) -> Verdict:
    """Numeric help for the Deauville score: SUVmax of the lesion, mediastinum and liver.

    lesion_max: None where there is no residual uptake. The score is visual; this one shows what
    the numbers say. Raises `Refused` unless 0 < mediastinum and 0 < liver.
    """
    numbers = (conventions() if table is None else table)["deauville"]
    if not (mediastinum_max > 0 and liver_max > 0):
        raise Refused(
            "no_reference_region",
            "The score compares with mediastinum and liver; measure both.",
            "评分需以纵隔和肝脏为参照，请先测量。",
        )
    markedly = numbers["markedly_above_liver"]
    if new_lesion:
        score, reason = 5, ("a new lesion", "出现新病灶")
    elif lesion_max is None:
        score, reason = 1, ("no uptake", "无摄取")
    elif lesion_max <= mediastinum_max:
        score, reason = 2, ("not above the mediastinum", "不高于纵隔")
    elif lesion_max <= liver_max:
        score, reason = 3, ("above the mediastinum, not above the liver", "高于纵隔，不高于肝脏")
    elif lesion_max <= markedly * liver_max:
        score, reason = 4, ("above the liver", "高于肝脏")
    else:
        score, reason = 5, (f"above {markedly:g} x liver", f"高于肝脏的 {markedly:g} 倍")
    return Verdict(
        rule="Deauville, by SUVmax",
        value=score,
        reasons=(reason,),
        values={
            "lesion_max": lesion_max,
            "mediastinum_max": mediastinum_max,
            "liver_max": liver_max,
        },
        source=str(numbers["source"]),
        checked=bool(numbers["checked"]),
    )


def qpet(
    lesion_peak: float, *, liver_mean: float, table: Mapping[str, Any] | None = None
) -> Verdict:
    """qPET = SUVpeak of the lesion / SUVmean of the liver, and the Deauville score it stands for.

    2 means 1 or 2: the ratio does not part them. Raises `Refused` unless 0 < liver mean.
    """
    numbers = (conventions() if table is None else table)["qpet"]
    if not liver_mean > 0:
        raise Refused(
            "no_reference_region",
            "qPET compares with the liver; measure its mean.",
            "qPET 以肝脏为参照，请先测量肝脏均值。",
        )
    ratio = lesion_peak / liver_mean
    score = 2 + sum(ratio >= numbers[f"from_{score}"] for score in (3, 4, 5))
    return Verdict(
        rule="qPET",
        value=score,
        reasons=((f"SUVpeak / liver mean = {ratio:.2f}", f"SUVpeak / 肝脏均值 = {ratio:.2f}"),),
        values={"qpet": ratio, "lesion_peak": lesion_peak, "liver_mean": liver_mean},
        source=str(numbers["source"]),
        checked=bool(numbers["checked"]),
    )
