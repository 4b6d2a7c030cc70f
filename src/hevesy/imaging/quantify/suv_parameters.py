"""What a PET header, or a person correcting it, states about patient, injection and nuclide.

Every value that is used is noted (`SuvInputs`), every doubt is a warning, and what is needed but
missing is refused by name. The half-life of the header counts, not that of our table: the scanner
corrected the decay with it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

from hevesy.imaging.nuclides import UnknownNuclide, nuclide
from hevesy.imaging.quantify.clock import Moment, parse_date_time, parse_datetime, parse_offset
from hevesy.imaging.quantify.suv_texts import SuvWarning, refused, warning

# Below this a dose in (0018,1074) cannot be becquerel: 0.1 MBq gives no image.
_LEAST_BQ: Final = 1.0e5
# Above this a height in (0010,1020) cannot be metres.
_TALLEST_M: Final = 3.0
_A_DAY_S: Final = 86400.0
_EDITABLE: Final = ("weight_kg", "height_m", "sex", "dose_bq", "injected_at")


@dataclass(frozen=True, slots=True)
class SuvInputs:
    """What the factor was computed from, for display, report and provenance. None: not used.

    injection: which administration of the header was chosen, from 1. edits: the corrections, if
    any was made; `overrides` tells them beside what the header says.
    """

    weight_kg: float | None = None
    height_m: float | None = None
    sex: str = ""
    dose_bq: float | None = None
    half_life_s: float | None = None
    injected_at: str | None = None
    reference_at: str | None = None
    decay_s: float | None = None
    tracer: str = ""
    edited: tuple[str, ...] = ()
    header_values: Mapping[str, Any] = field(default_factory=dict)
    injection: int | None = None
    edits: SuvEdits | None = None

    def overrides(self) -> dict[str, Any] | None:
        """What a person corrected and who; None where the header was believed in everything."""
        if self.edits is None or not self.edited:
            return None
        told = self.edits
        return {
            "edition": told.edition,
            "author": told.author,
            "made_at": None if told.made_at is None else told.made_at.isoformat(),
            "values": {
                name: {"used": _plain(getattr(told, name)), "header": self.header_values.get(name)}
                for name in self.edited
            },
        }


@dataclass(frozen=True, slots=True)
class SuvEdits:
    """One edition of corrected parameters that replace those of the header, each optional.

    dose_bq: net activity at the time of injection. injected_at with a time zone needs clock_zone,
    the zone the scanner's clock shows, because most headers state no offset from UTC; injected_at
    without a time zone is the scanner's own clock. author, made_at: who corrected and when, as far
    as the caller knows. edition: number of this set of corrections of the series, from 1; it goes
    up with every change, so that a result names what it was made with.
    """

    weight_kg: float | None = None
    height_m: float | None = None
    sex: str | None = None
    dose_bq: float | None = None
    injected_at: datetime | None = None
    clock_zone: tzinfo | None = None
    author: str = ""
    made_at: datetime | None = None
    edition: int = 1

    def __post_init__(self) -> None:
        if self.injected_at is not None and (
            (self.injected_at.utcoffset() is None) != (self.clock_zone is None)
        ):
            raise ValueError("an edited injection time needs its time zone and the scanner's")
        if self.edition < 1:
            raise ValueError("editions of corrections count from 1")


class StatedParameters:
    """The parameters of one series; collects warnings and used values on the way."""

    def __init__(
        self, header: Mapping[str, Any], *, injection: int | None, edits: SuvEdits
    ) -> None:
        self.header = header
        self.edits = edits
        self.injection = injection
        self.inputs = SuvInputs()
        self._warned: dict[str, None] = {}

    def told(self) -> tuple[SuvWarning, ...]:
        """The warnings so far, each once."""
        return tuple(warning(key) for key in self._warned)

    def warn(self, key: str) -> None:
        """Add a warning by its name in `suv_texts`."""
        self._warned[key] = None

    def note(self, **values: Any) -> None:
        """Record values that were used."""
        self.inputs = replace(self.inputs, **values)

    def note_patient(self) -> None:
        """Note weight, height and sex, edited or as stated; impossible ones count as missing."""
        edits, header = self.edits, self.header
        stated = {
            "weight_kg": header.get("PatientWeight"),
            "height_m": header.get("PatientSize"),
            "sex": header.get("PatientSex", ""),
        }
        used = {
            name: value if getattr(edits, name) is None else getattr(edits, name)
            for name, value in stated.items()
        }
        weight, height = _positive(used["weight_kg"]), _positive(used["height_m"])
        if weight is not None and not 0.5 <= weight <= 350:
            self.warn("implausible_weight")
        if height is not None and height > _TALLEST_M:
            self.warn("size_in_cm")
            height /= 100.0
        edited = tuple(name for name in _EDITABLE if getattr(edits, name) is not None)
        if edited:
            self.warn("values_edited")
        self.note(
            weight_kg=weight,
            height_m=height,
            sex=str(used["sex"]),
            edited=edited,
            edits=edits if edited else None,
            header_values={name: stated[name] for name in edited if name in stated},
        )

    def weight_kg(self) -> float:
        """Body weight. Refuses `weight_missing`."""
        if self.inputs.weight_kg is None:
            raise refused("weight_missing")
        return self.inputs.weight_kg

    def drug(self) -> Mapping[str, Any]:
        """The administration that applies. Refuses `several_injections` unless one is chosen."""
        drugs: list[Mapping[str, Any]] = self.header.get("radiopharmaceuticals") or []
        if self.injection is not None and 0 <= self.injection < len(drugs):
            self.note(injection=self.injection + 1)
            return drugs[self.injection]
        if len(drugs) > 1:
            raise refused("several_injections")
        return drugs[0] if drugs else {}

    def dose_bq(self, drug: Mapping[str, Any]) -> float:
        """Net administered activity at the time of injection. Refuses `dose_missing`."""
        stated = drug.get("RadionuclideTotalDose")
        dose = _positive(stated)
        if self.edits.dose_bq is not None:
            self._note_header_value("dose_bq", stated)
            dose = _positive(self.edits.dose_bq)
        elif dose is not None and dose < _LEAST_BQ:
            self.warn("dose_in_mbq")
            dose *= 1.0e6
        if dose is None:
            raise refused("dose_missing")
        if not 1e6 <= dose <= 1e11:
            self.warn("implausible_dose")
        self.note(dose_bq=dose)
        return dose

    def half_life_s(self, drug: Mapping[str, Any]) -> float:
        """Half-life of the header, else of the table with a warning. Refuses `half_life_missing`."""
        half_life = _positive(drug.get("RadionuclideHalfLife"))
        if half_life is None:
            half_life = self._table_half_life(drug)
            self.warn("half_life_from_table")
        self.note(half_life_s=half_life)
        return half_life

    def _table_half_life(self, drug: Mapping[str, Any]) -> float:
        for name in (drug.get("RadionuclideCodeValue"), drug.get("RadionuclideCodeMeaning")):
            try:
                return nuclide(str(name or "")).half_life_s
            except UnknownNuclide:
                continue
        raise refused("half_life_missing")

    def injected_at(
        self, drug: Mapping[str, Any], reference: Moment, *, half_life_s: float
    ) -> Moment:
        """Injection as a moment on the clock of the scanner.

        Refuses `injection_time_missing`, and `injection_date_missing` where only a time of day is
        known and the nuclide lives long enough to be imaged on another day.
        """
        offset = parse_offset(self.header.get("TimezoneOffsetFromUTC"))
        if self.edits.injected_at is not None:
            self._note_header_value(
                "injected_at",
                drug.get("RadiopharmaceuticalStartDateTime")
                or drug.get("RadiopharmaceuticalStartTime"),
            )
            return self._edited_injection(self.edits.injected_at, offset)
        day = reference.wall.strftime("%Y%m%d")
        by_clock = parse_date_time(day, drug.get("RadiopharmaceuticalStartTime"), offset)
        full = parse_datetime(drug.get("RadiopharmaceuticalStartDateTime"), offset)
        if full is not None and not _believable(reference.seconds_after(full), half_life_s):
            self.warn("injection_date_shifted")
            by_clock = by_clock or parse_date_time(day, full.wall.strftime("%H%M%S.%f"), offset)
            full = None
        if full is not None:
            if by_clock is not None and abs(_clock_difference_s(full, by_clock)) > 60:
                self.warn("injection_times_differ")
            return full
        if by_clock is None:
            raise refused("injection_time_missing")
        if half_life_s > _A_DAY_S:
            raise refused("injection_date_missing")
        if reference.seconds_after(by_clock) < 0:
            self.warn("injection_day_before")
            by_clock = by_clock.shifted(-_A_DAY_S)
        return by_clock

    def _edited_injection(self, moment: datetime, offset: timedelta | None) -> Moment:
        if self.edits.clock_zone is None:
            return Moment(moment.replace(tzinfo=UTC), offset)
        local = moment.astimezone(self.edits.clock_zone)
        return Moment(local.replace(tzinfo=UTC), local.utcoffset())

    def _note_header_value(self, name: str, value: Any) -> None:
        self.note(header_values={**self.inputs.header_values, name: value})


def _believable(elapsed_s: float, half_life_s: float) -> bool:
    """Whether a stated injection date can be true: within a day, or earlier with activity left.

    De-identification shifts dates; beyond ten half-lives nothing could have been imaged.
    """
    return abs(elapsed_s) <= _A_DAY_S or 0 <= elapsed_s <= 10 * half_life_s


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _positive(value: Any) -> float | None:
    """The number if it is finite and above zero, else None."""
    if value is None or not (math.isfinite(value) and value > 0):
        return None
    return float(value)


def _clock_difference_s(one: Moment, other: Moment) -> float:
    """Difference of the times of day, within half a day either way."""
    seconds = (one.wall - other.wall) % timedelta(days=1)
    return min(seconds.total_seconds(), 86400 - seconds.total_seconds())
