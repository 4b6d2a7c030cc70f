"""Dates and times of DICOM headers.

Scanners write wall-clock time, mostly without an offset. A moment is kept as its wall clock and,
where the header states one, its offset; two moments are compared by wall clock unless both state
an offset.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

_DATE: Final = re.compile(r"(\d{4})[.-]?(\d{2})[.-]?(\d{2})")
_TIME: Final = re.compile(r"(\d{2}):?(\d{2})?:?(\d{2})?(?:\.(\d{1,6}))?")
_OFFSET: Final = re.compile(r"([+-])(\d{2})(\d{2})$")


@dataclass(frozen=True, slots=True)
class Moment:
    """A point on the wall clock, labelled UTC only for arithmetic; `offset` from UTC if stated."""

    wall: datetime
    offset: timedelta | None = None

    def seconds_after(self, earlier: Moment) -> float:
        """Signed seconds from `earlier` to this moment."""
        difference = self.wall - earlier.wall
        if self.offset is not None and earlier.offset is not None:
            difference -= self.offset - earlier.offset
        return difference.total_seconds()

    def shifted(self, seconds: float) -> Moment:
        """This moment, later by `seconds`."""
        return Moment(self.wall + timedelta(seconds=seconds), self.offset)

    def isoformat(self) -> str:
        """Text of the wall clock, with the offset if one was stated."""
        text = self.wall.replace(tzinfo=None).isoformat(timespec="milliseconds")
        if self.offset is None:
            return text
        sign = "-" if self.offset < timedelta(0) else "+"
        minutes = abs(int(self.offset.total_seconds())) // 60
        return f"{text}{sign}{minutes // 60:02d}:{minutes % 60:02d}"


def parse_offset(text: str | None) -> timedelta | None:
    """Offset of Timezone Offset From UTC (0008,0201), "+0800"; None if absent or invalid."""
    found = _OFFSET.search((text or "").strip())
    if not found:
        return None
    hours, minutes = int(found[2]), int(found[3])
    if hours > 14 or minutes > 59:
        return None
    size = timedelta(hours=hours, minutes=minutes)
    return -size if found[1] == "-" else size


def parse_date_time(
    date: str | None, time: str | None, offset: timedelta | None = None
) -> Moment | None:
    """Moment of a DA and a TM value; None if either is absent or invalid."""
    day = _DATE.fullmatch((date or "").strip())
    clock = _TIME.fullmatch((time or "").strip())
    if not day or not clock:
        return None
    fraction = (clock[4] or "0").ljust(6, "0")
    try:
        wall = datetime(
            int(day[1]),
            int(day[2]),
            int(day[3]),
            int(clock[1]),
            int(clock[2] or 0),
            # Second 60 is a leap second, which DICOM allows and Python does not.
            min(int(clock[3] or 0), 59),
            int(fraction),
            tzinfo=UTC,
        )
    except ValueError:
        return None
    return Moment(wall, offset)


def parse_datetime(text: str | None, default_offset: timedelta | None = None) -> Moment | None:
    """Moment of a DT value with date and time; None if absent, invalid or without time."""
    value = (text or "").strip()
    own = parse_offset(value)
    if own is not None:
        value = value[:-5]
    if len(value) < 10:
        return None
    return parse_date_time(value[:8], value[8:], own if own is not None else default_offset)
