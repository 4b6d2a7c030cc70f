"""Finding patients: by anything one box can hold, and who may be the same person already."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor
from hevesy.records.patients.finding import SHORT, begins_with
from hevesy.records.patients.models import Patient, PatientIdentifier, SearchGram, SearchKey
from hevesy.records.patients.pinyin import has_han, plain, spellings

FINDERS: list[Callable[[str], Iterable[int]]] = []
"""Upper floors add how their numbers lead to patients (examination number); each returns primary keys."""


def visible_to(by: Actor) -> QuerySet[Patient]:
    """Patients this actor may read; merged records are hidden behind their survivor."""
    if not by.may("patients.view"):
        return Patient.objects.none()
    return Patient.objects.filter(merged_into__isnull=True)


def search(text: str, by: Actor, limit: int = 20) -> list[Patient]:
    """Patients found by name (any part), pinyin, initials, phone tail, any number; best matches first.

    Exact numbers come first, then beginnings, then parts; within each the newest record first. Merged records
    lead to their survivor. An empty text finds nobody.
    """
    by.require("patients.view")
    # PostgreSQL takes no NUL, and no name holds control characters.
    text = re.sub(r"[\x00-\x1f\x7f]", "", unicodedata.normalize("NFKC", text)).strip()
    if not text:
        return []
    found: list[int] = []
    for key in _candidates(text, limit):
        if key not in found:
            found.append(key)
        if len(found) >= limit:
            break
    patients = Patient.objects.select_related("merged_into").in_bulk(found)
    survivors: dict[int, Patient] = {}
    for key in found:
        patient = patients[key]
        while patient.merged_into is not None:
            patient = patient.merged_into
        survivors.setdefault(patient.pk, patient)
    return list(survivors.values())


def _candidates(text: str, limit: int) -> Iterator[int]:
    number = re.sub(r"[\s\-]", "", text)
    yield from _by_number(text, number, limit)
    if has_han(text):
        yield from _by_han(re.sub(r"[\s·•・]", "", text), limit)
        return
    if number.isdigit() and len(number) >= 3:
        yield from _by_key(f"t{number[::-1]}", limit)
        yield from _by_key(f"n{number[::-1]}", limit)
        return
    if plain(text) and not any(character.isdigit() for character in text):
        yield from _by_letters(plain(text), sorted(spellings(text)), limit)
    elif len(number) >= 3:
        yield from _by_key(f"n{number.lower()[::-1]}", limit)


def _by_number(text: str, number: str, limit: int) -> Iterator[int]:
    values = {text, text.upper(), number, number.upper()}
    yield from Patient.objects.filter(patient_id__in=values).values_list("pk", flat=True)
    yield from PatientIdentifier.objects.filter(value__in=values).values_list(
        "patient_id", flat=True
    )[:limit]
    for finder in FINDERS:
        yield from islice(finder("".join(text.split())), limit)


def _by_letters(letters: str, meant: list[str], limit: int) -> Iterator[int]:
    """The whole name, the whole initials, then what begins so; `meant` are the spellings of the letters."""
    for key in [*(f"p{spelled}" for spelled in meant), f"i{letters}"]:
        yield from _exactly(key, limit)
    for spelled in meant:
        if len(spelled) <= SHORT:
            yield from _exactly(f"b{spelled}", limit)
        else:
            yield from _beginning(f"p{spelled}", limit)
    if len(letters) > SHORT:
        yield from _beginning(f"i{letters}", limit)


def _by_key(key: str, limit: int) -> Iterator[int]:
    yield from _exactly(key, limit)
    yield from _beginning(key, limit)


def _exactly(key: str, limit: int) -> Iterator[int]:
    yield from _newest(SearchKey.objects.filter(key=key))[:limit]


def _beginning(key: str, limit: int) -> Iterator[int]:
    # A patient may have three keys that begin alike.
    yield from _newest(SearchKey.objects.filter(begins_with("key", key)))[: limit * 3]


def _newest(rows: QuerySet[SearchKey] | QuerySet[SearchGram]) -> QuerySet[Any, int]:
    # By the index row alone: with the patients joined, SQLite fetches and sorts every one of them.
    return rows.order_by("-patient_id").values_list("patient_id", flat=True)


def _by_han(text: str, limit: int) -> Iterator[int]:
    if len(text) == 1:
        for gram in (f"^{text}", text):
            yield from _newest(SearchGram.objects.filter(gram=gram))[:limit]
        return
    pairs = [text[i : i + 2] for i in range(len(text) - 1)]
    rows = _having([f"^{text[0]}", *pairs])
    yield from _holding(rows, text, limit)
    yield from _holding(_having(pairs), text, limit)


def _having(grams: list[str]) -> QuerySet[Patient]:
    rows = Patient.objects.all()
    for gram in grams:
        rows = rows.filter(grams__gram=gram)
    return rows.order_by("-pk")


def _holding(rows: QuerySet[Patient], text: str, limit: int) -> Iterator[int]:
    """Recheck: pairs may occur apart from each other in a longer name."""
    seen = 0
    for key, name in rows.values_list("pk", "name_zh").iterator(chunk_size=200):
        if text in re.sub(r"[\s·•・]", "", name):
            yield key
            seen += 1
            if seen >= limit:
                return


@dataclass(slots=True)
class Candidate:
    """A record that may be the same person, with the reasons in words; `certain` when a number is the same."""

    patient: Patient
    reasons: list[str] = field(default_factory=list)
    certain: bool = False


def duplicates(
    *,
    name_zh: str = "",
    sex: str = "",
    birth_date: date | None = None,
    phone: str = "",
    identifiers: Iterable[tuple[str, str, str]] = (),
    but: int | None = None,
) -> list[Candidate]:
    """Records that may be the person described: same number (certain); name with birth date, phone or sex."""
    found: dict[int, Candidate] = {}

    def note(patient: Patient, reason: str, *, certain: bool = False) -> None:
        while patient.merged_into is not None:
            patient = patient.merged_into
        if patient.pk == but:
            return
        candidate = found.setdefault(patient.pk, Candidate(patient))
        candidate.reasons.append(reason)
        candidate.certain = candidate.certain or certain

    for kind, authority, value in identifiers:
        same = PatientIdentifier.objects.filter(kind=kind, authority=authority, value=value)
        for row in same.select_related("patient__merged_into"):
            label = PatientIdentifier.Kind(kind).label
            note(row.patient, _("same %(kind)s") % {"kind": label}, certain=True)
    name = "".join(name_zh.split())
    if name:
        rows = Patient.objects.filter(name_zh=name).select_related("merged_into")
        described = Q(birth_date=birth_date) if birth_date else Q(pk__in=[])
        if phone:
            described |= Q(phone=phone)
        if sex:
            described |= Q(sex=sex, birth_date__isnull=True)
            if birth_date is None:
                described |= Q(sex=sex)
        for patient in rows.filter(described).order_by("-pk")[:20]:
            if birth_date and patient.birth_date == birth_date:
                note(patient, _("same name and birth date"))
            elif phone and patient.phone == phone:
                note(patient, _("same name and phone"))
            else:
                note(patient, _("same name and sex"))
    if birth_date and phone:
        for patient in Patient.objects.filter(phone=phone, birth_date=birth_date).exclude(
            name_zh=name
        )[:5]:
            note(patient, _("same phone and birth date"))
    return sorted(found.values(), key=lambda candidate: not candidate.certain)
