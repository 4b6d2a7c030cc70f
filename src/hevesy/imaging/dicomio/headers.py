"""The attributes that quantification needs, as a flat mapping of plain values.

Plain (text, number, list) so that it survives a process border and can be stored beside a result
as its provenance. Names are DICOM keywords, flattened; the three private elements have names of
our own: PhilipsSUVScaleFactor (7053,1000), PhilipsActivityConcentrationScaleFactor (7053,1009),
GEScanDateTime (0009,100D). RadiopharmaceuticalItems counts the items of (0054,0016), and
`radiopharmaceuticals` lists them all.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pydicom.dataset import Dataset

_TEXTS: Final = (
    "SOPClassUID",
    "SeriesInstanceUID",
    "Modality",
    "Manufacturer",
    "ManufacturerModelName",
    "PatientSex",
    "PatientAge",
    "SeriesDate",
    "SeriesTime",
    "AcquisitionDate",
    "AcquisitionTime",
    "AcquisitionDateTime",
    "DecayCorrectionDateTime",
    "TimezoneOffsetFromUTC",
    "Units",
    "SUVType",
    "DecayCorrection",
    "ReconstructionMethod",
)
_NUMBERS: Final = (
    "PatientWeight",
    "PatientSize",
    "FrameReferenceTime",
    "ActualFrameDuration",
    "DecayFactor",
)
_DRUG_TEXTS: Final = (
    "Radiopharmaceutical",
    "RadiopharmaceuticalStartTime",
    "RadiopharmaceuticalStartDateTime",
)
_DRUG_NUMBERS: Final = ("RadionuclideTotalDose", "RadionuclideHalfLife")


# UCUM codes of Real World Value Mapping (CID 84), as Units (0054,1001) and SUV Type (0054,1006).
_REAL_WORLD_UNITS: Final = {
    "Bq/ml": ("BQML", ""),
    "{counts}": ("CNTS", ""),
    "g/ml{SUVbw}": ("GML", "BW"),
    "g/ml{SUVlbm}": ("GML", "LBM"),
    "g/ml{SUVlbm(James128)}": ("GML", "LBMJAMES128"),
    "g/ml{SUVlbm(Janma)}": ("GML", "LBMJANMA"),
    "g/ml{SUVibw}": ("GML", "IBW"),
    "cm2/ml{SUVbsa}": ("CM2ML", "BSA"),
}


@dataclass(frozen=True, slots=True)
class RealWorldValue:
    """What an enhanced object says its stored values mean: slope * stored + intercept, in units."""

    slope: Any
    intercept: Any
    units: str
    suv_type: str


def real_world_value(dataset: Dataset, frame: int | None = None) -> RealWorldValue | None:
    """The Real World Value Mapping (PS3.3 C.7.6.16.2.11) of a frame without Units of its own.

    None for classic objects, which state Units, and for units that are no uptake.
    """
    if find(dataset, "Units", frame):
        return None
    for code in find(dataset, "MeasurementUnitsCodeSequence", frame) or ():
        unit = ucum(_text(code.get("CodeValue")))
        if unit in _REAL_WORLD_UNITS:
            units, suv_type = _REAL_WORLD_UNITS[unit]
            return RealWorldValue(
                find(dataset, "RealWorldValueSlope", frame),
                find(dataset, "RealWorldValueIntercept", frame),
                units,
                suv_type,
            )
    return None


def ucum(unit: str) -> str:
    """A unit with its annotation behind it, "g/ml{SUVbw}", as CID 85 has it now.

    Editions of before, and many objects, put it in front: "{SUVbw}g/ml".
    """
    front, brace, rest = unit.partition("}")
    # "{counts}/s" is as it should be.
    return f"{rest}{front}{brace}" if front.startswith("{") and rest[:1].isalpha() else unit


def quantification_header(dataset: Dataset, frame: int | None = None) -> dict[str, Any]:
    """Flatten what SUV and curve computations need from a classic or enhanced data set.

    frame: 0-based, of an enhanced object whose frames have times of their own. Attributes that are
    absent or empty are left out; a number that is no number too.
    """
    header: dict[str, Any] = {}
    for keyword in _TEXTS:
        text = _text(find(dataset, keyword, frame))
        if text:
            header[keyword] = text
    for keyword in _NUMBERS:
        number = _number(find(dataset, keyword, frame))
        if number is not None:
            header[keyword] = number
    corrected = find(dataset, "CorrectedImage")
    if corrected:
        parts = [corrected] if isinstance(corrected, str) else list(corrected)
        header["CorrectedImage"] = [str(part).strip().upper() for part in parts]
    if "PerFrameFunctionalGroupsSequence" in dataset:
        _add_enhanced(header, dataset, frame)
    drugs = [_drug(item) for item in find(dataset, "RadiopharmaceuticalInformationSequence") or ()]
    if drugs:
        header["radiopharmaceuticals"] = drugs
    philips = _private(dataset, 0x7053, "Philips PET Private Group", (0x00, 0x09))
    header |= _named_numbers(
        philips, {0x00: "PhilipsSUVScaleFactor", 0x09: "PhilipsActivityConcentrationScaleFactor"}
    )
    scan_datetime = _text(_private(dataset, 0x0009, "GEMS_PETD_01", (0x0D,)).get(0x0D))
    if scan_datetime:
        header["GEScanDateTime"] = scan_datetime
    return header


def _add_enhanced(header: dict[str, Any], dataset: Dataset, frame: int | None) -> None:
    """Say in the words of classic PET what an enhanced object says in its own (C.8.22)."""
    meant = real_world_value(dataset, frame)
    if meant is not None:
        header["Units"] = meant.units
        if meant.suv_type:
            header["SUVType"] = meant.suv_type
    said = {
        mark: _text(find(dataset, keyword, frame)).upper()
        for mark, keyword in (("ATTN", "AttenuationCorrected"), ("DECY", "DecayCorrected"))
    }
    if "CorrectedImage" not in header and any(said.values()):
        header["CorrectedImage"] = [mark for mark, answer in said.items() if answer == "YES"]
    if "DecayCorrection" not in header:
        if said["DECY"] == "YES" and "DecayCorrectionDateTime" in header:
            header["DecayCorrection"] = "START"
        elif said["DECY"] == "NO":
            header["DecayCorrection"] = "NONE"
    begin = _text(find(dataset, "FrameAcquisitionDateTime", frame))
    if begin:
        header.pop("AcquisitionDate", None)
        header.pop("AcquisitionTime", None)
        header["AcquisitionDateTime"] = begin
    duration_ms = _number(find(dataset, "FrameAcquisitionDuration", frame))
    if duration_ms is not None:
        header["ActualFrameDuration"] = duration_ms


def _drug(item: Dataset) -> dict[str, Any]:
    drug: dict[str, Any] = {}
    for keyword in _DRUG_TEXTS:
        text = _text(item.get(keyword))
        if text:
            drug[keyword] = text
    for keyword in _DRUG_NUMBERS:
        number = _number(item.get(keyword))
        if number is not None:
            drug[keyword] = number
    for code in item.get("RadionuclideCodeSequence") or ():
        drug["RadionuclideCodeValue"] = _text(code.get("CodeValue"))
        drug["RadionuclideCodeMeaning"] = _text(code.get("CodeMeaning"))
        break
    return drug


def find(dataset: Dataset, keyword: str, frame: int | None = None) -> Any:
    """Value of an attribute, looked up at the top level, then in the functional groups.

    With `frame` (0-based) the groups of that frame are searched before the shared ones.
    """
    value = dataset.get(keyword)
    if value is not None and value != "":
        return value
    for group in _functional_groups(dataset, frame):
        value = group.get(keyword)
        if value is not None and value != "":
            return value
    return None


def _functional_groups(dataset: Dataset, frame: int | None) -> Iterator[Dataset]:
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or ()
    shared = dataset.get("SharedFunctionalGroupsSequence") or ()
    places = [*per_frame[frame or 0 : (frame or 0) + 1], *shared[:1]]
    for place in places:
        for element in place:
            if element.VR == "SQ" and element.value:
                yield element.value[0]


def _private(
    dataset: Dataset, group: int, creator: str, offsets: tuple[int, ...]
) -> dict[int, Any]:
    """Values of private elements, by the block their creator reserved.

    De-identified files often lost the creator; block 10 without any creator is accepted then.
    """
    block = None
    for slot in range(0x10, 0x100):
        reserved = dataset.get((group, slot))
        if reserved is not None and _text(reserved.value) == creator:
            block = slot
            break
    if block is None and (group, 0x10) not in dataset:
        block = 0x10
    if block is None:
        return {}
    found = {}
    for offset in offsets:
        element = dataset.get((group, block << 8 | offset))
        if element is not None:
            found[offset] = element.value
    return found


def _named_numbers(values: dict[int, Any], names: dict[int, str]) -> dict[str, float]:
    numbers = {name: _number(values.get(offset)) for offset, name in names.items()}
    return {name: number for name, number in numbers.items() if number is not None}


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if not isinstance(value, str) and hasattr(value, "__iter__"):
        value = next(iter(value), "")
    return str(value).strip(" \0")


def _number(value: Any) -> float | None:
    try:
        number = float(_text(value))
    except ValueError:
        return None
    return number if math.isfinite(number) else None
