"""How a gamma camera was set: detectors, energy windows, rotations, phases and gates of an NM object.

DICOM PS3.3 C.8.4.10 (isotope: energy windows), C.8.4.11 (detector), C.8.4.12 (tomography),
C.8.4.14 (phase), C.8.4.13 (gated acquisition). What a header does not state stays None or empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from pydicom.dataset import Dataset

Vector3 = tuple[float, float, float]

ANTERIOR: Final = "anterior"
POSTERIOR: Final = "posterior"
LEFT: Final = "left lateral"
RIGHT: Final = "right lateral"

# CID 26 "Nuclear Medicine Projections" in SNOMED CT and in the retired SNOMED RT, and the X-ray
# projections of CID 4010 that some cameras write instead.
_VIEW_CODES: Final = {
    code: view
    for view, codes in (
        (ANTERIOR, ("399321004", "G-5215", "R-10206")),
        (POSTERIOR, ("399001007", "G-5216", "R-10214")),
        (LEFT, ("399118008", "G-5223", "R-10236")),
        (RIGHT, ("399297009", "G-5222", "R-10232")),
    )
    for code in codes
}
_VIEW_WORDS: Final = (
    ("ANT", ANTERIOR),
    ("VENTRAL", ANTERIOR),
    ("POST", POSTERIOR),
    ("DORSAL", POSTERIOR),
    ("LLAT", LEFT),
    ("LEFT LATERAL", LEFT),
    ("RLAT", RIGHT),
    ("RIGHT LATERAL", RIGHT),
)


@dataclass(frozen=True, slots=True)
class Detector:
    """One camera head.

    view: "anterior", "posterior", "left lateral", "right lateral", or "" if unknown or oblique;
    view_source: "code", "orientation", "name" or "". row, column: unit vectors in LPS along
    increasing column and row index. radial_position_mm: detector face to axis, one per view or one
    for all. start_angle_deg: 0 at the patient's back, growing towards the patient's left.
    """

    view: str = ""
    view_source: str = ""
    view_name: str = ""
    row: Vector3 | None = None
    column: Vector3 | None = None
    collimator_name: str = ""
    collimator_type: str = ""
    zoom: tuple[float, ...] = ()
    start_angle_deg: float | None = None
    radial_position_mm: tuple[float, ...] = ()
    centre_of_rotation_offset_mm: float | None = None


@dataclass(frozen=True, slots=True)
class EnergyWindow:
    """One energy window: its name and its ranges as (lower, upper) in keV."""

    name: str = ""
    ranges_kev: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Rotation:
    """One rotation of the camera. direction_sign: +1 for growing angles (CC), -1 for CW."""

    views: int | None = None
    start_angle_deg: float | None = None
    step_deg: float | None = None
    arc_deg: float | None = None
    direction_sign: int | None = None
    frame_duration_s: float | None = None
    radial_position_mm: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase of a dynamic study. delay_s: pause before it; pause_s: between its frames."""

    frames: int
    frame_duration_s: float | None
    delay_s: float = 0.0
    pause_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Gate:
    """One R-R interval window. slot_s: width of a time slot in the heart cycle; acquired_s: what
    each slot counted in all; beats accepted and rejected where stated."""

    slot_s: float | None = None
    nominal_rr_s: float | None = None
    low_rr_s: float | None = None
    high_rr_s: float | None = None
    beats_accepted: int | None = None
    beats_rejected: int | None = None
    acquired_s: tuple[float | None, ...] = ()


def detectors(dataset: Dataset) -> tuple[Detector, ...]:
    """The items of Detector Information Sequence (0054,0022), in order of their number."""
    return tuple(_detector(item) for item in dataset.get("DetectorInformationSequence") or ())


def _detector(item: Dataset) -> Detector:
    cosines = numbers(item, "ImageOrientationPatient")
    row, column = _unit_pair(cosines)
    names = [item, *(item.get("ViewCodeSequence") or ())]
    code = names[1] if len(names) > 1 else Dataset()
    view_name = text(code, "CodeMeaning")
    view, source = _view(text(code, "CodeValue"), view_name, row, column)
    return Detector(
        view=view,
        view_source=source,
        view_name=view_name,
        row=row,
        column=column,
        collimator_name=text(item, "CollimatorGridName"),
        collimator_type=text(item, "CollimatorType"),
        zoom=numbers(item, "ZoomFactor"),
        start_angle_deg=number(item, "StartAngle"),
        radial_position_mm=numbers(item, "RadialPosition"),
        centre_of_rotation_offset_mm=number(item, "CenterOfRotationOffset"),
    )


def _unit_pair(cosines: tuple[float, ...]) -> tuple[Vector3 | None, Vector3 | None]:
    if len(cosines) != 6:
        return None, None
    row, column = np.array(cosines[:3]), np.array(cosines[3:])
    lengths = float(np.linalg.norm(row)), float(np.linalg.norm(column))
    if max(abs(length - 1) for length in lengths) > 0.01 or abs(row @ column) > 0.01:
        return None, None
    a, b = row / lengths[0], column / lengths[1]
    return (float(a[0]), float(a[1]), float(a[2])), (float(b[0]), float(b[1]), float(b[2]))


def _view(code: str, name: str, row: Vector3 | None, column: Vector3 | None) -> tuple[str, str]:
    if code in _VIEW_CODES:
        return _VIEW_CODES[code], "code"
    if row is not None and column is not None:
        return view_of_orientation(row, column), "orientation"
    named = view_of_name(name)
    return named, "name" if named else ""


def view_of_orientation(row: Vector3, column: Vector3) -> str:
    """The side of the patient the camera looked from; "" if it lies over 15 degrees off a side."""
    x, y, _ = np.cross(row, column)
    # Row x column points away from the viewer; the camera stands on the other side.
    for along, (negative, positive) in ((y, (POSTERIOR, ANTERIOR)), (x, (LEFT, RIGHT))):
        if abs(along) > np.cos(np.radians(15)):
            return positive if along > 0 else negative
    return ""


def view_of_name(name: str) -> str:
    """The view a free text names, such as "POSTERIOR_H2"; "" if it names none or several."""
    upper = name.upper()
    found = {view for word, view in _VIEW_WORDS if word in upper}
    return found.pop() if len(found) == 1 else ""


def energy_windows(dataset: Dataset) -> tuple[EnergyWindow, ...]:
    """The items of Energy Window Information Sequence (0054,0012), in order of their number."""
    windows = []
    for item in dataset.get("EnergyWindowInformationSequence") or ():
        ranges = []
        for one in item.get("EnergyWindowRangeSequence") or ():
            low, high = (
                number(one, "EnergyWindowLowerLimit"),
                number(one, "EnergyWindowUpperLimit"),
            )
            if low is not None and high is not None:
                ranges.append((low, high))
        windows.append(EnergyWindow(text(item, "EnergyWindowName"), tuple(ranges)))
    return tuple(windows)


def rotations(dataset: Dataset) -> tuple[Rotation, ...]:
    """The items of Rotation Information Sequence (0054,0052), in order of their number."""
    return tuple(
        Rotation(
            views=whole(item, "NumberOfFramesInRotation"),
            start_angle_deg=number(item, "StartAngle"),
            step_deg=number(item, "AngularStep"),
            arc_deg=number(item, "ScanArc"),
            direction_sign={"CC": 1, "CW": -1}.get(text(item, "RotationDirection")),
            frame_duration_s=seconds(item, "ActualFrameDuration"),
            radial_position_mm=numbers(item, "RadialPosition"),
        )
        for item in dataset.get("RotationInformationSequence") or ()
    )


def phases(dataset: Dataset) -> tuple[Phase, ...]:
    """The items of Phase Information Sequence (0054,0032), in order of their number."""
    return tuple(
        Phase(
            frames=whole(item, "NumberOfFramesInPhase") or 0,
            frame_duration_s=seconds(item, "ActualFrameDuration"),
            delay_s=seconds(item, "PhaseDelay") or 0.0,
            pause_s=seconds(item, "PauseBetweenFrames") or 0.0,
        )
        for item in dataset.get("PhaseInformationSequence") or ()
    )


def gates(dataset: Dataset) -> tuple[Gate, ...]:
    """The items of Data Information Sequence (0054,0063) of the first gating signal.

    The standard has one per R-R interval; Siemens cameras write one per angular view.
    """
    signals = dataset.get("GatedInformationSequence") or ()
    for signal in signals[:1]:
        return tuple(_gate(item) for item in signal.get("DataInformationSequence") or ())
    return ()


def _gate(item: Dataset) -> Gate:
    return Gate(
        slot_s=seconds(item, "FrameTime"),
        nominal_rr_s=seconds(item, "NominalInterval"),
        low_rr_s=seconds(item, "LowRRValue"),
        high_rr_s=seconds(item, "HighRRValue"),
        beats_accepted=whole(item, "IntervalsAcquired"),
        beats_rejected=whole(item, "IntervalsRejected"),
        acquired_s=tuple(
            seconds(slot, "TimeSlotTime") for slot in item.get("TimeSlotInformationSequence") or ()
        ),
    )


def text(item: Dataset, keyword: str) -> str:
    """Text of an attribute, "" if absent."""
    value = item.get(keyword)
    return "" if value is None else str(value).strip(" \0")


def numbers(item: Dataset, keyword: str) -> tuple[float, ...]:
    """Finite numbers of an attribute of one or several values; empty if one of them is none."""
    value: Any = item.get(keyword)
    if value is None or value == "":
        return ()
    many = value if hasattr(value, "__iter__") and not isinstance(value, str) else [value]
    try:
        found = tuple(float(one) for one in many)
    except (TypeError, ValueError):
        return ()
    return found if np.all(np.isfinite(found)) else ()


def number(item: Dataset, keyword: str) -> float | None:
    """First number of an attribute, None if there is none."""
    return next(iter(numbers(item, keyword)), None)


def whole(item: Dataset, keyword: str) -> int | None:
    """First number of an attribute as a whole number, None if there is none."""
    found = number(item, keyword)
    return None if found is None else int(found)


def seconds(item: Dataset, keyword: str) -> float | None:
    """Seconds of an attribute in milliseconds, None if there is none."""
    found = number(item, keyword)
    return None if found is None else found / 1000.0
