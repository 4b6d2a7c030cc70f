"""Bone mineral density: T and Z against editable references, WHO classes."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from hevesy.imaging.analyse.outcome import CurvePanel, Line, Measure, Outcome, bad_table
from hevesy.imaging.geometry.volume import Finding
from hevesy.imaging.refusal import Refused

TABLE: Final = Path(__file__).parent / "tables" / "bmd.toml"
VERSION: Final = "hevesy-bmd/1"
METHOD: Final = (
    "T = (BMD - young mean)/young SD; Z = (BMD - mean at that age)/SD at that age, straight between"
    " rows. WHO: T >= -1.0 normal, above -2.5 low bone mass, else osteoporosis; for women after the"
    " menopause and men from 50. Others: Z <= -2.0 is below the range expected for the age."
)
_WORDS: Final = {
    "normal": "骨量正常",
    "low_bone_mass": "骨量减少",
    "osteoporosis": "骨质疏松",
    "severe_osteoporosis": "严重骨质疏松",
    "within_expected_range": "在同龄预期范围内",
    "below_expected_range": "低于同龄预期范围",
}


@dataclass(frozen=True, slots=True)
class BmdReference:
    """One population measured on one make of device; ages rows are (age, mean, sd), rising."""

    key: str
    site: str
    sex: str
    origin: str
    device: str
    young_mean: float
    young_sd: float
    ages: tuple[tuple[float, float, float], ...]
    source: str
    checked: bool

    def t_score(self, bmd_g_per_cm2: float) -> float:
        """Distance from the young mean in young SDs."""
        return (bmd_g_per_cm2 - self.young_mean) / self.young_sd

    def z_score(self, bmd_g_per_cm2: float, age_years: float) -> float | None:
        """Distance from the mean of that age; None outside the ages of the table."""
        if not self.ages or not self.ages[0][0] <= age_years <= self.ages[-1][0]:
            return None
        age, mean, sd = np.array(self.ages).T
        expected = float(np.interp(age_years, age, mean))
        return (bmd_g_per_cm2 - expected) / float(np.interp(age_years, age, sd))


def read_references(path: Path = TABLE) -> Mapping[str, BmdReference]:
    """The table by key. Raises `Refused` (`bad_table`) for a row that is not complete."""
    found = {}
    for row in tomllib.loads(path.read_text("utf-8")).get("reference", ()):
        try:
            ages = tuple((float(a), float(m), float(s)) for a, m, s in row.get("ages", ()))
            one = BmdReference(
                str(row["key"]),
                str(row["site"]),
                str(row["sex"]),
                str(row["origin"]),
                str(row["device"]),
                float(row["young"]["mean"]),
                float(row["young"]["sd"]),
                ages,
                str(row["source"]),
                bool(row["checked"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise bad_table(f"{row.get('key', '?')}: {error}") from None
        rising = all(a[0] < b[0] for a, b in pairwise(ages))
        if one.young_sd <= 0 or any(s <= 0 for _, _, s in ages) or not rising or not one.source:
            raise bad_table(f"{one.key}: SD above zero, rising ages and a source are needed")
        found[one.key] = one
    return found


def who_class(t_score: float, *, fragility_fracture: bool = False) -> str:
    """normal, low_bone_mass, osteoporosis or severe_osteoporosis (WHO 1994).

    T is judged as reports print it, to one decimal, so that class and number never disagree.
    """
    shown = round(t_score, 1)
    if shown >= -1.0:
        return "normal"
    if shown > -2.5:
        return "low_bone_mass"
    return "severe_osteoporosis" if fragility_fracture else "osteoporosis"


def analyse_bmd(
    bmd_g_per_cm2: float,
    *,
    reference: str,
    sex: str,
    age_years: float,
    postmenopausal: bool | None = None,
    fragility_fracture: bool = False,
    table: Path = TABLE,
) -> Outcome:
    """T, Z and class of one site of the skeleton.

    reference: key of the table. postmenopausal: of a woman; unknown counts from 50 years on. Raises
    `Refused`: `bad_bmd`, `bad_table`, `other_sex`.
    """
    references = read_references(table)
    if reference not in references:
        raise bad_table(f"no reference “{reference}”; there are {', '.join(references)}")
    one = references[reference]
    if not 0.1 <= bmd_g_per_cm2 <= 3.0 or not 0 < age_years < 130:
        raise Refused(
            "bad_bmd",
            "BMD must be given in g/cm2 (0.1 to 3) and the age in years: check them.",
            "骨密度须以 g/cm2 为单位（0.1至3），年龄以岁为单位，请核对。",
        )
    if one.sex not in ("", sex.upper()):
        raise Refused(
            "other_sex",
            f"The reference is for sex {one.sex}: choose one that fits the patient.",
            f"该参考人群的性别为 {one.sex}，请选择与患者相符的参考值。",
        )
    t_score, z_score = one.t_score(bmd_g_per_cm2), one.z_score(bmd_g_per_cm2, age_years)
    by_t = age_years >= 50 if sex.upper() != "F" or postmenopausal is None else postmenopausal
    if by_t:
        kind: str | None = who_class(t_score, fragility_fracture=fragility_fracture)
    elif z_score is None:
        kind = None
    else:
        below = round(z_score, 1) <= -2.0
        kind = "below_expected_range" if below else "within_expected_range"
    return Outcome(
        study="bmd",
        measures=(
            Measure("bmd_g_per_cm2", bmd_g_per_cm2, "g/cm2", "BMD", "骨密度"),
            Measure("t_score", t_score if by_t else None, "SD", "T-score", "T 值"),
            Measure("z_score", z_score, "SD", "Z-score", "Z 值"),
        ),
        method=METHOD,
        decay="none",
        version=VERSION,
        source=one.source,
        inputs={
            "reference": one.key,
            "site": one.site,
            "origin": one.origin,
            "device": one.device,
            "reference_checked": one.checked,
            "sex": sex.upper(),
            "age_years": age_years,
            "judged_by": "T" if by_t else "Z",
            "class": kind,
            "class_zh": _WORDS.get(kind or ""),
        },
        findings=tuple(_doubts(one, by_t, z_score)),
        panels=(_chart(one, age_years, bmd_g_per_cm2),),
    )


def _doubts(one: BmdReference, by_t: bool, z_score: float | None) -> list[Finding]:
    found = []
    if not one.checked:
        found.append(
            Finding(
                "table_not_checked",
                "The reference has not been compared with its source.",
                "该参考值尚未与原始文献核对。",
            )
        )
    if z_score is None:
        text = "There is no Z: the table has no row for this age."
        if not by_t:
            text += (
                " T does not apply before the menopause or below 50 years, so no class is given."
            )
        found.append(Finding("no_z", text, "参考表中没有该年龄的数据，无法给出 Z 值。"))
    return found


def _chart(one: BmdReference, age_years: float, bmd: float) -> CurvePanel:
    ages = np.array([row[0] for row in one.ages] or [20.0, 90.0])
    lines = [
        Line(
            ages, np.full_like(ages, one.young_mean + t * one.young_sd), f"T = {t:g}", f"T = {t:g}"
        )
        for t in (0.0, -1.0, -2.5)
    ]
    if one.ages:
        lines.append(Line(ages, np.array([row[1] for row in one.ages]), "age mean", "同龄均值"))
    lines.append(Line(np.array([age_years]), np.array([bmd]), "patient", "患者", True))
    return CurvePanel(f"BMD, {one.site}", "骨密度", "years", "g/cm2", tuple(lines))
