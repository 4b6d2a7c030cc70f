"""PERCIST and Deauville from answers of `hevesy image measure` and `hevesy image lesions`.

The regions are those of a person: rows are named by their number. Nothing is measured again here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from hevesy.imaging.analyse.outcome import CurvePanel, Line, Measure, Outcome
from hevesy.imaging.quantify import response
from hevesy.imaging.refusal import Refused

VERSION: Final = "hevesy-readings/1"
_DECAY: Final = "as in the measured images: SUV at injection"


@dataclass(frozen=True, slots=True)
class Row:
    """One measured row; std is that of the population; tlg in SUV * mL."""

    number: int
    max: float
    peak: float
    mean: float
    std: float
    tlg: float


@dataclass(frozen=True, slots=True)
class Reading:
    """The rows of one answer, in `units`; liver and blood pool where the answer has them itself.

    suggested: rows that count if nobody names others. uptake_min, dose_mbq: of the examination.
    """

    units: str
    rows: tuple[Row, ...]
    suggested: tuple[int, ...]
    liver: tuple[float, float] | None
    blood_pool: tuple[float, float] | None
    uptake_min: float | None
    dose_mbq: float | None

    def row(self, number: int) -> Row:
        """The row of that number. Refused (`no_such_row`)."""
        for one in self.rows:
            if one.number == number:
                return one
        raise Refused(
            "no_such_row",
            f"The answer has no measured row {number}; there are"
            f" {', '.join(str(one.number) for one in self.rows) or 'none'}.",
            f"结果中没有编号为 {number} 的已测区域。",
        )


def reading_of(told: Any) -> Reading:
    """What an answer of `measure` or `lesions` holds. Refused (`bad_reading`) for anything else."""
    try:
        if told["status"] != "ok" or not str(told["units"]).startswith("SUV"):
            raise ValueError("no answer in SUV")
        found = _lesions(told) if "lesions" in told else _regions(told)
        inputs = (told.get("suv") or {}).get("inputs", {})
        decay_s, dose_bq = inputs.get("decay_s"), inputs.get("dose_bq")
        return Reading(
            units=str(told["units"]),
            rows=found,
            suggested=tuple(
                one["number"] for one in told.get("lesions", ()) if one.get("included")
            ),
            liver=_reference(told.get("liver")),
            blood_pool=_reference(told.get("blood_pool")),
            # With decay ADMIN the header's reference is the injection: no uptake time is known.
            uptake_min=decay_s / 60.0 if decay_s else None,
            dose_mbq=None if dose_bq is None else dose_bq / 1e6,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refused(
            "bad_reading",
            "The file is no answer in SUV of `hevesy image measure --json` or `lesions --json`.",
            "该文件不是 `hevesy image measure --json` 或 `lesions --json` 的 SUV 结果。",
            repr(error),
        ) from None


def _lesions(told: Any) -> tuple[Row, ...]:
    keys = ("suv_max", "suv_peak", "suv_mean", "suv_std", "tlg_ml")
    return tuple(
        Row(int(one["number"]), *(float(one[key]) for key in keys)) for one in told["lesions"]
    )


def _regions(told: Any) -> tuple[Row, ...]:
    tlg = f"TLG_{told['units']}_ml"
    return tuple(
        Row(
            int(one["number"]),
            float(one["statistics"]["max"]),
            float(one["peak"]["value"]),
            float(one["statistics"]["mean"]),
            float(one["statistics"]["std"]),
            float(one["statistics"][tlg]),
        )
        for one in told["regions"]
        if one["status"] == "ok"
    )


def _reference(told: Any) -> tuple[float, float] | None:
    return None if told is None else (float(told["mean"]), float(told["std"]))


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which rows of a reading are lesions, and which its liver and blood pool, by number.

    lesions None: the suggested rows. liver, blood_pool None: the reading's own, if it has one.
    """

    lesions: tuple[int, ...] | None = None
    liver: int | None = None
    blood_pool: int | None = None

    def scan(self, reading: Reading) -> response.PercistScan:
        """One time point of PERCIST. Refused: not_sul, no_such_row."""
        if not reading.units.startswith("SUVlbm"):
            raise Refused(
                "not_sul",
                "PERCIST is defined in SUL: measure with --type lbmjanma.",
                "PERCIST 以 SUL 定义，请用 --type lbmjanma 测量。",
                reading.units,
            )
        numbers = reading.suggested if self.lesions is None else self.lesions
        rows = [reading.row(number) for number in numbers]
        liver, blood = (
            own if number is None else (reading.row(number).mean, reading.row(number).std)
            for number, own in ((self.liver, reading.liver), (self.blood_pool, reading.blood_pool))
        )
        return response.PercistScan(
            tuple(one.peak for one in rows),
            liver=liver,
            blood_pool=blood,
            tlg_ml=float(sum(one.tlg for one in rows)),
            uptake_min=reading.uptake_min,
            dose_mbq=reading.dose_mbq,
        )


def read_percist(
    before: Reading, after: Reading, *, chosen: tuple[Chosen, Chosen], new_lesion: bool
) -> Outcome:
    """Response of the hottest lesion between two scans. Raises `Refused`."""
    first, last = chosen[0].scan(before), chosen[1].scan(after)
    if before.units != after.units:
        raise Refused(
            "kinds_differ",
            "The two scans were measured in different SUL: use one formula for both.",
            "两次扫描使用了不同的 SUL 公式，请统一。",
            f"{before.units}, {after.units}",
        )
    verdict = response.percist(first, last, new_lesion=new_lesion)
    told = verdict.values
    peaks = np.array([told["sulpeak_before"], told["sulpeak_after"]], dtype=np.float64)
    times = np.array([1.0, 2.0])
    level = np.full(2, told["threshold_sul"])
    return Outcome(
        study="percist",
        measures=(
            Measure("threshold_sul", told["threshold_sul"], "g/mL", "Threshold", "可测量阈值"),
            Measure("sulpeak_before", told["sulpeak_before"], "g/mL", "SULpeak 1", "SULpeak 1"),
            Measure("sulpeak_after", told["sulpeak_after"], "g/mL", "SULpeak 2", "SULpeak 2"),
            Measure("sulpeak_change_percent", told["change_percent"], "%", "Change", "变化率"),
            Measure("tlg_change_percent", told["tlg_change_percent"], "%", "TLG", "TLG 变化率"),
        ),
        method="PERCIST 1.0 of the hottest lesion of each scan; the physician decides.",
        decay=_DECAY,
        version=VERSION,
        source=verdict.source,
        inputs={"new_lesion": new_lesion, "units": before.units},
        panels=(
            CurvePanel(
                "SULpeak",
                "SULpeak",
                "scan",
                "SUL",
                (
                    Line(times, peaks, "hottest lesion", "最热病灶"),
                    Line(times, level, "threshold at baseline", "基线阈值"),
                ),
            ),
        ),
        verdicts=(verdict.as_json(),),
    )


def read_deauville(
    reading: Reading,
    *,
    lesions: Sequence[int],
    mediastinum: int,
    liver: int,
    new_lesion: bool,
) -> Outcome:
    """Deauville by SUVmax and qPET of the hottest of the lesions; none where `lesions` is empty."""
    rows = [reading.row(number) for number in lesions]
    hottest = max(rows, key=lambda one: one.max, default=None)
    pool, organ = reading.row(mediastinum), reading.row(liver)
    verdicts = [
        response.deauville(
            None if hottest is None else hottest.max,
            mediastinum_max=pool.max,
            liver_max=organ.max,
            new_lesion=new_lesion,
        )
    ]
    ratio = None
    if rows:
        verdicts.append(response.qpet(max(one.peak for one in rows), liver_mean=organ.mean))
        ratio = verdicts[-1].values["qpet"]
    score = float(verdicts[0].value)
    tops = (("mediastinum", "纵隔", pool), ("liver", "肝脏", organ), ("lesion", "病灶", hottest))
    return Outcome(
        study="deauville",
        measures=(
            Measure("deauville_score", score, "1", "Deauville by SUVmax", "Deauville（SUVmax）"),
            Measure("qpet", ratio, "1", "qPET, SUVpeak / liver mean", "qPET，SUVpeak/肝均值"),
        ),
        method="Numbers beside a visual scale: the score is the physician's.",
        decay=_DECAY,
        version=VERSION,
        source="; ".join(one.source for one in verdicts),
        inputs={
            "units": reading.units,
            "lesion_number": None if hottest is None else hottest.number,
            "mediastinum_number": mediastinum,
            "liver_number": liver,
            "new_lesion": new_lesion,
        },
        panels=(
            CurvePanel(
                "SUVmax",
                "SUVmax",
                "",
                reading.units,
                tuple(
                    Line(np.array([n]), np.array([row.max]), english, chinese, marks=True)
                    for n, (english, chinese, row) in enumerate(tops)
                    if row is not None
                ),
            ),
        ),
        verdicts=tuple(one.as_json() for one in verdicts),
    )
