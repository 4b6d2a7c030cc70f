"""The lesion table of a whole-body PET: every focus above the rule, sorted and suggested.

Clause 6.16. The claim is narrow and tested: nothing above the rule is lost. What counts is for a
reader to confirm; class and score only sort and suggest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.geometry import Finding, Volume
from hevesy.imaging.quantify.lesion import Lesion, References
from hevesy.imaging.quantify.peak import Peak, peak
from hevesy.imaging.quantify.shape import Shape, shape
from hevesy.imaging.quantify.statistics import (
    TumourBurden,
    VoiStatistics,
    is_suv,
    statistics,
    tumour_burden,
)
from hevesy.imaging.quantify.thresholds import RULES, Rule, segment
from hevesy.imaging.quantify.voi import Voi
from hevesy.imaging.refusal import Refused
from hevesy.imaging.segment.lesions.anatomy import Anatomy, anatomy
from hevesy.imaging.segment.lesions.candidates import (
    Candidate,
    above_level,
    apart,
    contrast_foci,
)
from hevesy.imaging.segment.lesions.measured import columns
from hevesy.imaging.segment.lesions.places import (
    Features,
    Row,
    class_table,
    features_of,
    place_table,
)
from hevesy.imaging.segment.lesions.references import (
    Reference,
    find_blood_pool,
    find_liver,
    liver_findings,
)
from hevesy.imaging.segment.lesions.scoring import Scoring, hand_scoring

VERSION: Final = "hevesy-lesions/2"
# Rules of one level for the whole body; the others bound each candidate of the start set anew.
_OF_ONE_LEVEL: Final = ("F2.5", "F4.0", "LIV", "LIVm", "LIV3", "MBP")
_START_SUV: Final = 4.0
_MIDLINE_MM: Final = 12.0


@dataclass(frozen=True, slots=True, eq=False)
class LesionRow:
    """One row of the table; `included` is a suggestion, by class; voi: its voxels.

    found_by: "rule"; "contrast" for a focus below the rule, "model" for a region that a model
    proposes below it: neither ever counts by itself.
    """

    number: int
    voi: Voi
    found_by: str
    class_key: str
    class_en: str
    class_zh: str
    place_key: str
    place_en: str
    place_zh: str
    included: bool
    score: float
    statistics: VoiStatistics
    peak: Peak
    shape: Shape
    hu_median: float | None
    slice_index: int
    features: Features

    def as_json(self) -> dict[str, Any]:
        """Plain mapping; uptake is in the units of the report."""
        told = self.statistics
        return {
            "number": self.number,
            "included": self.included,
            "score": self.score,
            "class": self.class_key,
            "class_en": self.class_en,
            "class_zh": self.class_zh,
            "place": self.place_key,
            "place_en": self.place_en,
            "place_zh": self.place_zh,
            "found_by": self.found_by,
            "centre_lps_mm": list(told.centroid_lps),
            "max_at_lps_mm": list(told.max_at_lps),
            "slice_index": self.slice_index,
            "suv_max": told.max,
            "suv_peak": self.peak.value,
            "suv_peak_rule": self.peak.rule,
            "suv_mean": told.mean,
            "suv_std": told.std,
            "mtv_ml": told.volume_ml,
            "tlg_ml": told.tlg,
            "tlg_name": told.tlg_name,
            "long_axis_mm": self.shape.long_axis_mm,
            "in_plane_long_mm": self.shape.in_plane_long_mm,
            "in_plane_short_mm": self.shape.in_plane_short_mm,
            "extent_left_right_mm": self.shape.extent_mm[0],
            "extent_front_back_mm": self.shape.extent_mm[1],
            "extent_head_foot_mm": self.shape.extent_mm[2],
            "hu_median": self.hu_median,
            "features": dict(self.features),
            "findings": [one.key for one in self.peak.findings],
        }


@dataclass(frozen=True, slots=True, eq=False)
class LesionReport:
    """The table: rows that are suggested first, then by score; and what it rests on.

    level: the rule's one level in `level_units`; None where each lesion has its own. Lesions are
    found in `level_units` and measured in `units`: see `measured.measured_in`.
    """

    rows: tuple[LesionRow, ...]
    units: str
    tracer: str
    rule: Rule
    level: float | None
    liver: Reference | None
    blood_pool: Reference | None
    anatomy: Anatomy
    findings: tuple[Finding, ...]
    shape: tuple[int, int, int]
    tables: tuple[tuple[str, str, bool], ...]
    level_units: str
    version: str = VERSION

    def label_volume(self) -> npt.NDArray[np.int32]:
        """[k, j, i]: 0, or the number of the row."""
        painted = np.zeros(self.shape, dtype=np.int32)
        for row in self.rows:
            painted[row.voi.box][row.voi.mask] = row.number
        return painted

    def burden(self, included: Collection[int] | None = None) -> TumourBurden:
        """Sums over the rows of these numbers, by default those suggested."""
        chosen = [
            row
            for row in self.rows
            if (row.included if included is None else row.number in included)
        ]
        return tumour_burden(
            [row.statistics for row in chosen],
            units=self.units,
            numbers=[row.number for row in chosen],
        )

    def as_json(self) -> dict[str, Any]:
        """Plain mapping of the whole report; uptake is in `units`."""
        return {
            "units": self.units,
            "tracer": self.tracer,
            "rule": self.rule.key,
            "rule_en": self.rule.text_en,
            "rule_zh": self.rule.text_zh,
            "rule_source": self.rule.source,
            "level": self.level,
            "level_units": self.level_units,
            "liver": None if self.liver is None else self.liver.as_json(),
            "blood_pool": None if self.blood_pool is None else self.blood_pool.as_json(),
            "landmarks_z_mm": {k: float(v) for k, v in self.anatomy.landmarks.items()},
            "landmarks_seen": sorted(self.anatomy.seen),
            "totals_of_included": self.burden().as_json(),
            "lesions": [row.as_json() for row in self.rows],
            "columns": columns(),
            "findings": [
                {"key": one.key, "text_en": one.text_en, "text_zh": one.text_zh}
                for one in self.findings
            ],
            "tables": [
                {"table": name, "source": source, "checked": checked}
                for name, source, checked in self.tables
            ],
            "suggestion_only": True,
            "version": self.version,
        }


def find_lesions(
    pet: Volume,
    ct: Volume | None = None,
    *,
    tracer: str = "FDG",
    rule: str = "F4.0",
    proposed: Sequence[Candidate] = (),
    scoring: Scoring | None = None,
    liver: Reference | None = None,
    blood_pool: Reference | None = None,
    fwhm_mm: float | None = None,
) -> LesionReport:
    """All foci of a whole-body PET (in SUV) with their measures, classes and places.

    ct: in HU, of the same frame of reference; without it places are estimated and classes that
    need it do not apply. rule: a key of `quantify.thresholds.RULES`; rules relative to the lesion
    bound the parts of what is SUV >= 4.0. proposed: regions of a model; one that shares no voxel
    with a region by the rule becomes a row. scoring: weights that order the rows, by default those
    set by hand. liver, blood_pool: drawn ones, in place of those found by rule. fwhm_mm: resolution
    of the images, which ITM needs. Raises `Refused`: no SUV, unknown rule or tracer, another frame
    of reference, a rule whose reference was not found, a reference in other units, weights of
    another tracer or version.
    """
    if not is_suv(pet.units):
        raise Refused(
            "not_suv",
            "Lesions are found in SUV; convert the images first.",
            "病灶检测需要 SUV 图像，请先换算。",
            pet.units,
        )
    if rule not in RULES:
        raise Refused(
            "unknown_threshold_rule",
            f"There is no threshold rule of this name; choose one of {', '.join(RULES)}.",
            f"没有该阈值规则，可选：{'、'.join(RULES)}。",
        )
    if any(one is not None and one.units != pet.units for one in (liver, blood_pool)):
        raise Refused(
            "reference_units",
            "The reference region was measured in other units than the images; measure it anew.",
            "参照区域与图像的单位不同，请重新测量。",
        )
    classes = class_table(tracer)
    scoring = scoring or hand_scoring()
    scoring.require(tracer, VERSION)
    places = anatomy(pet, ct)
    fdg = tracer == "FDG"
    liver, odd = (
        find_liver(pet, places, fdg=fdg)
        if liver is None
        else (liver, liver_findings(liver, fdg=fdg))
    )
    blood, odd_blood = (
        find_blood_pool(pet, places, below=None if liver is None else liver.mean)
        if blood_pool is None
        else (blood_pool, [])
    )
    references = References(
        liver=None if liver is None else (liver.mean, liver.std),
        blood_pool=None if blood is None else (blood.mean, blood.std),
        fwhm_mm=fwhm_mm,
    )
    findings = [*pet.findings, *places.findings, *odd, *odd_blood]
    level = _level(pet, rule, references) if rule in _OF_ONE_LEVEL else None
    start = _START_SUV if level is None else level
    found = above_level(pet, start)
    if level is None:
        found, unbounded = _bounded(pet, found, rule, references)
        findings += unbounded
    foci = contrast_foci(pet, places.pet, start)
    proposed = apart(proposed, found)
    kept = apart(foci, proposed)
    uptake = None if liver is None else liver.mean
    # By themselves, so that no row of the rule changes its class for what a model proposes.
    features = features_of(pet, [*found, *foci], places, uptake)
    features += features_of(pet, proposed, places, uptake)
    rows = [
        _row(pet, one, own, classes.first(own), places, scoring.score(own))
        for one, own in zip([*found, *foci, *proposed], features, strict=True)
        if one.found_by != "contrast" or one in kept
    ]
    names = place_table()
    shape_kji = pet.array.shape
    return LesionReport(
        rows=ordered(rows),
        units=pet.units,
        tracer=tracer,
        rule=RULES[rule],
        level=level,
        liver=liver,
        blood_pool=blood,
        anatomy=places,
        findings=tuple(findings),
        shape=(shape_kji[0], shape_kji[1], shape_kji[2]),
        tables=(
            ("classes", classes.source, classes.checked),
            ("places", names.source, names.checked),
            ("score", scoring.source, scoring.checked),
        ),
        level_units=pet.units,
    )


def _level(pet: Volume, rule: str, references: References) -> float:
    """The level of a rule that has one for the whole body, asked for the hottest voxel."""
    at = np.unravel_index(int(np.argmax(pet.array)), pet.array.shape)
    k, j, i = (int(one) for one in at)
    size = pet.array.shape
    box = (slice(k, k + 1), slice(j, j + 1), slice(i, i + 1))
    one = Voi(np.ones((1, 1, 1), dtype=np.bool_), box, (size[0], size[1], size[2]))
    level, _ = RULES[rule].find(Lesion(pet, one, None), references)
    assert level is not None
    return level


def _bounded(
    pet: Volume, found: list[Candidate], rule: str, references: References
) -> tuple[list[Candidate], list[Finding]]:
    """Each candidate by a rule of its own level; one that the rule refuses stays as it is."""
    others = np.zeros(pet.array.shape, dtype=np.bool_)
    for one in found:
        others[one.voi.box] |= one.voi.mask
    answer, refused = [], {}
    for number, one in enumerate(found):
        others[one.voi.box] &= ~one.voi.mask
        given = replace(references, others=others.copy())
        try:
            voi = segment(pet, one.voi, rule, references=given).voi
            answer.append(Candidate(voi, one.found_by, one.component_ml))
        except Refused as refusal:
            if refusal.key in ("no_liver_reference", "no_resolution", "unknown_threshold_rule"):
                raise
            refused[number] = refusal
            answer.append(one)
        others[one.voi.box] |= one.voi.mask
    findings = []
    if refused:
        reasons = sorted({refusal.key for refusal in refused.values()})
        findings.append(
            Finding(
                "rule_refused_for_some",
                f"{len(refused)} regions could not be bounded by the rule and keep SUV >= 4.0:"
                f" {', '.join(reasons)}.",
                f"{len(refused)} 个区域无法按该规则勾画，保留 SUV ≥ 4.0 的范围。",
                {"regions": len(refused), "reasons": reasons},
            )
        )
    return answer, findings


def _row(
    pet: Volume, one: Candidate, features: Features, kind: Row, places: Anatomy, rated: float
) -> LesionRow:
    place = place_table().first(features)
    text_en, text_zh = _place_text(place, features, places)
    told = statistics(pet, one.voi)
    return LesionRow(
        number=0,
        voi=one.voi,
        found_by=one.found_by,
        class_key=kind.key,
        class_en=kind.text_en,
        class_zh=kind.text_zh,
        place_key=place.key,
        place_en=text_en,
        place_zh=text_zh,
        included=kind.included and one.found_by == "rule",
        score=rated,
        statistics=told,
        peak=peak(pet, one.voi),
        shape=shape(pet, one.voi),
        hu_median=features["hu"],
        slice_index=int(np.rint(pet.index(told.max_at_lps)[2])),
        features=features,
    )


def _place_text(place: Row, features: Features, places: Anatomy) -> tuple[str, str]:
    left, z = features["left_mm"] or 0.0, features["z"] or 0.0
    side_en, side_zh = "midline", "正中"
    if abs(left) > _MIDLINE_MM:
        side_en, side_zh = ("left", "左侧") if left > 0 else ("right", "右侧")
    name_en, name_zh, above = places.nearest(z)
    far = round(abs(above))
    return (
        f"{place.text_en}, {side_en}, {far} mm {'above' if above > 0 else 'below'} the {name_en}",
        f"{place.text_zh}，{side_zh}，{name_zh}{'上方' if above > 0 else '下方'} {far} mm",
    )


def ordered(rows: Iterable[LesionRow]) -> tuple[LesionRow, ...]:
    """The rows in the order of the table, numbered from 1."""
    in_order = sorted(rows, key=lambda row: (not row.included, row.found_by != "rule", -row.score))
    return tuple(replace(row, number=number) for number, row in enumerate(in_order, start=1))
