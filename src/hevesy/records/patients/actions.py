"""Registering, correcting and merging patients."""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Iterable
from datetime import date
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor, Refused
from hevesy.foundation.audit.actions import record
from hevesy.records.patients import events
from hevesy.records.patients.finding import write_index
from hevesy.records.patients.identity import read_id_card
from hevesy.records.patients.merging import FOLLOWERS
from hevesy.records.patients.models import Merge, Patient, PatientIdentifier
from hevesy.records.patients.pinyin import latin_name

Identifier = tuple[str, str, str]
"""(kind, authority, value)"""


class PatientRefused(Refused):
    """The record was not written; the message says why and what to do."""


class IdentifierTaken(PatientRefused):
    """A number belongs to somebody else; `patient` is that person."""

    def __init__(self, identifier: PatientIdentifier) -> None:
        self.patient = identifier.patient
        super().__init__(
            _("The %(kind)s %(value)s belongs to %(name)s (%(patient_id)s). Use that record.")
            % {
                "kind": PatientIdentifier.Kind(identifier.kind).label,
                "value": identifier.value,
                "name": identifier.patient.name_zh,
                "patient_id": identifier.patient.patient_id,
            }
        )


class Stale(PatientRefused):
    """Somebody changed the record since it was read; nothing was overwritten."""

    def __init__(self) -> None:
        super().__init__(
            _("Somebody else changed this record meanwhile. Please look at it again before saving.")
        )


@transaction.atomic
def register_patient(
    by: Actor,
    *,
    name_zh: str,
    sex: str,
    birth_date: date | None = None,
    phone: str = "",
    identifiers: Iterable[Identifier] = (),
    name_latin: str | None = None,
    allergies: str = "",
    patient_id: str | None = None,
    is_demo: bool = False,
) -> Patient:
    """Register a person; the department's number is given here unless the hospital's is handed in.

    An ID card is checked and fills sex and birth date that were left out; a contradiction is refused, never
    overwritten. A number that belongs to somebody is refused with that record (`IdentifierTaken`).
    """
    by.require("patients.edit")
    name_zh, phone = _clean_name(name_zh), _clean_phone(phone)
    numbers = [_clean_identifier(*identifier) for identifier in identifiers if identifier[2]]
    sex, birth_date = _agree_with_id_card(numbers, sex, birth_date)
    _check(name_zh, sex, birth_date)
    if patient_id and Patient.objects.filter(patient_id=patient_id).exists():
        raise PatientRefused(
            _("The patient number %(number)s is taken. Search for it and use that record.")
            % {"number": patient_id}
        )
    patient = Patient(
        patient_id=patient_id or f"new-{uuid.uuid4()}",
        name_zh=name_zh,
        name_latin=_clean_latin(name_latin) or latin_name(name_zh)[:64],
        sex=sex,
        birth_date=birth_date,
        phone=phone,
        allergies=allergies.strip(),
        is_demo=is_demo,
    )
    patient.save()
    if not patient_id:
        # From the primary key: unique without a sequence, and told apart from the hospital's numbers by NM.
        patient.patient_id = f"NM{patient.pk:07}"
        patient.save(update_fields=["patient_id"])
    for number in numbers:
        _add_identifier(patient, *number)
    write_index(patient)
    record(by, "patient.register", patient, patient_id=patient.pk)
    _tell(events.patient_registered, patient=patient)
    return patient


@transaction.atomic
def correct_patient(
    by: Actor,
    patient: Patient,
    *,
    version: int | None = None,
    identifiers: Iterable[Identifier] | None = None,
    **changes: Any,
) -> Patient:
    """Correct demographic fields; `version` is what the editor saw (`Stale` if it is old).

    `changes` may hold name_zh, name_latin, sex, birth_date, phone, allergies. With `identifiers` the numbers of the
    kinds named there are replaced. Stored images follow through `patient_corrected`.
    """
    by.require("patients.edit")
    patient = Patient.objects.select_for_update().get(pk=patient.pk)
    if version is not None and version != patient.version:
        raise Stale()
    allowed = {"name_zh", "name_latin", "sex", "birth_date", "phone", "allergies"}
    if unknown := set(changes) - allowed:
        raise TypeError(f"not correctable: {', '.join(sorted(unknown))}")
    if "name_zh" in changes:
        changes["name_zh"] = _clean_name(changes["name_zh"])
    if "phone" in changes:
        changes["phone"] = _clean_phone(changes["phone"])
    if "name_latin" in changes:
        changes["name_latin"] = _clean_latin(changes["name_latin"])
    name_changes = changes.get("name_zh", patient.name_zh) != patient.name_zh
    if name_changes and not changes.get("name_latin"):
        changes["name_latin"] = latin_name(changes["name_zh"])[:64]
    elif not changes.get("name_latin", "-"):
        changes["name_latin"] = latin_name(patient.name_zh)[:64]
    changed = sorted(key for key, value in changes.items() if getattr(patient, key) != value)
    for key in changed:
        setattr(patient, key, changes[key])
    numbers = [_clean_identifier(*identifier) for identifier in identifiers or ()]
    cards = [number for number in numbers if number[0] == PatientIdentifier.Kind.ID_CARD]
    if not cards:
        cards = list(patient.identifiers.values_list("kind", "authority", "value"))
    patient.sex, patient.birth_date = _agree_with_id_card(cards, patient.sex, patient.birth_date)
    _check(patient.name_zh, patient.sex, patient.birth_date)
    if identifiers is not None:
        for kind, authority, value in numbers:
            patient.identifiers.filter(kind=kind, authority=authority).exclude(value=value).delete()
            if value and not patient.identifiers.filter(kind=kind, authority=authority).exists():
                _add_identifier(patient, kind, authority, value)
                changed.append(kind)
    patient.version += 1
    patient.save()
    write_index(patient)
    record(by, "patient.correct", patient, patient_id=patient.pk, changed=changed)
    if changed:
        _tell(events.patient_corrected, patient=patient, changed=changed)
    return patient


@transaction.atomic
def merge_patients(by: Actor, *, survivor: Patient, alias: Patient, reason: str) -> Merge:
    """Declare two records to be one person. Examinations follow to the survivor; the alias keeps its numbers."""
    by.require("patients.merge")
    survivor, alias = _lock_both(survivor, alias)
    if survivor.pk == alias.pk:
        raise PatientRefused(_("These are not two records but one."))
    for patient in (survivor, alias):
        if patient.merged_into_id:
            raise PatientRefused(
                _("%(patient_id)s is already merged into another record; undo that first.")
                % {"patient_id": patient.patient_id}
            )
    if not reason.strip():
        raise PatientRefused(_("Please say why these two records are the same person."))
    moved = {follower.kind: follower.move(alias, survivor, None) for follower in FOLLOWERS}
    alias.merged_into = survivor
    alias.version += 1
    alias.save(update_fields=["merged_into", "version"])
    merge = Merge.objects.create(
        survivor=survivor, alias=alias, moved=moved, reason=reason.strip(), by=by.user
    )
    counts = {kind: len(keys) for kind, keys in moved.items()}
    record(by, "patient.merge", survivor, patient_id=survivor.pk, alias=alias.pk, moved=counts)
    _tell(events.patients_merged, survivor=survivor, alias=alias)
    return merge


@transaction.atomic
def unmerge(by: Actor, merge: Merge) -> Patient:
    """Undo a merge: what moved then goes back, what came later stays with the survivor. Returns the freed record."""
    by.require("patients.merge")
    merge = Merge.objects.select_for_update().get(pk=merge.pk)
    if merge.undone_at:
        raise PatientRefused(_("This merge was undone already."))
    survivor, alias = _lock_both(merge.survivor, merge.alias)
    for follower in FOLLOWERS:
        follower.move(survivor, alias, merge.moved.get(follower.kind, []))
    alias.merged_into = None
    alias.version += 1
    alias.save(update_fields=["merged_into", "version"])
    merge.undone_at, merge.undone_by = timezone.now(), by.user
    merge.save(update_fields=["undone_at", "undone_by"])
    record(by, "patient.unmerge", survivor, patient_id=survivor.pk, alias=alias.pk)
    _tell(events.patients_unmerged, survivor=survivor, alias=alias)
    return alias


def _lock_both(first: Patient, second: Patient) -> tuple[Patient, Patient]:
    # In the order of their keys, so that two merges cannot wait for each other.
    keys = sorted({first.pk, second.pk})
    rows = {row.pk: row for row in Patient.objects.select_for_update().filter(pk__in=keys)}
    return rows[first.pk], rows[second.pk]


def _tell(event: Any, **facts: Any) -> None:
    transaction.on_commit(partial(event.send_robust, Patient, **facts))


def _clean_name(name: str) -> str:
    name = unicodedata.normalize("NFC", name)
    name = re.sub(r"[\x00-\x1f\x7f^=\\]", "", name)
    name = re.sub(r"[•・‧∙．]", "·", " ".join(name.split()))
    # 张 三 is typed with a blank to please a form; Latin names keep theirs.
    return re.sub(r"(?<=[\u3400-\u9fff])\s+(?=[\u3400-\u9fff])", "", name)


def _clean_latin(name: str | None) -> str:
    if not name or not name.strip():
        return ""
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    family, _caret, given = ascii_only.replace("=", "").replace("\\", "").partition("^")
    parts = [" ".join(re.sub(r"[^A-Za-z .'\-]", "", part).split()) for part in (family, given)]
    return "^".join(part for part in parts if part)[:64]


def _clean_phone(phone: str) -> str:
    phone = unicodedata.normalize("NFKC", phone).strip()
    if phone and not re.fullmatch(r"[\d+\-()\s/、,;转#*]{3,30}", phone):
        raise PatientRefused(_("A phone number holds digits only. Please check it."))
    return phone


def _clean_identifier(kind: str, authority: str, value: str) -> Identifier:
    if kind not in PatientIdentifier.Kind.values:
        raise PatientRefused(_("Unknown kind of number: %(kind)s.") % {"kind": kind})
    value = unicodedata.normalize("NFKC", value).strip()
    if kind == PatientIdentifier.Kind.ID_CARD and value:
        value = read_id_card(value, today=timezone.localdate()).number
    if len(value) > 64 or re.search(r"[\x00-\x1f\\]", value):
        raise PatientRefused(_("A number may have 64 characters at most. Please check it."))
    return kind, authority.strip(), value


def _agree_with_id_card(
    numbers: Iterable[Identifier], sex: str, birth_date: date | None
) -> tuple[str, date | None]:
    for kind, _authority, value in numbers:
        if kind != PatientIdentifier.Kind.ID_CARD or not value:
            continue
        card = read_id_card(value, today=timezone.localdate())
        if birth_date and birth_date != card.birth_date:
            raise PatientRefused(
                _(
                    "The ID card says born %(card)s, the form says %(typed)s. "
                    "Please correct one of them."
                )
                % {"card": card.birth_date.isoformat(), "typed": birth_date.isoformat()}
            )
        if sex and sex != card.sex:
            raise PatientRefused(
                _("The ID card says %(card)s, the form says %(typed)s. Please correct one of them.")
                % {"card": Patient.Sex(card.sex).label, "typed": Patient.Sex(sex).label}
            )
        return card.sex, card.birth_date
    return sex, birth_date


def _check(name_zh: str, sex: str, birth_date: date | None) -> None:
    if not name_zh:
        raise PatientRefused(_("Please enter the name. An unknown person is registered as 无名氏."))
    if len(name_zh) > 60:
        raise PatientRefused(_("A name may have 60 characters at most."))
    if sex not in Patient.Sex.values:
        raise PatientRefused(_("Please choose the sex."))
    if birth_date is not None and birth_date > timezone.localdate():
        raise PatientRefused(_("The birth date lies in the future. Please check it."))
    if birth_date is not None and birth_date.year < 1880:
        raise PatientRefused(_("The birth year is %(year)d.") % {"year": birth_date.year})


def _add_identifier(patient: Patient, kind: str, authority: str, value: str) -> None:
    taken = (
        PatientIdentifier.objects.filter(kind=kind, authority=authority, value=value)
        .select_related("patient")
        .first()
    )
    if taken:
        raise IdentifierTaken(taken)
    try:
        with transaction.atomic():
            PatientIdentifier.objects.create(
                patient=patient, kind=kind, authority=authority, value=value
            )
    except IntegrityError:  # somebody registered the same number in this very moment
        raise IdentifierTaken(
            PatientIdentifier.objects.select_related("patient").get(
                kind=kind, authority=authority, value=value
            )
        ) from None
