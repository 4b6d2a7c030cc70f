"""The search index of patients: which grams and keys a record has, and what a typed text may mean."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.db import connection
from django.db.models import Q

from hevesy.records.patients.models import Patient, SearchGram, SearchKey
from hevesy.records.patients.pinyin import has_han, search_readings


def name_grams(name: str) -> set[str]:
    """Single characters, pairs, and the marked first character of a Chinese name."""
    text = re.sub(r"[\s·•・]", "", name)
    if not has_han(text):
        return set()
    pairs = {text[i : i + 2] for i in range(len(text) - 1)}
    return {*text, *pairs, f"^{text[0]}"}


SHORT = 5
"""Letters of the longest beginning with a key of its own: the longest common surname, zhang, has five."""


def beginnings(*texts: str) -> set[str]:
    """The `b` keys of pinyin or initials."""
    return {f"b{text[:letters]}" for text in texts for letters in range(1, SHORT + 1)}


def search_keys(patient: Patient, identifiers: Iterable[str]) -> set[str]:
    """Everything by whose beginning the patient is found."""
    keys: set[str] = set()
    for spelled, initials in search_readings(patient.name_zh, patient.name_latin):
        keys |= {f"p{spelled}", f"i{initials}"} | beginnings(spelled, initials)
    digits = re.sub(r"\D", "", patient.phone)
    if digits:
        keys.add(f"t{digits[::-1]}")
    keys |= {f"n{number.lower()[::-1]}" for number in (*identifiers, patient.patient_id)}
    return keys


def write_index(patient: Patient) -> None:
    """Replace the patient's index rows; called by the actions, inside their transaction."""
    patient.grams.all().delete()
    patient.keys.all().delete()
    SearchGram.objects.bulk_create(
        SearchGram(patient=patient, gram=gram) for gram in sorted(name_grams(patient.name_zh))
    )
    numbers = patient.identifiers.values_list("value", flat=True)
    SearchKey.objects.bulk_create(
        SearchKey(patient=patient, key=key) for key in sorted(search_keys(patient, numbers))
    )


def begins_with(column: str, text: str) -> Q:
    """`column` begins with `text`, by index on both databases.

    PostgreSQL uses the pattern index for LIKE; SQLite cannot (its LIKE ignores case), but compares bytes in a range.
    """
    if connection.vendor == "sqlite":
        return Q(**{f"{column}__gte": text, f"{column}__lt": text + "\U0010ffff"})
    return Q(**{f"{column}__startswith": text})
