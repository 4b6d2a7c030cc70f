"""Planar images and projections of a gamma camera: frames with their vectors, no volume.

STATIC, WHOLE BODY, DYNAMIC, GATED, TOMO and GATED TOMO of an NM object (PS3.3 C.8.4.8). The order
of frames is that of the file; each carries its indices (from 1, as DICOM counts), its view and
its times.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from hevesy.imaging.dicomio import camera
from hevesy.imaging.dicomio.guards import DEFAULT_LIMITS, Limits, read_dataset
from hevesy.imaging.dicomio.headers import quantification_header
from hevesy.imaging.dicomio.pixels import decode_pixels
from hevesy.imaging.dicomio.refusal import ImageRefused, refusing_what_pydicom_cannot_parse
from hevesy.imaging.geometry import Finding

Item = TypeVar("Item")

NM_IMAGE_STORAGE: Final = "1.2.840.10008.5.1.4.1.1.20"
KINDS: Final = ("STATIC", "WHOLE BODY", "DYNAMIC", "GATED", "TOMO", "GATED TOMO")
# Index vectors, slowest first; the innermost of a kind may be counted where all vectors are lost.
_VECTORS: Final = {
    "energy_window": "EnergyWindowVector",
    "detector": "DetectorVector",
    "phase": "PhaseVector",
    "rotation": "RotationVector",
    "rr_interval": "RRIntervalVector",
    "time_slot": "TimeSlotVector",
    "angular_view": "AngularViewVector",
    "time_slice": "TimeSliceVector",
}
_NEEDED: Final = {
    "DYNAMIC": ("phase", "time_slice"),
    "GATED": ("rr_interval", "time_slot"),
    "TOMO": ("rotation", "angular_view"),
    "GATED TOMO": ("rotation", "rr_interval", "time_slot", "angular_view"),
}


@dataclass(frozen=True, slots=True)
class PlanarFrame:
    """Where and when one frame was taken. Indices count from 1; 1 where the kind has no such axis.

    view: as `camera.Detector.view`; of a projection the side it was taken from. start_s: from the
    start of the acquisition, None where the header does not tell (gated frames, projections taken
    with unstated pauses between them). duration_s: counting time, of
    a whole-body image that of the whole scan. angle_deg: place of the
    detector, 0 at the patient's back, 90 at the left. slot_s: width of the time slot in the cycle.
    """

    detector: int = 1
    energy_window: int = 1
    phase: int = 1
    rotation: int = 1
    rr_interval: int = 1
    time_slot: int = 1
    angular_view: int = 1
    time_slice: int = 1
    view: str = ""
    start_s: float | None = None
    duration_s: float | None = None
    angle_deg: float | None = None
    slot_s: float | None = None


@dataclass(frozen=True, eq=False)
class PlanarSeries:
    """All frames of one NM object.

    array: [frame, row, column], counts as stored (uint16 mostly; float32 if the header rescales).
    spacing_mm: between columns, between rows; None if the header states none. header: see
    `hevesy.imaging.dicomio.headers` (activities of NM objects are in MBq).
    """

    array: npt.NDArray[Any]
    kind: str
    frames: tuple[PlanarFrame, ...]
    spacing_mm: tuple[float, float] | None
    detectors: tuple[camera.Detector, ...]
    energy_windows: tuple[camera.EnergyWindow, ...]
    phases: tuple[camera.Phase, ...]
    rotations: tuple[camera.Rotation, ...]
    gates: tuple[camera.Gate, ...]
    header: Mapping[str, Any]
    patient_position: str = ""
    description: str = ""
    sop_instance_uid: str = ""
    series_instance_uid: str = ""
    study_instance_uid: str = ""
    frame_of_reference_uid: str = ""
    findings: tuple[Finding, ...] = ()
    units: str = "CNTS"

    def where(self, **wanted: object) -> npt.NDArray[np.intp]:
        """Indices into `array` of the frames with these values, in file order.

        `series.array[series.where(view="posterior", energy_window=1)]`. Raises `AttributeError`
        for a name that `PlanarFrame` does not have.
        """
        chosen = [
            index
            for index, frame in enumerate(self.frames)
            if all(getattr(frame, name) == value for name, value in wanted.items())
        ]
        return np.array(chosen, dtype=np.intp)


def read_planar(source: str | Path | Dataset, *, limits: Limits = DEFAULT_LIMITS) -> PlanarSeries:
    """Read one planar or projection object of a gamma camera. Raises `ImageRefused`.

    `not_planar`: another kind of image (a reconstructed volume is read by `read_series`);
    `frame_vectors`: the index vectors are missing or do not fit the number of frames.
    """
    with refusing_what_pydicom_cannot_parse():
        dataset = source if isinstance(source, Dataset) else read_dataset(source, limits=limits)
        kind = _kind(dataset)
        stored = decode_pixels(dataset, limits=limits)
        if stored.ndim != 3:
            raise ImageRefused("colour")
        findings: list[Finding] = list(_doubts(dataset))
        setting = _Setting(dataset, kind)
        indices = _indices(dataset, kind, len(stored), findings)
        frames = tuple(setting.frames(indices, findings))
        spacing = camera.numbers(dataset, "PixelSpacing")
        if len(spacing) != 2 or min(spacing) <= 0:
            findings.append(_NO_SPACING)
        return PlanarSeries(
            array=_counts(dataset, stored),
            kind=kind,
            frames=frames,
            spacing_mm=(spacing[1], spacing[0]) if len(spacing) == 2 and min(spacing) > 0 else None,
            detectors=setting.detectors,
            energy_windows=setting.energy_windows,
            phases=setting.phases,
            rotations=setting.rotations,
            gates=setting.gates,
            header=quantification_header(dataset),
            patient_position=camera.text(dataset, "PatientPosition"),
            description=camera.text(dataset, "SeriesDescription"),
            sop_instance_uid=camera.text(dataset, "SOPInstanceUID"),
            series_instance_uid=camera.text(dataset, "SeriesInstanceUID"),
            study_instance_uid=camera.text(dataset, "StudyInstanceUID"),
            frame_of_reference_uid=camera.text(dataset, "FrameOfReferenceUID"),
            findings=tuple(findings),
        )


def _kind(dataset: Dataset) -> str:
    image_type = [str(part).strip().upper() for part in dataset.get("ImageType") or ()]
    kind = image_type[2] if len(image_type) > 2 else ""
    if str(dataset.get("Modality")) != "NM" or kind not in KINDS:
        raise ImageRefused("not_planar", "\\".join(image_type))
    return kind


def _counts(dataset: Dataset, stored: npt.NDArray[Any]) -> npt.NDArray[Any]:
    slope = camera.number(dataset, "RescaleSlope")
    intercept = camera.number(dataset, "RescaleIntercept") or 0.0
    if slope == 0:
        raise ImageRefused("bad_pixel_attributes", "Rescale Slope is zero")
    if slope in (None, 1.0) and intercept == 0:
        return stored
    return (stored * (slope or 1.0) + intercept).astype(np.float32)


def _doubts(dataset: Dataset) -> Iterator[Finding]:
    if str(dataset.get("LossyImageCompression") or "") == "01":
        yield Finding(
            "lossy",
            "The image was compressed with loss; counts are not to be measured.",
            "图像经过有损压缩，计数值不可用于测量。",
        )
    if str(dataset.get("SOPClassUID")) != NM_IMAGE_STORAGE:
        yield Finding(
            "not_nm_storage",
            "The image is a copy in another format; its counts may be scaled.",
            "该图像是以其他格式保存的副本，计数可能经过缩放。",
        )


def _indices(
    dataset: Dataset, kind: str, count: int, findings: list[Finding]
) -> list[dict[str, int]]:
    vectors: dict[str, list[int]] = {}
    for name, keyword in _VECTORS.items():
        stated = [int(one) for one in camera.numbers(dataset, keyword)]
        if stated and len(stated) != count:
            raise ImageRefused("frame_vectors", f"{keyword}: {len(stated)} for {count} frames")
        if stated:
            if min(stated) < 1:
                raise ImageRefused("frame_vectors", f"{keyword} counts from {min(stated)}")
            vectors[name] = stated
    needed = _NEEDED.get(kind, ())
    if len(dataset.get("DetectorInformationSequence") or ()) > 1:
        needed = ("detector", *needed)
    missing = [name for name in needed if name not in vectors]
    if missing and count > 1:
        several = [name for name, vector in vectors.items() if len(set(vector)) > 1]
        if several or missing[-1] != needed[-1]:
            raise ImageRefused("frame_vectors", "missing: " + ", ".join(missing))
        vectors[needed[-1]] = list(range(1, count + 1))
        findings.append(
            Finding(
                "frame_vectors_missing",
                "The header has no index vectors; frames are numbered in file order.",
                "头文件缺少帧索引向量，各帧按文件顺序编号。",
                {"missing": missing},
            )
        )
    indices = [{name: vector[index] for name, vector in vectors.items()} for index in range(count)]
    alike = count - len({tuple(index.values()) for index in indices})
    if alike:
        findings.append(
            Finding(
                "frames_alike",
                "Several frames have the same detector, energy window and time in the header.",
                "多帧图像在头文件中的探头、能窗和时间完全相同，无法区分。",
                {"alike": alike},
            )
        )
    return indices


class _Setting:
    """The camera's settings, and what they say about each frame."""

    def __init__(self, dataset: Dataset, kind: str) -> None:
        self.kind = kind
        self.detectors = camera.detectors(dataset)
        self.energy_windows = camera.energy_windows(dataset)
        self.phases = camera.phases(dataset)
        self.rotations = camera.rotations(dataset)
        self.gates = camera.gates(dataset)
        self.whole_s = camera.seconds(dataset, "ActualFrameDuration")
        self.frame_time_s = camera.seconds(dataset, "FrameTime")
        names = (camera.text(dataset, "ImageID"), camera.text(dataset, "SeriesDescription"))
        self.named_view = next((view for n in names if (view := camera.view_of_name(n))), "")

    def frames(
        self, indices: list[dict[str, int]], findings: list[Finding]
    ) -> Iterator[PlanarFrame]:
        slices: dict[int, list[int]] = {}
        for index in indices:
            slices.setdefault(index.get("phase", 1), []).append(index.get("time_slice", 1))
        # The standard restarts the time slice with each phase, some cameras count on.
        place = {
            phase: {n: k for k, n in enumerate(sorted(set(found)))}
            for phase, found in slices.items()
        }
        from_name = False
        for index in indices:
            detector = _item(self.detectors, index.get("detector", 1))
            view, source = (detector.view, detector.view_source) if detector else ("", "")
            angle_deg = self._angle_deg(index, detector)
            if self.kind in ("TOMO", "GATED TOMO"):
                view = "" if angle_deg is None else _side(angle_deg)
            elif not view and not source and len(indices) == 1:
                view = self.named_view
                source = "name" if view else ""
            from_name |= source == "name"
            phase = index.get("phase", 1)
            start_s, duration_s = self._times(
                index, place[phase][index.get("time_slice", 1)], place
            )
            gate = self._gate(index)
            yield PlanarFrame(
                **index,
                view=view,
                start_s=start_s,
                duration_s=duration_s,
                angle_deg=angle_deg,
                slot_s=gate.slot_s if gate else None,
            )
        if from_name:
            findings.append(
                Finding(
                    "view_from_name",
                    "The view (anterior or posterior) was read from a free text of the header.",
                    "前位或后位由头文件中的文字说明推断，请核对。",
                )
            )

    def _times(
        self, index: dict[str, int], place: int, places: Mapping[int, Mapping[int, int]]
    ) -> tuple[float | None, float | None]:
        if self.kind in ("STATIC", "WHOLE BODY"):
            return 0.0, self.whole_s
        if self.kind == "DYNAMIC":
            return self._dynamic_times(index.get("phase", 1), place, places)
        gate = self._gate(index)
        if gate is not None and gate.acquired_s and "time_slot" in index:
            slot = index["time_slot"]
            return None, gate.acquired_s[slot - 1] if slot <= len(gate.acquired_s) else None
        rotation = _item(self.rotations, index.get("rotation", 1))
        if self.kind == "TOMO" and rotation is not None:
            return None, rotation.frame_duration_s
        return None, None

    def _dynamic_times(
        self, phase: int, place: int, places: Mapping[int, Mapping[int, int]]
    ) -> tuple[float | None, float | None]:
        begin = 0.0
        for number, one in enumerate(self.phases, start=1):
            begin += one.delay_s
            if one.frame_duration_s is None:
                return None, None
            step_s = one.frame_duration_s + one.pause_s
            if number == phase:
                return begin + place * step_s, one.frame_duration_s
            frames = one.frames or len(places.get(number, ()))
            begin += frames * step_s - (one.pause_s if frames else 0.0)
        if not self.phases and phase == 1:
            each_s = self.frame_time_s
            return (None, None) if each_s is None else (place * each_s, each_s)
        return None, None

    def _gate(self, index: dict[str, int]) -> camera.Gate | None:
        rotation = _item(self.rotations, index.get("rotation", 1))
        by_view = rotation is not None and rotation.views == len(self.gates) > 1
        return _item(self.gates, index.get("angular_view" if by_view else "rr_interval", 1))

    def _angle_deg(self, index: dict[str, int], detector: camera.Detector | None) -> float | None:
        rotation = _item(self.rotations, index.get("rotation", 1))
        if rotation is None or rotation.step_deg is None or rotation.direction_sign is None:
            return None
        start = detector.start_angle_deg if detector else None
        start = rotation.start_angle_deg if start is None else start
        if start is None:
            return None
        turned = rotation.direction_sign * (index.get("angular_view", 1) - 1) * rotation.step_deg
        return (start + turned) % 360.0


def _item(items: Sequence[Item], number: int) -> Item | None:
    return items[number - 1] if number <= len(items) else None


def _side(angle_deg: float) -> str:
    sides = {0: camera.POSTERIOR, 90: camera.LEFT, 180: camera.ANTERIOR, 270: camera.RIGHT}
    nearest = round(angle_deg)
    return sides.get(nearest % 360, "") if abs(angle_deg - nearest) < 1e-6 else ""


_NO_SPACING: Final = Finding(
    "no_spacing",
    "The header states no pixel spacing; nothing can be measured in mm.",
    "头文件未给出像素间距，无法以毫米测量。",
)
