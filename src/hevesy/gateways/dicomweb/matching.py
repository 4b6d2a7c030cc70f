"""QIDO keys to the index: a closed list; nothing a client sends becomes a column or a lookup (reliability B4)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import BooleanField, F, Func, Q, QuerySet, Value
from django.db.models.functions import Upper

from hevesy.gateways.dicomweb.door import RequestRefused

LARGEST_PAGE = 1000
LONGEST_VALUE = 4000
LONGEST_PATTERN = 200
Match = Callable[[str], Q]


def wildcard(column: str) -> Match:
    """Single value or wildcard matching (PS3.4 C.2.2.2.1, C.2.2.2.4), without regard to case."""
    return lambda value: _like(column, value)


def _like(column: str, value: str, *, before: str = "", after: str = "") -> Q:
    if len(value) > LONGEST_PATTERN:
        raise RequestRefused("the value is too long to be matched")
    # LIKE and not a regular expression: those of a stranger can take for ever.
    escaped = re.sub(r"([\\%_])", r"\\\1", value)
    pattern = before + re.sub(r"\*+", "%", escaped).replace("?", "_") + after
    compared = Func(
        Upper(F(column)),
        Upper(Value(pattern)),
        template="(%(expressions)s ESCAPE '\\')",
        arg_joiner=" LIKE ",
        output_field=BooleanField(),
    )
    return Q(compared)


def person_name(column: str) -> Match:
    """As `wildcard`, for the whole name or one of its groups (alphabetic=ideographic=phonetic)."""

    def match(value: str) -> Q:
        around = (("", ""), ("", "=%"), ("%=", ""), ("%=", "=%"))
        query = Q()
        for before, after in around:
            query |= _like(column, value, before=before, after=after)
        return query

    return match


def exact(column: str) -> Match:
    """Single value or list of UIDs matching."""

    def match(value: str) -> Q:
        return Q(**{f"{column}__in": [part for part in re.split(r"[\\,]", value) if part][:200]})

    return match


def dates(column: str) -> Match:
    """Single date or range matching: 20261124, 20261101-20261130, -20261130, 20261101-."""

    def match(value: str) -> Q:
        if not re.fullmatch(r"\d{8}|\d{8}-|-\d{8}|\d{8}-\d{8}", value):
            raise RequestRefused("a date is 20261124, a range 20261101-20261130")
        return _between(column, value)

    return match


def times(column: str) -> Match:
    """Single time or range matching: 1015, 0800-1200, -1200, 0800-."""

    def match(value: str) -> Q:
        if not re.fullmatch(r"\d{2,6}(\.\d{1,6})?|\d{2,6}-|-\d{2,6}|\d{2,6}-\d{2,6}", value):
            raise RequestRefused("a time is 101500, a range 080000-120000")
        return _between(column, value)

    return match


def _between(column: str, value: str) -> Q:
    first, dash, last = value.partition("-")
    if not dash:
        return Q(**{f"{column}__startswith": value})
    query = ~Q(**{column: ""})
    if first:
        query &= Q(**{f"{column}__gte": first})
    if last:
        # What begins with the last value belongs to the range: 1200 includes 120059.
        query &= Q(**{f"{column}__lte": last}) | Q(**{f"{column}__startswith": last})
    return query


def number(column: str) -> Match:
    """Integer matching."""

    def match(value: str) -> Q:
        if not re.fullmatch(r"-?\d{1,9}", value):
            raise RequestRefused("the value is not a number")
        return Q(**{column: int(value)})

    return match


def one_of(column: str) -> Match:
    """A code, or several of them."""

    def match(value: str) -> Q:
        return Q(
            **{f"{column}__in": [one.strip().upper() for one in re.split(r"[\\,]", value)[:20]]}
        )

    return match


STUDY: Mapping[str, Match] = {
    "StudyInstanceUID": exact("study_instance_uid"),
    "PatientID": wildcard("patient_id"),
    "PatientName": person_name("patient_name"),
    "AccessionNumber": wildcard("accession_number"),
    "StudyDate": dates("study_date"),
    "StudyTime": times("study_time"),
    "StudyID": wildcard("study_id"),
    "StudyDescription": wildcard("description"),
    "ReferringPhysicianName": person_name("referring_physician"),
    "ModalitiesInStudy": one_of("series__modality"),
}
SERIES: Mapping[str, Match] = {
    "SeriesInstanceUID": exact("series_instance_uid"),
    "Modality": one_of("modality"),
    "SeriesNumber": number("number"),
    "SeriesDescription": wildcard("description"),
}
INSTANCE: Mapping[str, Match] = {
    "SOPInstanceUID": exact("sop_instance_uid"),
    "SOPClassUID": exact("sop_class_uid"),
    "InstanceNumber": number("number"),
}
TAGS = {
    "0020000D": "StudyInstanceUID",
    "00100020": "PatientID",
    "00100010": "PatientName",
    "00080050": "AccessionNumber",
    "00080020": "StudyDate",
    "00080030": "StudyTime",
    "00200010": "StudyID",
    "00081030": "StudyDescription",
    "00080090": "ReferringPhysicianName",
    "00080061": "ModalitiesInStudy",
    "0020000E": "SeriesInstanceUID",
    "00080060": "Modality",
    "00200011": "SeriesNumber",
    "0008103E": "SeriesDescription",
    "00080018": "SOPInstanceUID",
    "00080016": "SOPClassUID",
    "00200013": "InstanceNumber",
}


def narrowed(
    rows: QuerySet[Any], asked: Mapping[str, str], keys: Mapping[str, Match]
) -> QuerySet[Any]:
    """`rows` narrowed by the keys of this level that the client gave; others are not looked at."""
    joined = False
    for given, value in asked.items():
        keyword = TAGS.get(given.upper(), given)
        match = keys.get(keyword)
        # PostgreSQL takes no NUL, and no header holds control characters.
        value = "".join(
            letter for letter in value[: LONGEST_VALUE + 1] if letter.isprintable()
        ).strip()
        if match is None or value in ("", "*"):
            continue
        if len(value) > LONGEST_VALUE:
            raise RequestRefused(f"the value of {keyword} is too long")
        rows = rows.filter(match(value))
        joined = joined or keyword == "ModalitiesInStudy"
    return rows.distinct() if joined else rows


def page(asked: Mapping[str, str]) -> tuple[int, int, bool]:
    """Offset, limit, and whether the limit was cut down to ours."""

    def count(name: str, default: int) -> int:
        text = asked.get(name, "")
        if text and not re.fullmatch(r"[0-9]{1,12}", text):
            raise RequestRefused(f"{name} must be a number")
        return int(text) if text else default

    limit = count("limit", LARGEST_PAGE)
    return count("offset", 0), min(limit, LARGEST_PAGE), limit > LARGEST_PAGE
