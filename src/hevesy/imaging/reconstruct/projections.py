"""SPECT projections of a DICOM NM TOMO or GATED TOMO object: counts with the place of each view.

Angles follow PS3.3 C.8.4.12: 0 degrees with the detector at the patient's back, growing towards
the patient's left; they belong to the patient, not to the gantry, so head first or feet first and
supine or prone change nothing. Rows run from head to feet and columns as seen from the detector,
unless the detector's Image Orientation (Patient) states otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from hevesy.imaging.dicomio import camera
from hevesy.imaging.dicomio.guards import DEFAULT_LIMITS, Limits, read_dataset
from hevesy.imaging.dicomio.planar import PlanarSeries, read_planar
from hevesy.imaging.dicomio.refusal import refusing_what_pydicom_cannot_parse
from hevesy.imaging.geometry import Finding
from hevesy.imaging.nuclides import UnknownNuclide, nuclide
from hevesy.imaging.reconstruct.words import finding, refused

Floats = npt.NDArray[np.float64]
Angles = Literal["patient", "gantry"]

_NOT_PARALLEL: Final = ("PINH", "FANB", "CONE", "SLNT", "ASTG", "DIVG")
# Share of the profile's maximum in an edge column from which the object is taken to be cut off.
_EDGE_SHARE: Final = 0.2


@dataclass(frozen=True, slots=True)
class EnergyWindow:
    """One energy window in keV; one of several ranges spans from the lowest to the highest."""

    name: str
    low_kev: float
    high_kev: float

    @property
    def width_kev(self) -> float:
        """Upper minus lower limit."""
        return self.high_kev - self.low_kev

    @property
    def centre_kev(self) -> float:
        """Middle of the window."""
        return (self.low_kev + self.high_kev) / 2.0


@dataclass(frozen=True, slots=True)
class View:
    """One position of one detector.

    angle_deg: as in the module. radius_mm: axis to collimator face, None where not stated.
    started_s: seconds since the first view began; duration_s: of the view, 0 if not stated.
    """

    angle_deg: float
    radius_mm: float | None
    started_s: float
    duration_s: float
    detector: int


@dataclass(frozen=True, eq=False)
class TomoStudy:
    """Projections of one acquisition, row 0 at the head, columns as seen from the detector.

    counts: float32 [window, gate, view, row, column]. column_mm, row_mm: pixel spacing. centre_lps:
    where the axis of rotation meets the middle of the rows, (3,) mm. nuclide: symbol, "" if
    unknown. source: the data set without its pixels.
    """

    counts: npt.NDArray[np.float32]
    windows: tuple[EnergyWindow, ...]
    views: tuple[View, ...]
    column_mm: float
    row_mm: float
    centre_lps: Floats
    nuclide: str
    collimator: str
    source: Dataset
    findings: tuple[Finding, ...] = ()

    @property
    def gates(self) -> int:
        """Number of gates, 1 where the study is not gated."""
        return int(self.counts.shape[1])

    @property
    def position_known(self) -> bool:
        """Whether the header places the projections in the patient."""
        return not any(found.key == "position_assumed" for found in self.findings)


def read_tomo(
    source: str | Path | Dataset, *, angles: Angles = "patient", limits: Limits = DEFAULT_LIMITS
) -> TomoStudy:
    """Read the projections of one NM TOMO or GATED TOMO object.

    angles: "patient" reads the angles as the standard defines them. "gantry" is for cameras that
    count from the floor, rows towards the bore, whatever the patient's position: feet first and
    prone are then turned by the position that the header states. Raises `Refused`, `ImageRefused`.
    """
    dataset = source if isinstance(source, Dataset) else read_dataset(source, limits=limits)
    planar = read_planar(dataset, limits=limits)
    if planar.kind not in ("TOMO", "GATED TOMO"):
        raise refused("not_projections", planar.kind)
    if planar.spacing_mm is None:
        raise refused("pixel_size_missing")
    for detector in planar.detectors:
        if detector.collimator_type.upper() in _NOT_PARALLEL:
            raise refused("collimator_not_parallel", detector.collimator_type)
    views, keys, findings = read_views(planar)
    counts = _in_order(planar, keys)
    _as_the_detector_sees(counts, planar, views, findings)
    with refusing_what_pydicom_cannot_parse():
        centre = _centre(dataset, counts.shape[3], planar.spacing_mm[1])
        header = _without_pixels(dataset)
        symbol = _nuclide(dataset)
        position = _patient_position(dataset) if angles == "gantry" else ""
    if centre is None:
        findings.append(finding("position_assumed"))
    for number, detector in enumerate(planar.detectors, start=1):
        # Most cameras have corrected the counts for it already, and headers do not tell.
        if stated_mm := detector.centre_of_rotation_offset_mm:
            findings.append(finding("axis_stated", detector=number, mm=stated_mm))
    _note_truncation(counts, findings)
    study = TomoStudy(
        counts=counts,
        windows=_windows(planar, counts.shape[0]),
        views=tuple(views),
        column_mm=planar.spacing_mm[0],
        row_mm=planar.spacing_mm[1],
        centre_lps=np.zeros(3) if centre is None else centre,
        nuclide=symbol,
        collimator=planar.detectors[0].collimator_name if planar.detectors else "",
        source=header,
        findings=(*planar.findings, *findings),
    )
    return _from_gantry(study, position) if angles == "gantry" else study


def read_views(
    planar: PlanarSeries,
) -> tuple[list[View], list[tuple[int, int, int]], list[Finding]]:
    """The views by rotation, time and detector, with (rotation, view, detector) as numbered."""
    keys = sorted({(f.rotation, f.angular_view, f.detector) for f in planar.frames})
    findings: list[Finding] = []
    views, began_s = [], 0.0
    for number in sorted({rotation for rotation, _, _ in keys}):
        if number > len(planar.rotations):
            raise refused("angles_missing", f"no item for rotation {number}")
        rotation = planar.rotations[number - 1]
        own = [(view, detector) for one, view, detector in keys if one == number]
        count = max(view for view, _ in own)
        step_deg = _step_deg(rotation, count, findings)
        duration_s = rotation.frame_duration_s or 0.0
        for view, detector in own:
            head = planar.detectors[detector - 1] if detector <= len(planar.detectors) else None
            start_deg = _start_deg(planar, rotation, head)
            views.append(
                View(
                    angle_deg=(start_deg + step_deg * (view - 1)) % 360.0,
                    radius_mm=_radius_mm(rotation, head, view),
                    started_s=began_s + duration_s * (view - 1),
                    duration_s=duration_s,
                    detector=detector,
                )
            )
        began_s += duration_s * count
    if len({round(view.angle_deg, 3) for view in views}) < 3:
        raise refused("too_few_views", f"{len(views)} views")
    if len({(round(view.angle_deg, 3), view.started_s) for view in views}) < len(views):
        raise refused("angles_missing", "several detectors at one angle")
    return views, keys, findings


def _start_deg(
    planar: PlanarSeries, rotation: camera.Rotation, head: camera.Detector | None
) -> float:
    """Where this detector begins this rotation; one head alone is told by the rotation."""
    alone = len(planar.detectors) < 2 and rotation.start_angle_deg is not None
    if head is not None and head.start_angle_deg is not None and not alone:
        first_deg = planar.rotations[0].start_angle_deg or 0.0
        return head.start_angle_deg + (rotation.start_angle_deg or 0.0) - first_deg
    if rotation.start_angle_deg is None:
        raise refused("angles_missing", "no Start Angle")
    return rotation.start_angle_deg


def _step_deg(rotation: camera.Rotation, count: int, findings: list[Finding]) -> float:
    sign, step, arc = rotation.direction_sign, rotation.step_deg, rotation.arc_deg
    if sign is None or (not step and not arc):
        raise refused("angles_missing", f"direction {sign}, step {step}, arc {arc}")
    if not step:
        step = (arc or 0.0) / count
        findings.append(finding("step_assumed", step_deg=step))
    elif arc and abs(abs(step) * count - arc) > 1.5 * abs(step):
        findings.append(finding("arc_differs", stated_deg=arc, views_deg=abs(step) * count))
    return sign * abs(step)


def _radius_mm(rotation: camera.Rotation, head: camera.Detector | None, view: int) -> float | None:
    """Most cameras state the radius per rotation, some per detector."""
    for radii in (head.radial_position_mm if head else (), rotation.radial_position_mm):
        if radii and max(radii) > 0:
            return radii[view - 1] if view <= len(radii) else radii[0]
    return None


def _in_order(planar: PlanarSeries, keys: list[tuple[int, int, int]]) -> npt.NDArray[np.float32]:
    windows = max(frame.energy_window for frame in planar.frames)
    gates = sorted({(frame.rr_interval, frame.time_slot) for frame in planar.frames})
    place = {key: index for index, key in enumerate(keys)}
    slot = {gate: index for index, gate in enumerate(gates)}
    shape = (windows, len(gates), len(keys), *planar.array.shape[1:])
    counts = np.zeros(shape, dtype=np.float32)
    seen = np.zeros(shape[:3], dtype=np.int64)
    for frame, stored in zip(planar.frames, planar.array, strict=True):
        key = place[frame.rotation, frame.angular_view, frame.detector]
        at = (frame.energy_window - 1, slot[frame.rr_interval, frame.time_slot], key)
        counts[at] = stored
        seen[at] += 1
    if seen.min() < 1 or seen.max() > 1:
        raise refused("frames_missing", f"{int((seen != 1).sum())} of {seen.size} places")
    if not np.all(np.isfinite(counts)) or counts.min() < 0:
        raise refused("bad_counts")
    if not counts.any():
        raise refused("no_counts")
    return counts


def _windows(planar: PlanarSeries, count: int) -> tuple[EnergyWindow, ...]:
    known = list(planar.energy_windows)[:count]
    known += [camera.EnergyWindow()] * (count - len(known))
    return tuple(
        EnergyWindow(
            name=window.name or str(number),
            low_kev=min((low for low, _ in window.ranges_kev), default=0.0),
            high_kev=max((high for _, high in window.ranges_kev), default=0.0),
        )
        for number, window in enumerate(known, start=1)
    )


def _nuclide(dataset: Dataset) -> str:
    for drug in dataset.get("RadiopharmaceuticalInformationSequence") or ():
        for code in drug.get("RadionuclideCodeSequence") or ():
            for text in (code.get("CodeValue"), code.get("CodeMeaning")):
                try:
                    return nuclide(str(text)).symbol
                except UnknownNuclide:
                    continue
    return ""


def _centre(dataset: Dataset, rows: int, row_mm: float) -> Floats | None:
    """The axis of rotation lies at x = y = 0, as cameras write it; z is that of the first row."""
    for item in dataset.get("DetectorInformationSequence") or ():
        position = camera.numbers(item, "ImagePositionPatient")
        orientation = camera.numbers(item, "ImageOrientationPatient")
        if len(position) == 3 and len(orientation) == 6 and abs(orientation[5]) > 0.9:
            down = math.copysign(1.0, orientation[5])
            return np.array([0.0, 0.0, position[2] + down * (rows - 1) / 2.0 * row_mm])
    return None


def _as_the_detector_sees(
    counts: npt.NDArray[np.float32],
    planar: PlanarSeries,
    views: list[View],
    findings: list[Finding],
) -> None:
    """Mirror rows or columns, in place, where the header's orientation of a head asks for it."""
    for number, head in enumerate(planar.detectors, start=1):
        own = [index for index, view in enumerate(views) if view.detector == number]
        if head.row is None or head.column is None or not own:
            continue
        a = math.radians(views[own[0]].angle_deg)
        along = -head.row[0] * math.cos(a) + head.row[1] * math.sin(a)
        down = -head.column[2]
        if min(abs(along), abs(down)) < 0.9:
            findings.append(finding("orientation_conflict", detector=number))
            continue
        for index in own:
            view = counts[:, :, index].copy()
            view = view[..., ::-1] if along < 0 else view
            counts[:, :, index] = view[..., ::-1, :] if down < 0 else view


def _from_gantry(study: TomoStudy, position: str) -> TomoStudy:
    turns: dict[str, tuple[Callable[[float], float], bool]] = {
        "HFS": (lambda a: a, False),
        "HFP": (lambda a: a + 180.0, False),
        "FFS": (lambda a: -a, True),
        "FFP": (lambda a: 180.0 - a, True),
    }
    if position not in turns:
        raise refused("position_unknown", position)
    turn, mirrored = turns[position]
    views = tuple(replace(view, angle_deg=turn(view.angle_deg) % 360.0) for view in study.views)
    counts = study.counts[..., ::-1, ::-1].copy() if mirrored else study.counts
    return replace(study, counts=counts, views=views)


def _patient_position(dataset: Dataset) -> str:
    """HFS, HFP, FFS or FFP from Patient Position or the NM/PET orientation codes, else ""."""
    stated = camera.text(dataset, "PatientPosition").upper()
    if stated:
        return stated
    words = [
        camera.text(item, "CodeMeaning")
        for item in dataset.get("PatientGantryRelationshipCodeSequence") or ()
    ]
    for item in dataset.get("PatientOrientationCodeSequence") or ():
        for modifier in item.get("PatientOrientationModifierCodeSequence") or ():
            words.append(camera.text(modifier, "CodeMeaning"))
    text = " ".join(words).lower().replace("-", "")
    entering = "HF" if "headfirst" in text else "FF" if "feetfirst" in text else ""
    lying = "S" if "supine" in text else "P" if "prone" in text else ""
    return entering + lying if entering and lying else ""


def _note_truncation(counts: npt.NDArray[np.float32], findings: list[Finding]) -> None:
    profiles = counts[0].sum(axis=(0, 2), dtype=np.float64)
    edge = max(float(profiles[:, 0].max()), float(profiles[:, -1].max()))
    share = edge / max(float(profiles.max()), 1.0)
    if share > _EDGE_SHARE:
        findings.append(finding("truncated", edge_share=round(share, 3)))


def _without_pixels(dataset: Dataset) -> Dataset:
    header = Dataset()
    header.update({element.tag: element for element in dataset if element.tag != 0x7FE00010})
    return header
