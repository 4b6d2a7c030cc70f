"""What programs ask for at the API, and what they send."""

from __future__ import annotations

from typing import Any

from hevesy.records.exams.testing import at
from tests.architecture.clinic import Clinic
from tests.architecture.subjects.registry import body, subject


@subject("api:*.patient_id")
def _a_patient_id(clinic: Clinic) -> str:
    return str(clinic.patient.patient_id)


@subject("api:*.number")
def _an_exam_number(clinic: Clinic) -> str:
    return str(clinic.exam.number)


@subject(
    *(
        f"api:{name}.number"
        for name in (
            "one",
            "save",
            "submit",
            "send_back",
            "audit",
            "correct",
            "publish",
            "withdraw",
        )
    )
)
def _a_number_with_report(clinic: Clinic) -> str:
    return str(clinic.report.exam.number)


@subject("api:*.step")
def _a_step_number(clinic: Clinic) -> int:
    return 1


@subject("api:*.uid")
def _an_administration_uid(clinic: Clinic) -> str:
    return str(clinic.administration.uid)


@subject("api:*.ticket_id")
def _a_ticket(clinic: Clinic) -> int:
    return int(clinic.ticket.pk)


@subject("api:*.code")
def _a_queue(clinic: Clinic) -> str:
    return str(clinic.ticket.service_point.code)


@body("api:published")
def _whose_reports(clinic: Clinic) -> dict[str, Any]:
    clinic.publication  # noqa: B018
    return {"patient_id": clinic.patient.patient_id}


@body("api:add_patient")
def _a_new_patient(clinic: Clinic) -> dict[str, Any]:
    return {"name_zh": "单雄信", "sex": "M"}


@body("api:place_order", "api:book")
def _an_order(clinic: Clinic) -> dict[str, Any]:
    return {
        "patient_id": clinic.patient.patient_id,
        "item": clinic.item.code,
        "starts_at": at(16).isoformat(),
    }


@body("api:reschedule")
def _a_new_time(clinic: Clinic) -> dict[str, Any]:
    return {"starts_at": at(11).isoformat(), "reason": "asked for"}


@body("api:interview")
def _answers(clinic: Clinic) -> dict[str, Any]:
    return {"answers": {"weight_kg": 70}}


@body("api:move api/v1/exams/<number>/steps/<step>/move")
def _a_move(clinic: Clinic) -> dict[str, Any]:
    return {"move": "ready"}


@body("api:give")
def _a_dose_given(clinic: Clinic) -> dict[str, Any]:
    return {
        "exam": clinic.exam.number,
        "unit": clinic.unit.code,
        "started_at": at(9).isoformat(),
    }


@body("api:residual")
def _a_residual(clinic: Clinic) -> dict[str, Any]:
    return {"activity_mbq": "5.0", "at": at(9).isoformat()}


@body("api:save", "api:submit", "api:audit", "api:correct")
def _a_text(clinic: Clinic) -> dict[str, Any]:
    return {"base_version": 1, "findings": "x", "impression": "x", "reason": "x"}


@body("api:send_back", "api:withdraw", "api:cancel", "registration:move")
def _a_reason(clinic: Clinic) -> dict[str, Any]:
    return {"reason": "walk"}


@body("api:call", "api:call_next")
def _a_room(clinic: Clinic) -> dict[str, Any]:
    return {"room": "injection-1"}
