"""QIDO keys to the index: a closed list; nothing a client sends becomes a column or a lookup (reliability B4)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import Q, QuerySet

LARGEST_PAGE = 1000


class QueryRefused(ValueError):
    """A key whose value cannot be matched; answered with 400."""


def wildcard(column: str) -> Callable[[str], Q]:
    """Single value or wildcard matching (PS3.4 C.2.2.2.1, C.2.2.2.4), without regard to case."""

    def match(value: str) -> Q:
        if not re.search(r"[*?]", value):
            return Q(**{f"{column}__iexact": value})
        pattern = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in value)
        return Q(**{f"{column}__iregex": f"^{pattern}$"})

    return match


def exact(column: str) -> Callable[[str], Q]:
    """Single value or list of UIDs matching."""

    def match(value: str) -> Q:
        return Q(**{f"{column}__in": [part for part in re.split(r"[\\\\,]", value) if part][:200]})

    return match


def dates(column: str) -> Callable[[str], Q]:
    """Single date or range matching: 20261124, 20261101-20261130, -20261130, 20261101-."""

    def match(value: str) -> Q:
        if not re.fullmatch(r"\d{8}|\d{8}-|-\d{8}|\d{8}-\d{8}", value):
            raise QueryRefused(f"{value[:40]!r} is not a date or a range of dates")
        first, _dash, last = value.partition("-")
        if not _dash:
            return Q(**{column: value})
        query = Q()
        if first:
            query &= Q(**{f"{column}__gte": first})
        if last:
            query &= Q(**{f"{column}__lte": last})
        return query & ~Q(**{column: ""})

    return match


def number(column: str) -> Callable[[str], Q]:
    """Integer matching."""

    def match(value: str) -> Q:
        if not re.fullmatch(r"-?\d{1,9}", value):
            raise QueryRefused(f"{value[:40]!r} is not a number")
        return Q(**{column: int(value)})

    return match


def _modalities(column: str) -> Callable[[str], Q]:
    def match(value: str) -> Q:
        query = Q()
        for one in re.split(r"[\\\\,]", value)[:20]:
            query |= Q(**{f"{column}": one.upper()})
        return query

    return match


STUDY = {
    "StudyInstanceUID": exact("study_instance_uid"),
    "PatientID": wildcard("patient_id"),
    "PatientName": wildcard("patient_name"),
    "AccessionNumber": wildcard("accession_number"),
    "StudyDate": dates("study_date"),
    "StudyDescription": wildcard("description"),
    "ModalitiesInStudy": _modalities("series__modality"),
}
SERIES = {
    "SeriesInstanceUID": exact("series_instance_uid"),
    "Modality": _modalities("modality"),
    "SeriesNumber": number("number"),
    "SeriesDescription": wildcard("description"),
}
INSTANCE = {
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
    "00081030": "StudyDescription",
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
    rows: QuerySet[Any], asked: Mapping[str, str], keys: Mapping[str, Callable[[str], Q]]
) -> QuerySet[Any]:
    """`rows` narrowed by the keys of this level that the client gave; others are not looked at."""
    joined = False
    for given, value in asked.items():
        keyword = TAGS.get(given.upper(), given)
        match = keys.get(keyword)
        if match is None or value in ("", "*"):
            continue
        if len(value) > 4000:
            raise QueryRefused(f"the value of {keyword} is too long")
        rows = rows.filter(match(value.strip()))
        joined = joined or keyword == "ModalitiesInStudy"
    return rows.distinct() if joined else rows


def page(asked: Mapping[str, str]) -> tuple[int, int, bool]:
    """Offset, limit, and whether the limit was cut down to ours."""

    def count(name: str, default: int) -> int:
        text = asked.get(name, "")
        if text and not re.fullmatch(r"\d{1,12}", text):
            raise QueryRefused(f"{name} must be a number")
        return int(text) if text else default

    limit = count("limit", LARGEST_PAGE)
    return count("offset", 0), min(limit, LARGEST_PAGE), limit > LARGEST_PAGE
