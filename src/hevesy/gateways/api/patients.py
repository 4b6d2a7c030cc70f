"""Patients for programs."""

from __future__ import annotations

from datetime import date

from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema, Status

from hevesy.gateways.api.asking import FAULTS, ApiRequest
from hevesy.records.patients.actions import register_patient
from hevesy.records.patients.models import Patient
from hevesy.records.patients.queries import search, visible_to

router = Router()


class Identifier(Schema):
    """A number somebody knows the patient by: id_card, passport, outpatient, inpatient, record, checkup."""

    kind: str
    authority: str = ""
    value: str


class PatientIn(Schema):
    """What is needed to register a person."""

    name_zh: str = Field(max_length=60)
    sex: str = Field(pattern="^[MFO]$")
    birth_date: date | None = None
    phone: str = ""
    name_latin: str | None = None
    allergies: str = ""
    identifiers: list[Identifier] = []


class PatientOut(Schema):
    """A registered person."""

    patient_id: str
    name_zh: str
    name_latin: str
    sex: str
    birth_date: date | None
    phone: str
    allergies: str
    identifiers: list[Identifier]

    @staticmethod
    def resolve_identifiers(patient: Patient) -> list[dict[str, str]]:
        return [
            {"kind": one.kind, "authority": one.authority, "value": one.value}
            for one in patient.identifiers.all()
        ]


@router.get("/patients", response={200: list[PatientOut], **FAULTS})
def find_patients(request: ApiRequest, search_text: str = "", limit: int = 20) -> list[Patient]:
    """People found by name, pinyin, initials, telephone or any number."""
    request.actor.require("patients.view")
    return search(search_text[:60], request.actor, limit=min(max(limit, 1), 100))


@router.post("/patients", response={201: PatientOut, **FAULTS})
def add_patient(request: ApiRequest, body: PatientIn) -> Status[Patient]:
    """Register a person; refused when a number belongs to somebody else."""
    patient = register_patient(
        request.actor,
        name_zh=body.name_zh,
        sex=body.sex,
        birth_date=body.birth_date,
        phone=body.phone,
        name_latin=body.name_latin,
        allergies=body.allergies,
        identifiers=[(one.kind, one.authority, one.value) for one in body.identifiers],
    )
    return Status(201, patient)


@router.get("/patients/{patient_id}", response={200: PatientOut, **FAULTS})
def one_patient(request: ApiRequest, patient_id: str) -> Patient:
    """One person."""
    return get_object_or_404(visible_to(request.actor), patient_id=patient_id)
