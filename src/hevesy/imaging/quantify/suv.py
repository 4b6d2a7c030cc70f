"""Standardised uptake value: the factor from stored units to SUV.

SUVbw = C [Bq/mL] * W [g] / D(t_ref), with D the administered activity decayed to the time t_ref
to which the voxel values are decay corrected. What scanners write differs by maker; the paths
follow the QIBA FDG-PET/CT profile (2018) and are proven on the OncoRay/IBSI reference objects
(one per path) and on real vendor headers. What cannot be known is refused by name, never guessed;
what is doubtful is a warning. Clause 6.15.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

import numpy as np
from pydicom.dataset import Dataset

from hevesy.imaging.dicomio.headers import quantification_header
from hevesy.imaging.geometry import Volume
from hevesy.imaging.quantify.normalise import SOURCES, ratio_to_body_weight
from hevesy.imaging.quantify.reference_time import reference_times
from hevesy.imaging.quantify.suv_parameters import StatedParameters, SuvEdits, SuvInputs
from hevesy.imaging.quantify.suv_texts import SuvWarning, refused, warning
from hevesy.imaging.refusal import Refused

__all__ = ["KINDS", "SuvEdits", "SuvFactor", "SuvInputs", "apply_suv", "suv_factor"]

VERSION: Final = "hevesy-suv/2"
SOURCE: Final = (
    "QIBA Profile FDG-PET/CT (2018), SUV by the way each maker writes; DICOM PS3.3 C.8.9.1 (Units,"
    " SUV Type, Decay Correction)"
)

# Defined terms of SUV Type (0054,1006), and how we write the unit of each.
KINDS: Final = {
    "BW": "SUVbw",
    "LBM": "SUVlbm",
    "LBMJAMES128": "SUVlbmjames128",
    "LBMJANMA": "SUVlbmjanma",
    "BSA": "SUVbsa",
    "IBW": "SUVibw",
}
_GML_TYPES: Final = KINDS.keys() - {"BSA"}
# Above this body mass index the James formulas fall again (women: W > 1.07 H^2 / 296).
_JAMES_BMI: Final = 35.0
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
class SuvFactor:
    """Factor from stored units to SUV of one kind, or the reason why there is none.

    per_slice: one factor per header given (one value where they are equal). kind: a key of `KINDS`,
    body weight unless `as_kind` was asked for another. Where `varies`, use `apply_suv`, which
    scales each slice by its own.
    """

    per_slice: tuple[float, ...]
    units: str
    method: str
    refused: str | None = None
    refused_text_en: str = ""
    refused_text_zh: str = ""
    warnings: tuple[SuvWarning, ...] = ()
    inputs: SuvInputs = field(default_factory=SuvInputs)
    kind: str = "BW"
    version: str = VERSION

    @property
    def bw_factor(self) -> float | None:
        """Factor of the first slice to SUVbw; None if refused or of another kind."""
        return self.per_slice[0] if self.per_slice and self.kind == "BW" else None

    @property
    def suv_units(self) -> str:
        """The unit of a scaled voxel: "SUVbw" (g/mL), "SUVlbmjanma" (g/mL), "SUVbsa" (cm2/mL)."""
        return KINDS[self.kind]

    @property
    def source(self) -> str:
        """Where the computation and the formula of the normaliser stand."""
        return "; ".join(one for one in (SOURCE, SOURCES[self.kind]) if one)

    @property
    def varies(self) -> bool:
        """Whether slices have factors of their own (images not corrected for decay)."""
        return len(set(self.per_slice)) > 1

    def as_kind(self, kind: str) -> SuvFactor:
        """The factor to another SUV: lean body mass, ideal weight or body surface for weight.

        kind: a key of `KINDS`. Refuses `weight_missing` and `size_missing` as part of the answer;
        warns where the James formula fails. Raises `KeyError` for an unknown kind.
        """
        KINDS[kind]
        if self.kind != "BW":
            raise ValueError(f"a factor of kind {self.kind} cannot be turned into another")
        if self.refused or kind == "BW":
            return self
        try:
            ratio = _ratio(kind, self.inputs)
        except Refused as refusal:
            return replace(
                self,
                per_slice=(),
                kind=kind,
                refused=refusal.key,
                refused_text_en=refusal.text_en,
                refused_text_zh=refusal.text_zh,
            )
        told = self.warnings
        if _james_fails(kind, self.inputs):
            told = (*told, warning("lean_mass_of_heavy"))
        return replace(
            self, per_slice=tuple(one * ratio for one in self.per_slice), kind=kind, warnings=told
        )

    def as_json(self) -> dict[str, Any]:
        """Plain mapping for transport: see docs/guides/volume-transport.md."""
        return {
            "bw_factor": self.bw_factor,
            "method": self.method,
            "version": self.version,
            "source": self.source,
            "refused": self.refused,
            "refused_text_en": self.refused_text_en,
            "refused_text_zh": self.refused_text_zh,
            "warnings": [one.as_json() for one in self.warnings],
            **self.inputs_as_json(),
            "overrides": self.inputs.overrides(),
        }

    def provenance(self) -> dict[str, Any]:
        """How the SUV of a measured volume was made: beside the numbers of every result."""
        return {
            "type": self.kind.lower(),
            "units": self.suv_units,
            "path": self.method,
            "factor_min": min(self.per_slice, default=None),
            "factor_max": max(self.per_slice, default=None),
            "inputs": self.inputs_as_json(),
            "overrides": self.inputs.overrides(),
            "version": self.version,
            "source": self.source,
        }

    def inputs_as_json(self) -> dict[str, Any]:
        """What the factor was computed from, units in the keys."""
        inputs = self.inputs
        return {
            "weight_kg": inputs.weight_kg,
            "height_m": inputs.height_m,
            "sex": inputs.sex,
            "dose_bq": inputs.dose_bq,
            "half_life_s": inputs.half_life_s,
            "decay_s": inputs.decay_s,
            "injected_at": inputs.injected_at,
            "reference_at": inputs.reference_at,
            "tracer": inputs.tracer,
            "injection": inputs.injection,
            "edited": list(inputs.edited),
            "header_values": dict(inputs.header_values),
        }

    def sentences(self) -> tuple[str, ...]:
        """The same in English for a report: one for the SUV, one for each corrected value."""
        told = [f"{self.suv_units}: {self.method}; {self.version}; {self.source}"]
        overrides = self.inputs.overrides()
        if overrides is not None:
            by = overrides["author"] or "an author who is not stated"
            at = f" at {overrides['made_at']}" if overrides["made_at"] else ""
            told += [
                f"{name} {one['used']} instead of {one['header']} of the header;"
                f" edition {overrides['edition']} of the corrections, by {by}{at}"
                for name, one in overrides["values"].items()
            ]
        return tuple(told)


def _ratio(kind: str, inputs: SuvInputs) -> float:
    if inputs.weight_kg is None:
        raise refused("weight_missing")
    if inputs.height_m is None:
        raise refused("size_missing")
    try:
        return ratio_to_body_weight(
            kind, weight_kg=inputs.weight_kg, height_m=inputs.height_m, sex=inputs.sex
        )
    except ValueError:
        raise refused("size_missing") from None


def _james_fails(kind: str, inputs: SuvInputs) -> bool:
    if inputs.weight_kg is None or inputs.height_m is None:
        return False
    return kind in ("LBM", "LBMJAMES128") and inputs.weight_kg > _JAMES_BMI * inputs.height_m**2


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
    except Refused as refusal:
        return SuvFactor(
            (),
            units,
            "",
            refusal.key,
            refusal.text_en,
            refusal.text_zh,
            computation.stated.told(),
            computation.stated.inputs,
        )
    return SuvFactor(
        tuple(factors),
        units,
        method,
        warnings=computation.stated.told(),
        inputs=computation.stated.inputs,
    )


def apply_suv(volume: Volume, factor: SuvFactor) -> Volume:
    """The volume in SUV, each slice scaled by its own factor. Raises `Refused` for a refused one."""
    if factor.refused:
        raise refused(factor.refused)
    scale = np.asarray(factor.per_slice, dtype=np.float64)
    if scale.size not in (1, len(volume.array)):
        raise ValueError("one factor, or one per slice, is needed")
    values = np.empty(volume.array.shape, dtype=np.float32)
    for k, plane in enumerate(volume.array):
        values[k] = plane * scale[min(k, scale.size - 1)]
    return volume.with_values(values, units=factor.suv_units)


class _Computation:
    """One run over the headers of a series."""

    def __init__(
        self, headers: list[dict[str, Any]], *, injection: int | None, edits: SuvEdits
    ) -> None:
        self.headers = headers
        self.first = headers[0]
        self.stated = StatedParameters(self.first, injection=injection, edits=edits)

    def run(self) -> tuple[list[float], str]:
        first = self.first
        if str(first.get("Modality", "PT")) != "PT":
            raise refused("not_pet")
        self._check_agreement()
        self.stated.note_patient()
        drugs = first.get("radiopharmaceuticals") or []
        self.stated.note(tracer=str(drugs[0].get("Radiopharmaceutical", "")) if drugs else "")
        units = str(first.get("Units", "")).upper()
        if units == "BQML":
            return self._from_concentration([1.0] * len(self.headers), "BQML")
        if units == "GML":
            return self._from_suv(str(first.get("SUVType", "BW")).upper(), _GML_TYPES)
        if units == "CM2ML":
            return self._from_suv(str(first.get("SUVType", "BSA")).upper(), {"BSA"})
        if units == "CNTS":
            return self._from_counts()
        raise refused("units_unsupported")

    def _check_agreement(self) -> None:
        for header in self.headers[1:]:
            for keyword in _SERIES_WIDE:
                if header.get(keyword) != self.first.get(keyword):
                    raise refused("headers_disagree")

    def _from_suv(self, kind: str, allowed: set[str]) -> tuple[list[float], str]:
        """The image holds an SUV already; only its normaliser may differ from body weight."""
        if kind not in allowed:
            raise refused("suv_type_unknown")
        self._check_corrections(needed=False)
        self._doubt_edits()
        if kind == "BW":
            return [1.0], "GML, SUV by body weight"
        ratio = _ratio(kind, self.stated.inputs)
        if _james_fails(kind, self.stated.inputs):
            self.stated.warn("lean_mass_of_heavy")
        return [1.0 / ratio], f"{self.first.get('Units')}, SUV type {kind}"

    def _from_counts(self) -> tuple[list[float], str]:
        """Philips counts: the private SUV factor if there is one, else the activity factor."""
        suv_scale = [float(h.get("PhilipsSUVScaleFactor") or 0) for h in self.headers]
        if all(scale > 0 for scale in suv_scale):
            self._check_corrections(needed=False)
            self._doubt_edits()
            return _collapsed(suv_scale), "CNTS, Philips SUV factor (7053,1000)"
        activity = [
            float(h.get("PhilipsActivityConcentrationScaleFactor") or 0) for h in self.headers
        ]
        if all(scale > 0 for scale in activity):
            return self._from_concentration(activity, "CNTS, Philips activity factor (7053,1009)")
        raise refused("philips_factor_missing")

    def _doubt_edits(self) -> None:
        if {"weight_kg", "dose_bq", "injected_at"} & set(self.stated.inputs.edited):
            self.stated.warn("edits_without_effect")

    def _check_corrections(self, *, needed: bool) -> None:
        for header in self.headers:
            corrected = header.get("CorrectedImage")
            if not corrected and not needed:
                self.stated.warn("corrections_not_stated")
                continue
            if not corrected or "ATTN" not in corrected:
                raise refused("attenuation_not_corrected")
            if needed and header.get("DecayCorrection") != "NONE" and "DECY" not in corrected:
                raise refused("decay_not_corrected")

    def _from_concentration(self, bq_per_ml: list[float], what: str) -> tuple[list[float], str]:
        self._check_corrections(needed=True)
        weight_g = 1000.0 * self.stated.weight_kg()
        drug = self.stated.drug()
        dose_bq = self.stated.dose_bq(drug)
        half_life_s = self.stated.half_life_s(drug)
        correction = str(self.first.get("DecayCorrection", "")).upper()
        if correction == "ADMIN":
            self.stated.note(decay_s=0.0)
            return (
                _collapsed([scale * weight_g / dose_bq for scale in bq_per_ml]),
                f"{what}, decay ADMIN",
            )
        if correction not in ("START", "NONE"):
            raise refused("decay_correction_unknown")
        references = reference_times(
            self.headers, correction=correction, half_life_s=half_life_s, warn=self.stated.warn
        )
        injected = self.stated.injected_at(drug, references.moments[0], half_life_s=half_life_s)
        elapsed = [moment.seconds_after(injected) for moment in references.moments]
        if min(elapsed) < 0:
            raise refused("injected_after_scan")
        if max(elapsed) > 6 * half_life_s:
            self.stated.warn("long_delay")
        self.stated.note(
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


def _collapsed(factors: list[float]) -> list[float]:
    return factors[:1] if len(set(factors)) == 1 else factors
