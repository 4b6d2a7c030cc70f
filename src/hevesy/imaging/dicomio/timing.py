"""When a slice was taken and which gate or time frame it belongs to.

Classic PET: PS3.3 C.8.9 (Image Index (0054,1330) counts slices fastest, then time slots, R-R
intervals or time slices). NM: index vectors, C.8.4.8. Enhanced: the functional groups Frame
Content, Temporal Position and Cardiac Synchronization, C.7.6.16.2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pydicom.dataset import Dataset

from hevesy.imaging.dicomio import camera
from hevesy.imaging.dicomio.headers import find
from hevesy.imaging.quantify.clock import Moment, parse_date_time, parse_datetime, parse_offset


@dataclass(frozen=True, slots=True)
class FrameTiming:
    """What the header states; None where it is silent. Numbers count from 1.

    acquired: start of the frame. reference_s: Frame Reference Time, from the series reference to
    the moment of mean activity. trigger_s: from the R wave to the middle or start of the gate, as
    the scanner defines it. rr_low_s, rr_high_s: accepted heart beats.
    """

    acquired: Moment | None = None
    reference_s: float | None = None
    duration_s: float | None = None
    time_index: int | None = None
    gate: int | None = None
    rr_interval: int | None = None
    trigger_s: float | None = None
    rr_low_s: float | None = None
    rr_high_s: float | None = None

    @property
    def labels(self) -> tuple[tuple[float, ...] | None, ...]:
        """What may tell this frame from others at its place, most telling first; None: not stated.

        Gate; time frame; trigger; reference time; start.
        """
        gate = None if self.gate is None else (self.rr_interval or 1, self.gate)
        return (
            gate,
            None if self.time_index is None else (self.time_index,),
            None if self.trigger_s is None else (self.trigger_s,),
            None if self.reference_s is None else (self.reference_s,),
            None if self.acquired is None else (self.acquired.wall.timestamp(),),
        )


def frame_timing(dataset: Dataset) -> Callable[[int], FrameTiming]:
    """A function from a frame of this data set (0-based) to its timing."""
    if dataset.get("PerFrameFunctionalGroupsSequence"):
        return lambda frame: _enhanced(dataset, frame)
    if str(dataset.get("Modality")) == "NM":
        return _nuclear_medicine(dataset)
    timing = _classic(dataset)
    return lambda frame: timing


def _classic(dataset: Dataset) -> FrameTiming:
    kind = str(next(iter(dataset.get("SeriesType") or ()), "")).upper()
    slices = camera.whole(dataset, "NumberOfSlices") or 0
    slots = camera.whole(dataset, "NumberOfTimeSlots") or 1
    index = (camera.whole(dataset, "ImageIndex") or 0) - 1
    time_index = camera.whole(dataset, "TemporalPositionIdentifier")
    gate = rr_interval = None
    if kind == "DYNAMIC" and slices > 0 and index >= 0:
        time_index = index // slices + 1
    if kind == "GATED" and slices > 0 and index >= 0:
        gate = index // slices % slots + 1
        rr_interval = index // (slices * slots) + 1
    return FrameTiming(
        acquired=_moment(dataset),
        reference_s=camera.seconds(dataset, "FrameReferenceTime"),
        duration_s=camera.seconds(dataset, "ActualFrameDuration"),
        time_index=time_index,
        gate=gate,
        rr_interval=rr_interval,
        trigger_s=camera.seconds(dataset, "TriggerTime"),
        rr_low_s=camera.seconds(dataset, "LowRRValue"),
        rr_high_s=camera.seconds(dataset, "HighRRValue"),
    )


def _nuclear_medicine(dataset: Dataset) -> Callable[[int], FrameTiming]:
    acquired = _moment(dataset)
    gates = camera.gates(dataset)
    slots = camera.numbers(dataset, "TimeSlotVector")
    intervals = camera.numbers(dataset, "RRIntervalVector")

    def timing(frame: int) -> FrameTiming:
        if frame >= len(slots):
            return FrameTiming(acquired=acquired)
        slot = int(slots[frame])
        interval = int(intervals[frame]) if frame < len(intervals) else 1
        gate = gates[interval - 1] if interval <= len(gates) else camera.Gate()
        return FrameTiming(
            acquired=acquired,
            duration_s=gate.acquired_s[slot - 1] if slot <= len(gate.acquired_s) else None,
            gate=slot,
            rr_interval=interval,
            trigger_s=None if gate.slot_s is None else (slot - 1) * gate.slot_s,
            rr_low_s=gate.low_rr_s,
            rr_high_s=gate.high_rr_s,
        )

    return timing


def _enhanced(dataset: Dataset, frame: int) -> FrameTiming:
    found = Dataset()
    for keyword in (
        "TemporalPositionIndex",
        "FrameAcquisitionDuration",
        "NominalCardiacTriggerDelayTime",
        "FrameReferenceTime",
        "ActualFrameDuration",
        "TriggerTime",
    ):
        value = find(dataset, keyword, frame)
        if value is not None:
            setattr(found, keyword, value)
    offset = parse_offset(camera.text(dataset, "TimezoneOffsetFromUTC"))
    stated = find(dataset, "FrameAcquisitionDateTime", frame)
    duration_s = camera.seconds(found, "FrameAcquisitionDuration")
    trigger_s = camera.seconds(found, "NominalCardiacTriggerDelayTime")
    return FrameTiming(
        acquired=parse_datetime(str(stated), offset) if stated else _moment(dataset),
        reference_s=camera.seconds(found, "FrameReferenceTime"),
        duration_s=(
            camera.seconds(found, "ActualFrameDuration") if duration_s is None else duration_s
        ),
        time_index=camera.whole(found, "TemporalPositionIndex"),
        trigger_s=camera.seconds(found, "TriggerTime") if trigger_s is None else trigger_s,
    )


def _moment(dataset: Dataset) -> Moment | None:
    offset = parse_offset(camera.text(dataset, "TimezoneOffsetFromUTC"))
    return parse_date_time(
        camera.text(dataset, "AcquisitionDate"), camera.text(dataset, "AcquisitionTime"), offset
    ) or parse_datetime(camera.text(dataset, "AcquisitionDateTime"), offset)
