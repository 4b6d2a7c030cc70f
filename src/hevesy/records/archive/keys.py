"""Keys of a query to the index, for C-FIND and QIDO-RS alike (PS3.4 C.2.2.2).

A closed list: nothing a client sends becomes a column or a lookup (reliability A11, B4).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.db.models import BooleanField, F, Func, Q, QuerySet, Value
from django.db.models.functions import Upper

LONGEST_VALUE: Final = 64 * 1024
LONGEST_PATTERN: Final = 200
MOST_UIDS: Final = 1000
Match = Callable[[str], Q]


class KeyRefused(ValueError):
    """A value that cannot be matched; `str()` says what is expected."""


def wildcard(column: str) -> Match:
    """Single value or wildcard matching (PS3.4 C.2.2.2.1, C.2.2.2.4), without regard to case."""
    return lambda value: _like(column, value)


def identifier(column: str) -> Match:
    """As `wildcard`; a single value is matched exactly, so that the database finds it in an index."""

    def match(value: str) -> Q:
        return _like(column, value) if re.search(r"[*?]", value) else Q(**{column: value})

    return match


def _like(column: str, value: str, *, before: str = "", after: str = "") -> Q:
    if len(value) > LONGEST_PATTERN:
        raise KeyRefused("the value is too long to be matched")
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
    """As `wildcard`, for the whole name or one of its groups (alphabetic=ideographic=phonetic).

    A query for several groups (`Li*=李*`) wants each of them in its own place; an empty one is any.
    """

    def match(value: str) -> Q:
        groups = [group.strip().rstrip("^") for group in value.split("=")]
        if len(groups) > 1:
            pattern = "=".join(group or "*" for group in groups)
            return _like(column, pattern) | _like(column, pattern, after="=%")
        around = (("", ""), ("", "=%"), ("%=", ""), ("%=", "=%"))
        query = Q()
        for before, after in around:
            query |= _like(column, groups[0], before=before, after=after)
        return query

    return match


def exact(column: str) -> Match:
    """Single value or list of UIDs matching (PS3.4 C.2.2.2.2)."""

    def match(value: str) -> Q:
        uids = [part.strip() for part in re.split(r"[\\,]", value) if part.strip()]
        if len(uids) > MOST_UIDS or any(len(uid) > 64 for uid in uids):
            raise KeyRefused(f"a UID has at most 64 characters, a list at most {MOST_UIDS} of them")
        return Q(**{f"{column}__in": uids})

    return match


def dates(column: str) -> Match:
    """Single date or range matching: 20261124, 20261101-20261130, -20261130, 20261101-."""

    def match(value: str) -> Q:
        if not re.fullmatch(r"\d{8}|\d{8}-|-\d{8}|\d{8}-\d{8}", value):
            raise KeyRefused("a date is 20261124, a range 20261101-20261130")
        return _between(column, value)

    return match


def times(column: str) -> Match:
    """Single time or range matching: 1015, 0800-1200, -1200, 0800-; with or without fractions."""
    one = r"\d{2,6}(\.\d{1,6})?"

    def match(value: str) -> Q:
        if not re.fullmatch(f"{one}|{one}-|-{one}|{one}-{one}", value):
            raise KeyRefused("a time is 101500, a range 080000-120000")
        first, dash, last = value.partition("-")
        if dash:
            # 081500.000 is not after a stored 0815: what a header leaves out is zero.
            first = first.rstrip("0").rstrip(".") if "." in first else first
            while len(first) > 2 and first.endswith("00"):
                first = first[:-2]
        return _between(column, first + dash + last)

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
            raise KeyRefused("the value is not a number")
        return Q(**{column: int(value)})

    return match


def one_of(column: str) -> Match:
    """A code, one with wildcards, or several of them."""

    def match(value: str) -> Q:
        query = Q(pk__in=())
        for one in re.split(r"[\\,]", value)[:20]:
            query |= identifier(column)(one.strip().upper())
        return query

    return match


STUDY: Mapping[str, Match] = {
    "StudyInstanceUID": exact("study_instance_uid"),
    "PatientID": identifier("patient_id"),
    "PatientName": person_name("patient_name"),
    "PatientBirthDate": dates("patient_birth_date"),
    "PatientSex": identifier("patient_sex"),
    "AccessionNumber": identifier("accession_number"),
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
TAGS: Mapping[str, str] = {
    "0020000D": "StudyInstanceUID",
    "00100020": "PatientID",
    "00100010": "PatientName",
    "00100030": "PatientBirthDate",
    "00100040": "PatientSex",
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
            raise KeyRefused(f"the value of {keyword} is too long")
        rows = rows.filter(match(value))
        joined = joined or keyword == "ModalitiesInStudy"
    return rows.distinct() if joined else rows
