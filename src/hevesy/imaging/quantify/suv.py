"""Standardised uptake value: the factor from stored units to SUV by body weight.

SUVbw = C [Bq/mL] * W [g] / D(t_ref), with D the administered activity decayed to the time t_ref
to which the voxel values are decay corrected. What scanners write differs by maker; the paths
follow the QIBA FDG-PET/CT profile (2018) and are proven on the OncoRay/IBSI reference objects
(one per path) and on real vendor headers. What cannot be known is refused by name, never guessed;
what is doubtful is a warning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final, TypeAlias

import numpy as np
from pydicom.dataset import Dataset

from hevesy.imaging.dicomio.headers import quantification_header
from hevesy.imaging.geometry import Volume
from hevesy.imaging.nuclides import UnknownNuclide, nuclide
from hevesy.imaging.quantify.clock import Moment, parse_date_time, parse_datetime, parse_offset
from hevesy.imaging.quantify.normalise import ratio_to_body_weight
from hevesy.imaging.quantify.reference_time import reference_times
from hevesy.imaging.quantify.suv_texts import SuvRefused, SuvWarning, warning

VERSION: Final = "hevesy-suv/1"

# Below this a dose in (0018,1074) cannot be becquerel: 0.1 MBq gives no image.
_LEAST_BQ: Final = 1.0e5
_GML_TYPES: Final = {"BW", "LBM", "LBMJAMES128", "LBMJANMA", "IBW"}
# Must be one value within a series, else no factor holds for all of it.
_SERIES_WIDE: Final = (
    "SeriesInstanceUID",
    "Units",
    "SUVType",
    "DecayCorrection",
    "PatientWeight",
    "PatientSize",
    "radiopharmaceuticals",
    "PhilipsActivityConcentrationScaleFactor",
)


@dataclass(frozen=True, slots=True)
class SuvInputs:
    """What the factor was computed from, for display, report and provenance. None: not used."""

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


@dataclass(frozen=True, slots=True)
class SuvEdits:
    """Corrected parameters that replace those of the header, each optional.

    injected_at must carry a time zone. clock_zone is the zone the scanner's clock shows, needed
    with injected_at because most headers state no offset from UTC.
    """

    weight_kg: float | None = None
    height_m: float | None = None
    sex: str | None = None
    dose_bq: float | None = None
    injected_at: datetime | None = None
    clock_zone: tzinfo | None = None

    def __post_init__(self) -> None:
        if self.injected_at is not None and (
            self.injected_at.utcoffset() is None or self.clock_zone is None
        ):
            raise ValueError("an edited injection time needs its time zone and the scanner's")


@dataclass(frozen=True, slots=True)
class SuvFactor:
    """Factor from stored units to SUVbw, or the reason why there is none.

    per_slice: one factor per header given (one value where they are equal). bw_factor is the
    first of them; where `varies`, use `apply_suv`, which scales each slice by its own.
    """

    per_slice: tuple[float, ...]
    units: str
    method: str
    refused: str | None = None
    refused_text_en: str = ""
    refused_text_zh: str = ""
    warnings: tuple[SuvWarning, ...] = ()
    inputs: SuvInputs = field(default_factory=SuvInputs)
    version: str = VERSION

    @property
    def bw_factor(self) -> float | None:
        """Factor of the first slice; None if refused."""
        return self.per_slice[0] if self.per_slice else None

    @property
    def varies(self) -> bool:
        """Whether slices have factors of their own (images not corrected for decay)."""
        return len(set(self.per_slice)) > 1

    def as_json(self) -> dict[str, Any]:
        """Plain mapping for transport: see docs/guides/volume-transport.md."""
        inputs = self.inputs
        return {
            "bw_factor": self.bw_factor,
            "method": self.method,
            "version": self.version,
            "refused": self.refused,
            "refused_text_en": self.refused_text_en,
            "refused_text_zh": self.refused_text_zh,
            "warnings": [one.as_json() for one in self.warnings],
            "weight_kg": inputs.weight_kg,
            "height_m": inputs.height_m,
            "sex": inputs.sex,
            "dose_bq": inputs.dose_bq,
            "half_life_s": inputs.half_life_s,
            "decay_s": inputs.decay_s,
            "injected_at": inputs.injected_at,
            "reference_at": inputs.reference_at,
            "tracer": inputs.tracer,
            "edited": list(inputs.edited),
        }


Header: TypeAlias = Mapping[str, Any] | Dataset


def suv_factor(
    headers: Header | Sequence[Header],
    *,
    injection: int | None = None,
    edits: SuvEdits | None = None,
) -> SuvFactor:
    """Factor from stored units to SUVbw for the slices of one PET series.

    headers: data sets, or flat mappings as `dicomio.quantification_header` makes them (a `Volume`
    carries them), one per slice; one alone stands for all. injection: which item of the
    radiopharmaceutical sequence applies, 0-based, if there are several. Never raises for what a
    header says: a refusal is part of the answer.
    """
    given = [headers] if isinstance(headers, (Mapping, Dataset)) else list(headers)
    flat = [quantification_header(h) if isinstance(h, Dataset) else dict(h) for h in given]
    if not flat:
        raise ValueError("at least one header is needed")
    computation = _Computation(flat, injection=injection, edits=edits or SuvEdits())
    units = str(flat[0].get("Units", ""))
    try:
        factors, method = computation.run()
    except SuvRefused as refusal:
        return SuvFactor(
            (),
            units,
            "",
            refusal.key,
            refusal.text_en,
            refusal.text_zh,
            computation.told(),
            computation.inputs,
        )
    return SuvFactor(
        tuple(factors), units, method, warnings=computation.told(), inputs=computation.inputs
    )


def apply_suv(volume: Volume, factor: SuvFactor) -> Volume:
    """The volume in SUVbw, each slice scaled by its own factor. Refused factor: `ValueError`."""
    if factor.refused or not factor.per_slice:
        raise ValueError(f"no SUV: {factor.refused}")
    scale = np.asarray(factor.per_slice, dtype=np.float64)
    if scale.size not in (1, len(volume.array)):
        raise ValueError("one factor, or one per slice, is needed")
    values = np.empty(volume.array.shape, dtype=np.float32)
    for k, plane in enumerate(volume.array):
        values[k] = plane * scale[min(k, scale.size - 1)]
    return volume.with_values(values, units="SUVbw")


class _Computation:
    """One run over the headers of a series; collects warnings and inputs on the way."""

    def __init__(
        self, headers: list[dict[str, Any]], *, injection: int | None, edits: SuvEdits
    ) -> None:
        self.headers = headers
        self.first = headers[0]
        self.edits = edits
        self.injection = injection
        self.warned: dict[str, None] = {}
        self.inputs = SuvInputs()

    def told(self) -> tuple[SuvWarning, ...]:
        return tuple(warning(key) for key in self.warned)

    def warn(self, key: str) -> None:
        self.warned[key] = None

    def note(self, **values: Any) -> None:
        self.inputs = replace(self.inputs, **values)

    def run(self) -> tuple[list[float], str]:
        first = self.first
        if str(first.get("Modality", "PT")) != "PT":
            raise SuvRefused("not_pet")
        self._check_agreement()
        self._note_patient()
        drugs = first.get("radiopharmaceuticals") or []
        self.note(tracer=str(drugs[0].get("Radiopharmaceutical", "")) if drugs else "")
        units = str(first.get("Units", "")).upper()
        if units == "BQML":
            return self._from_concentration([1.0] * len(self.headers), "BQML")
        if units == "GML":
            return self._from_suv(str(first.get("SUVType", "BW")).upper(), _GML_TYPES)
        if units == "CM2ML":
            return self._from_suv(str(first.get("SUVType", "BSA")).upper(), {"BSA"})
        if units == "CNTS":
            return self._from_counts()
        raise SuvRefused("units_unsupported")

    def _check_agreement(self) -> None:
        for header in self.headers[1:]:
            for keyword in _SERIES_WIDE:
                if header.get(keyword) != self.first.get(keyword):
                    raise SuvRefused("headers_disagree")

    def _note_patient(self) -> None:
        edits, first = self.edits, self.first
        weight = edits.weight_kg if edits.weight_kg is not None else first.get("PatientWeight")
        height = edits.height_m if edits.height_m is not None else first.get("PatientSize")
        if weight is not None and not weight > 0:
            weight = None
        if height is not None and not height > 0:
            height = None
        if weight is not None and not 0.5 <= weight <= 350:
            self.warn("implausible_weight")
        if height is not None and height > 3:
            self.warn("size_in_cm")
            height /= 100.0
        names = ("weight_kg", "height_m", "sex", "dose_bq", "injected_at")
        edited = tuple(name for name in names if getattr(edits, name) is not None)
        if edited:
            self.warn("values_edited")
        self.note(
            weight_kg=weight,
            height_m=height,
            sex=str(edits.sex if edits.sex is not None else first.get("PatientSex", "")),
            edited=edited,
        )

    def _weight_kg(self) -> float:
        if self.inputs.weight_kg is None:
            raise SuvRefused("weight_missing")
        return self.inputs.weight_kg

    def _from_suv(self, kind: str, allowed: set[str]) -> tuple[list[float], str]:
        """The image holds an SUV already; only its normaliser may differ from body weight."""
        if kind not in allowed:
            raise SuvRefused("suv_type_unknown")
        self._check_corrections(needed=False)
        if kind == "BW":
            return [1.0], "GML, SUV by body weight"
        weight = self._weight_kg()
        if self.inputs.height_m is None:
            raise SuvRefused("size_missing")
        try:
            ratio = ratio_to_body_weight(
                kind, weight_kg=weight, height_m=self.inputs.height_m, sex=self.inputs.sex
            )
        except ValueError:
            raise SuvRefused("size_missing") from None
        return [1.0 / ratio], f"{self.first.get('Units')}, SUV type {kind}"

    def _from_counts(self) -> tuple[list[float], str]:
        """Philips counts: the private SUV factor if there is one, else the activity factor."""
        suv_scale = [float(h.get("PhilipsSUVScaleFactor") or 0) for h in self.headers]
        if all(scale > 0 for scale in suv_scale):
            self._check_corrections(needed=False)
            return _collapsed(suv_scale), "CNTS, Philips SUV factor (7053,1000)"
        activity = [
            float(h.get("PhilipsActivityConcentrationScaleFactor") or 0) for h in self.headers
        ]
        if all(scale > 0 for scale in activity):
            return self._from_concentration(activity, "CNTS, Philips activity factor (7053,1009)")
        raise SuvRefused("philips_factor_missing")

    def _check_corrections(self, *, needed: bool) -> None:
        corrected = self.first.get("CorrectedImage")
        if not corrected and not needed:
            self.warn("corrections_not_stated")
            return
        if not corrected or "ATTN" not in corrected:
            raise SuvRefused("attenuation_not_corrected")
        if needed and self.first.get("DecayCorrection") != "NONE" and "DECY" not in corrected:
            raise SuvRefused("decay_not_corrected")

    def _from_concentration(self, bq_per_ml: list[float], what: str) -> tuple[list[float], str]:
        self._check_corrections(needed=True)
        weight_g = 1000.0 * self._weight_kg()
        drug = self._drug()
        dose_bq = self._dose_bq(drug)
        half_life_s = self._half_life_s(drug)
        correction = str(self.first.get("DecayCorrection", "")).upper()
        if correction == "ADMIN":
            self.note(decay_s=0.0)
            return (
                _collapsed([scale * weight_g / dose_bq for scale in bq_per_ml]),
                f"{what}, decay ADMIN",
            )
        if correction not in ("START", "NONE"):
            raise SuvRefused("decay_correction_unknown")
        references = reference_times(
            self.headers, correction=correction, half_life_s=half_life_s, warn=self.warn
        )
        injected = self._injected_at(drug, references.moments[0])
        elapsed = [moment.seconds_after(injected) for moment in references.moments]
        if min(elapsed) < 0:
            raise SuvRefused("injected_after_scan")
        if max(elapsed) > 6 * half_life_s:
            self.warn("long_delay")
        self.note(
            injected_at=injected.isoformat(),
            reference_at=references.moments[0].isoformat(),
            decay_s=elapsed[0],
        )
        if len(elapsed) == 1:
            elapsed *= len(bq_per_ml)
        factors = [
            scale * weight_g / (dose_bq * 2.0 ** (-seconds / half_life_s))
            for scale, seconds in zip(bq_per_ml, elapsed, strict=True)
        ]
        return _collapsed(factors), f"{what}, decay {correction}, {references.method}"

    def _drug(self) -> Mapping[str, Any]:
        drugs: list[Mapping[str, Any]] = self.first.get("radiopharmaceuticals") or []
        if self.injection is not None and 0 <= self.injection < len(drugs):
            return drugs[self.injection]
        if len(drugs) > 1:
            raise SuvRefused("several_injections")
        return drugs[0] if drugs else {}

    def _dose_bq(self, drug: Mapping[str, Any]) -> float:
        dose = self.edits.dose_bq
        if dose is None:
            dose = drug.get("RadionuclideTotalDose")
            if dose is not None and 0 < dose < _LEAST_BQ:
                self.warn("dose_in_mbq")
                dose *= 1.0e6
        if dose is None or not dose > 0:
            raise SuvRefused("dose_missing")
        if not 1e6 <= dose <= 1e11:
            self.warn("implausible_dose")
        self.note(dose_bq=float(dose))
        return float(dose)

    def _half_life_s(self, drug: Mapping[str, Any]) -> float:
        half_life = drug.get("RadionuclideHalfLife")
        if half_life is None or not half_life > 0:
            half_life = self._table_half_life(drug)
            self.warn("half_life_from_table")
        self.note(half_life_s=float(half_life))
        return float(half_life)

    def _table_half_life(self, drug: Mapping[str, Any]) -> float:
        for name in (drug.get("RadionuclideCodeValue"), drug.get("RadionuclideCodeMeaning")):
            try:
                return nuclide(str(name or "")).half_life_s
            except UnknownNuclide:
                continue
        raise SuvRefused("half_life_missing")

    def _injected_at(self, drug: Mapping[str, Any], reference: Moment) -> Moment:
        """Injection as a moment on the clock of the scanner, near the reference time."""
        if self.edits.injected_at is not None:
            local = self.edits.injected_at.astimezone(self.edits.clock_zone)
            return Moment(local.replace(tzinfo=reference.wall.tzinfo), local.utcoffset())
        offset = parse_offset(self.first.get("TimezoneOffsetFromUTC"))
        day = reference.wall.strftime("%Y%m%d")
        by_clock = parse_date_time(day, drug.get("RadiopharmaceuticalStartTime"), offset)
        full = parse_datetime(drug.get("RadiopharmaceuticalStartDateTime"), offset)
        if full is not None and abs(reference.seconds_after(full)) > 86400:
            self.warn("injection_date_shifted")
            by_clock = by_clock or parse_date_time(day, full.wall.strftime("%H%M%S.%f"), offset)
            full = None
        if full is not None:
            if by_clock is not None and abs(_clock_difference_s(full, by_clock)) > 60:
                self.warn("injection_times_differ")
            return full
        if by_clock is None:
            raise SuvRefused("injection_time_missing")
        if reference.seconds_after(by_clock) < 0:
            self.warn("injection_day_before")
            by_clock = by_clock.shifted(-86400)
        return by_clock


def _clock_difference_s(one: Moment, other: Moment) -> float:
    """Difference of the times of day, within half a day either way."""
    seconds = (one.wall - other.wall) % timedelta(days=1)
    return min(seconds.total_seconds(), 86400 - seconds.total_seconds())


def _collapsed(factors: list[float]) -> list[float]:
    return factors[:1] if len(set(factors)) == 1 else factors
