"""What the archive reads from an object's header: who, which study and series, which drug, which corrections."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
)

from hevesy.records.archive.characters import decode, printable
from hevesy.records.archive.scan import Bytes, Path, Scan, Unreadable, inflate_header, scan
from hevesy.records.archive.uids import is_uid

RADIOPHARMACEUTICALS: Final = 0x00540016
_DRUG: Final = {
    "radiopharmaceutical": 0x00180031,
    "start_time": 0x00181072,
    "start_datetime": 0x00181078,
    "total_dose": 0x00181074,
    "half_life": 0x00181075,
    "route": 0x00181070,
}
_DRUG_CODE: Final = {"nuclide": 0x00540300, "drug_code": 0x00540304}
_CODE_MEANING: Final = 0x00080104
_CODE_VALUE: Final = 0x00080100

_TEXTS: Final = {
    "modality": 0x00080060,
    "accession_number": 0x00080050,
    "study_date": 0x00080020,
    "series_date": 0x00080021,
    "acquisition_date": 0x00080022,
    "study_time": 0x00080030,
    "series_time": 0x00080031,
    "acquisition_time": 0x00080032,
    "image_type": 0x00080008,
    "manufacturer": 0x00080070,
    "institution": 0x00080080,
    "referring_physician": 0x00080090,
    "station": 0x00081010,
    "study_description": 0x00081030,
    "series_description": 0x0008103E,
    "model": 0x00081090,
    "patient_name": 0x00100010,
    "patient_id": 0x00100020,
    "patient_birth_date": 0x00100030,
    "patient_sex": 0x00100040,
    "patient_size_m": 0x00101020,
    "patient_weight_kg": 0x00101030,
    "body_part": 0x00180015,
    "serial_number": 0x00181000,
    "software": 0x00181020,
    "protocol": 0x00181030,
    "collimator": 0x00181180,
    "convolution_kernel": 0x00181210,
    "slice_thickness_mm": 0x00180050,
    "study_id": 0x00200010,
    "series_number": 0x00200011,
    "instance_number": 0x00200013,
    "frame_of_reference_uid": 0x00200052,
    "corrected_image": 0x00280051,
    "series_type": 0x00541000,
    "units": 0x00541001,
    "counts_source": 0x00541002,
    "suv_type": 0x00541006,
    "randoms_correction": 0x00541100,
    "attenuation_correction": 0x00541101,
    "decay_correction": 0x00541102,
    "reconstruction": 0x00541103,
    "scatter_correction": 0x00541105,
    # Enhanced PET says yes or no instead of naming the method (PS3.3 C.8.22.2).
    "attenuation_corrected": 0x00189759,
    "decay_corrected": 0x00189758,
    "scatter_corrected": 0x0018975A,
    "reconstruction_type": 0x00189749,
    "photometric_interpretation": 0x00280004,
    "frames": 0x00280008,
}
_SHORTS: Final = {
    "samples": 0x00280002,
    "rows": 0x00280010,
    "columns": 0x00280011,
    "bits_allocated": 0x00280100,
}
_CHARACTER_SET: Final = 0x00080005
_UIDS: Final = {
    "sop_class_uid": 0x00080016,
    "sop_instance_uid": 0x00080018,
    "study_instance_uid": 0x0020000D,
    "series_instance_uid": 0x0020000E,
}

WANTED: Final[frozenset[Path]] = frozenset(
    {(tag,) for group in (_TEXTS, _SHORTS, _UIDS) for tag in group.values()}
    | {(_CHARACTER_SET,)}
    | {(RADIOPHARMACEUTICALS, tag) for tag in _DRUG.values()}
    | {
        (RADIOPHARMACEUTICALS, tag, inner)
        for tag in _DRUG_CODE.values()
        for inner in (_CODE_VALUE, _CODE_MEANING)
    }
)

PET: Final = frozenset(("1.2.840.10008.5.1.4.1.1.128",))

# Limits of what is ever opened (reliability, appendix A); beyond them the bytes are kept and not displayed.
MAXIMUM_SIDE: Final = 16_384
MAXIMUM_FRAMES: Final = 20_000
MAXIMUM_PIXEL_BYTES: Final = 1_610_612_736


@dataclass(slots=True)
class Header:
    """The decoded facts of one object. Text is Unicode; `facts` is what `Series.header` keeps (clause 1.8)."""

    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    transfer_syntax_uid: str
    texts: dict[str, str] = field(default_factory=dict)
    rows: int | None = None
    columns: int | None = None
    frames: int = 1
    hindrance: str = ""
    repaired: bool = False
    facts: dict[str, Any] = field(default_factory=dict)

    def text(self, name: str, limit: int) -> str:
        """A text of the header, at most `limit` characters: what a column holds."""
        return self.texts.get(name, "")[:limit]

    def number(self, name: str) -> int | None:
        """A whole number (IS) of the header that fits a database column; None if it is none."""
        found = re.fullmatch(r"[+-]?[0-9]{1,10}", self.texts.get(name, "").split("\\")[0].strip())
        value = int(found[0]) if found else None
        return value if value is not None and -(2**31) <= value < 2**31 else None


def read_header(data: Bytes, transfer_syntax_uid: str, start: int = 0) -> Header:
    """Read the header of the data set that begins at `data[start]`.

    Raises `Unreadable` when it cannot be walked, or when one of the four UIDs is missing or is none.
    """
    excessive = False
    if transfer_syntax_uid == DeflatedExplicitVRLittleEndian:
        inflated = inflate_header(data, start)
        excessive = inflated.excessive
        found = scan(inflated.head, implicit=False, wanted=WANTED, open_ended=not inflated.complete)
    else:
        found = scan(
            data,
            implicit=transfer_syntax_uid == ImplicitVRLittleEndian,
            little_endian=transfer_syntax_uid != ExplicitVRBigEndian,
            wanted=WANTED,
            start=start,
        )
    identifiers = {}
    for name, tag in _UIDS.items():
        raw = found.values.get((tag,), b"").rstrip(b"\0 ")
        text = raw.decode("latin-1")
        if not text:
            raise Unreadable(f"missing_{name}")
        if not is_uid(text):
            raise Unreadable(f"invalid_{name}")
        identifiers[name] = text
    header = Header(
        sop_class_uid=identifiers["sop_class_uid"],
        sop_instance_uid=identifiers["sop_instance_uid"],
        study_instance_uid=identifiers["study_instance_uid"],
        series_instance_uid=identifiers["series_instance_uid"],
        transfer_syntax_uid=transfer_syntax_uid,
    )
    terms = found.values.get((_CHARACTER_SET,), b"").decode("latin-1").split("\\")
    for name, tag in _TEXTS.items():
        raw = found.values.get((tag,), b"")
        if raw:
            header.texts[name] = _text(header, raw, terms)
    _judge_dimensions(header, found, excessive)
    header.facts = _facts(header, found, terms)
    return header


def _text(header: Header, raw: bytes, terms: list[str]) -> str:
    text, repaired = decode(raw, terms)
    header.repaired |= repaired
    return printable(text, 1000)


def _short(found: Scan, name: str) -> int | None:
    """An unsigned short; None when it is absent, -1 when it is no short (Orthanc CVE-2026-5442)."""
    path = (_SHORTS[name],)
    raw = found.values.get(path)
    if not raw:
        return None
    if len(raw) != 2 or found.representations.get(path, b"US") not in (b"US", b"SS"):
        return -1
    return int(struct.unpack("<H" if found.little_endian else ">H", raw)[0])


def _judge_dimensions(header: Header, found: Scan, excessive: bool) -> None:
    """Say why the pixels must not be opened, if they must not: the object is archived all the same."""
    rows, columns, bits = (_short(found, name) for name in ("rows", "columns", "bits_allocated"))
    samples = _short(found, "samples") or 1
    frames = header.number("frames")
    header.frames = max(1, frames or 1)
    if -1 in (rows, columns, bits, samples) or (frames is not None and frames < 0):
        header.hindrance = "malformed_dimensions"
        return
    header.rows, header.columns = rows, columns
    if excessive:
        header.hindrance = "inflates_too_much"
    if not rows or not columns or found.float_pixels:
        return
    if found.pixel_offset is None:
        header.hindrance = header.hindrance or "pixels_missing"
        return
    pixel_bits = rows * columns * header.frames * samples * (bits or 16)
    if (
        max(rows, columns) > MAXIMUM_SIDE
        or header.frames > MAXIMUM_FRAMES
        or pixel_bits > 8 * MAXIMUM_PIXEL_BYTES
    ):
        header.hindrance = "dimensions_exceed_limit"
    elif samples not in (1, 3, 4) or (bits or 16) not in (1, 8, 16, 32, 64):
        header.hindrance = "malformed_dimensions"
    elif (
        not found.encapsulated
        and found.pixel_length is not None
        and "422" not in header.texts.get("photometric_interpretation", "")
        and 8 * found.pixel_length < pixel_bits
    ):
        header.hindrance = "pixels_missing"


def _facts(header: Header, found: Scan, terms: list[str]) -> dict[str, Any]:
    """Drug, corrections, reconstruction and scanner as JSON: what clause 1.8 lets one search by."""
    facts: dict[str, Any] = {
        name: header.texts[name]
        for name in (
            "units",
            "decay_correction",
            "attenuation_correction",
            "scatter_correction",
            "randoms_correction",
            "reconstruction",
            "attenuation_corrected",
            "decay_corrected",
            "scatter_corrected",
            "reconstruction_type",
            "counts_source",
            "suv_type",
            "convolution_kernel",
            "collimator",
            "manufacturer",
            "model",
            "station",
            "serial_number",
            "software",
            "institution",
            "protocol",
            "body_part",
            "series_date",
            "series_time",
            "acquisition_date",
            "acquisition_time",
        )
        if header.texts.get(name)
    }
    for name in ("image_type", "corrected_image", "series_type"):
        if header.texts.get(name):
            facts[name] = header.texts[name].split("\\")
    for name in ("patient_weight_kg", "patient_size_m", "slice_thickness_mm"):
        value = decimal(header.texts.get(name, ""))
        if value is not None:
            facts[name] = value
    if header.repaired:
        facts["character_set_repaired"] = True
    facts.update(_drug(header, found, terms))
    return facts


def _drug(header: Header, found: Scan, terms: list[str]) -> dict[str, Any]:
    """The first item of the Radiopharmaceutical Information Sequence, with the dose in MBq."""
    texts = {}
    for name, tag in _DRUG.items():
        raw = found.values.get((RADIOPHARMACEUTICALS, tag), b"")
        if raw:
            texts[name] = _text(header, raw, terms)
    for name, tag in _DRUG_CODE.items():
        meaning = found.values.get((RADIOPHARMACEUTICALS, tag, _CODE_MEANING), b"")
        if meaning:
            texts[name] = _text(header, meaning, terms)
    drug: dict[str, Any] = {
        name: texts[name] for name in ("nuclide", "drug_code", "route") if name in texts
    }
    if named := texts.get("radiopharmaceutical") or texts.get("drug_code"):
        drug["radiopharmaceutical"] = named
    if moment := start_moment(texts, header.texts):
        drug["administered_at"] = moment
    half_life = decimal(texts.get("half_life", ""))
    if half_life is not None:
        drug["half_life_s"] = half_life
    dose = decimal(texts.get("total_dose", ""))
    if dose is not None and dose > 0:
        megabecquerels, unit, plausible = dose_mbq(dose, header.sop_class_uid)
        drug |= {"dose_mbq": megabecquerels, "dose_as_received": dose, "dose_unit": unit}
        if not plausible:
            drug["dose_unit_assumed"] = True
    return drug


def dose_mbq(value: float, sop_class_uid: str) -> tuple[float, str, bool]:
    """Radionuclide Total Dose (0018,1074) in MBq, the unit it was read in, and whether that is the standard's.

    The attribute has no unit of its own: becquerels in PET (PS3.3 C.8.9.2), megabecquerels in NM (C.8.4.10) and
    in enhanced PET (C.8.22.4). A value that is absurd in the standard's unit is read in the other one, and said so:
    nobody is given less than 10 kBq for a PET, or more than 100 GBq for anything.
    """
    in_becquerels = sop_class_uid in PET
    if in_becquerels and value < 1e4:
        return value, "MBq", False
    if not in_becquerels and value > 1e5:
        return value / 1e6, "Bq", False
    return (value / 1e6, "Bq", True) if in_becquerels else (value, "MBq", True)


def start_moment(drug: dict[str, str], texts: dict[str, str]) -> str:
    """When the drug was given, ISO 8601, as the header says it (local time of the device unless it has an offset).

    (0018,1078) is a full date and time; (0018,1072) is a time only and is put on the day of the acquisition.
    """
    full = drug.get("start_datetime", "")
    if len(full) >= 14:
        return _iso(full)
    time = drug.get("start_time", "")
    day = texts.get("acquisition_date") or texts.get("series_date") or texts.get("study_date", "")
    return _iso(day + time) if len(time) >= 6 and len(day) == 8 else ""


def _iso(text: str) -> str:
    match = re.fullmatch(r"([0-9]{14})(\.[0-9]{1,6})?([+-][0-9]{4})?", text.strip())
    if not match:
        return ""
    try:
        moment = datetime.strptime(match[1], "%Y%m%d%H%M%S")  # noqa: DTZ007 - the device's own clock
        if match[3]:
            aware = datetime.strptime(match[1] + match[3], "%Y%m%d%H%M%S%z")
            return aware.astimezone(UTC).isoformat()
    except ValueError:
        return ""
    return moment.isoformat()


def decimal(text: str) -> float | None:
    """A decimal string (DS), first value; None unless it is a finite number."""
    match = re.fullmatch(r"[+-]?[0-9]*\.?[0-9]*([eE][+-]?[0-9]{1,3})?", text.split("\\")[0].strip())
    try:
        value = float(match[0]) if match else None
    except ValueError:
        return None
    return value if value is not None and abs(value) < 1e300 else None
