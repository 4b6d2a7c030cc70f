"""The time to which the voxel values of a PET series are decay corrected."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from hevesy.imaging.quantify.clock import Moment, parse_date_time, parse_datetime, parse_offset
from hevesy.imaging.quantify.decay import average_count_time_s
from hevesy.imaging.quantify.suv_texts import refused


@dataclass(frozen=True, slots=True)
class ReferenceTimes:
    """One moment for the series, or one per slice, and how it was found."""

    moments: tuple[Moment, ...]
    method: str


def reference_times(
    headers: Sequence[Mapping[str, Any]],
    *,
    correction: str,
    half_life_s: float,
    warn: Callable[[str], None],
) -> ReferenceTimes:
    """Reference time by Decay Correction (0054,1102) START or NONE.

    START, in this order: GE scan start (0009,100D); Decay Correction DateTime (0018,9701); series
    time, unless the series was made after the acquisition; back from Frame Reference Time; the
    earliest acquisition. NONE: the moment of mean activity of each slice's own frame.
    """
    if correction == "NONE":
        return ReferenceTimes(
            tuple(_mean_activity_moment(header, half_life_s) for header in headers),
            "frame times",
        )
    first = headers[0]
    offset = parse_offset(first.get("TimezoneOffsetFromUTC"))
    acquired = [moment for header in headers if (moment := acquisition_moment(header))]
    earliest = min(acquired, key=lambda moment: moment.wall, default=None)
    series = parse_date_time(first.get("SeriesDate"), first.get("SeriesTime"), offset)
    scanner = parse_datetime(first.get("GEScanDateTime"), offset)
    if scanner is not None:
        before = series is not None and earliest is not None and series.wall <= earliest.wall
        if before and series is not None and abs(scanner.seconds_after(series)) > 60:
            warn("reference_times_differ")
        return ReferenceTimes((scanner,), "GE scan start (0009,100D)")
    stated = parse_datetime(first.get("DecayCorrectionDateTime"), offset)
    if stated is not None:
        return ReferenceTimes((stated,), "decay correction time (0018,9701)")
    if series is not None and earliest is not None and series.wall <= earliest.wall:
        return ReferenceTimes((series,), "series time")
    computed = [_back_from_frame_reference(header, half_life_s) for header in headers]
    known = [moment for moment in computed if moment is not None]
    if known and len(known) == len(headers):
        return _agreed(known, warn)
    if earliest is not None:
        warn("reference_time_guessed")
        return ReferenceTimes((earliest,), "earliest acquisition time")
    raise refused("reference_time_missing")


def acquisition_moment(header: Mapping[str, Any]) -> Moment | None:
    """When the frame of the slice began, by Acquisition Date and Time or DateTime."""
    offset = parse_offset(header.get("TimezoneOffsetFromUTC"))
    return parse_date_time(
        header.get("AcquisitionDate"), header.get("AcquisitionTime"), offset
    ) or parse_datetime(header.get("AcquisitionDateTime"), offset)


def _agreed(moments: list[Moment], warn: Callable[[str], None]) -> ReferenceTimes:
    """One moment if the slices agree within a second, as times are rounded; else each its own."""
    offsets = [moment.seconds_after(moments[0]) for moment in moments]
    method = "frame reference time"
    if max(offsets) - min(offsets) <= 1.0:
        return ReferenceTimes((moments[0].shifted(median(offsets)),), method)
    if max(offsets) - min(offsets) > 60.0:
        warn("reference_times_differ")
    return ReferenceTimes(tuple(moments), method)


def _back_from_frame_reference(header: Mapping[str, Any], half_life_s: float) -> Moment | None:
    """Series reference from one slice: Frame Reference Time counts from it to mean activity."""
    acquired = acquisition_moment(header)
    frame_reference_ms = header.get("FrameReferenceTime") or 0
    duration_ms = header.get("ActualFrameDuration") or 0
    if acquired is None or frame_reference_ms <= 0 or duration_ms <= 0:
        return None
    average_s = average_count_time_s(frame_duration_s=duration_ms / 1000.0, half_life_s=half_life_s)
    return acquired.shifted(average_s - frame_reference_ms / 1000.0)


def _mean_activity_moment(header: Mapping[str, Any], half_life_s: float) -> Moment:
    acquired = acquisition_moment(header)
    duration_ms = header.get("ActualFrameDuration") or 0
    if acquired is None or duration_ms <= 0:
        raise refused("reference_time_missing")
    return acquired.shifted(
        average_count_time_s(frame_duration_s=duration_ms / 1000.0, half_life_s=half_life_s)
    )
