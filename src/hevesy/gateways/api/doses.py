"""Administrations for programs: injectors, dose calibrators, hot-lab systems."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.shortcuts import get_object_or_404
from ninja import Router, Schema, Status

from hevesy.gateways.api.asking import FAULTS, ApiRequest
from hevesy.gateways.api.exams import exam_of
from hevesy.records.doses.actions import administer, record_residual
from hevesy.records.doses.actions.administering import Measured
from hevesy.records.doses.models import Administration, DispensedUnit
from hevesy.records.doses.queries import exam_administrations

router = Router()


class Override(Schema):
    """A warning that somebody accepts, with the reason; `check` is the code of the warning."""

    check: str
    reason: str


class AdministrationIn(Schema):
    """A dispensed unit given in a step of an exam."""

    exam: str
    step: int = 1
    unit: str
    started_at: datetime
    ended_at: datetime | None = None
    route: str = "IV"
    site: str = ""
    laterality: str = ""
    pre_assay_mbq: Decimal | None = None
    pre_assay_at: datetime | None = None
    overrides: list[Override] = []


class ResidualIn(Schema):
    """What is left in the syringe, and when it was measured."""

    activity_mbq: Decimal
    at: datetime
    reason: str = ""


class AdministrationOut(Schema):
    """What was given. `administered_mbq` is at `started_at`; empty until the residual is measured."""

    uid: str
    exam: str
    step: int
    unit: str
    batch: str
    tracer: str
    started_at: datetime
    ended_at: datetime | None
    route: str
    site: str
    administered_mbq: Decimal | None
    half_life_s: float
    method: str

    @staticmethod
    def resolve_exam(row: Administration) -> str:
        return row.step.exam.number

    @staticmethod
    def resolve_step(row: Administration) -> int:
        return row.step.number

    @staticmethod
    def resolve_unit(row: Administration) -> str:
        return row.unit.code

    @staticmethod
    def resolve_batch(row: Administration) -> str:
        return row.unit.batch.number

    @staticmethod
    def resolve_tracer(row: Administration) -> str:
        return row.unit.batch.tracer.code


@router.get("/exams/{number}/administrations", response={200: list[AdministrationOut], **FAULTS})
def of_exam(request: ApiRequest, number: str) -> Any:
    """Everything that was given in an exam."""
    request.actor.require("doses.view")
    return exam_administrations(exam_of(request, number))


@router.post("/administrations", response={201: AdministrationOut, **FAULTS})
def give(request: ApiRequest, body: AdministrationIn) -> Status[Administration]:
    """Record an administration; the checks are those of the page, warnings need an override each."""
    request.actor.require("doses.administer")
    step = get_object_or_404(exam_of(request, body.exam).steps, number=body.step)
    unit = get_object_or_404(DispensedUnit, code=body.unit)
    assay = None
    if body.pre_assay_mbq is not None:
        assay = Measured(activity_mbq=body.pre_assay_mbq, at=body.pre_assay_at or body.started_at)
    row = administer(
        request.actor,
        step,
        unit,
        started_at=body.started_at,
        ended_at=body.ended_at,
        route=body.route,
        site=body.site,
        laterality=body.laterality,
        pre_assay=assay,
        overrides=[override.dict() for override in body.overrides],
        identified_by="scan",
    )
    return Status(201, row)


@router.post("/administrations/{uid}/residual", response={200: AdministrationOut, **FAULTS})
def residual(request: ApiRequest, uid: str, body: ResidualIn) -> Administration:
    """Record the residual: the administered activity is computed from both readings."""
    request.actor.require("doses.administer")
    row = get_object_or_404(Administration, uid=uid)
    return record_residual(request.actor, row, body.activity_mbq, body.at, reason=body.reason)
