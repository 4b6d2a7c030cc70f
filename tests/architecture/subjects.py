"""Things that addresses are about: for each parameter of an address the value of one object, and what to send.

A key is `view name.parameter` (`accounts:person.pk`), `namespace:*.parameter`, or `*.parameter`; the first that
fits wins. The object must be one that the roles allowed by the policy may really open: "not there" counts as refused.
`BODIES` holds what a program sends where an empty request is refused (422) before rights are judged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hevesy.foundation.accounts.testing import cast_member
from hevesy.records.exams.testing import at
from tests.architecture.addresses import Address
from tests.architecture.clinic import Clinic, Maker

SUBJECTS: dict[str, Maker] = {}
BODIES: dict[str, Maker] = {}


def subject(*keys: str) -> Callable[[Maker], Maker]:
    """Register the function that makes the value for these parameters."""
    return _registering(SUBJECTS, keys)


def body(*names: str) -> Callable[[Maker], Maker]:
    """Register the function that makes what is sent to these addresses."""
    return _registering(BODIES, names)


def _registering(table: dict[str, Maker], keys: tuple[str, ...]) -> Callable[[Maker], Maker]:
    def register(function: Maker) -> Maker:
        for key in keys:
            assert key not in table, f"{key} is there already"
            table[key] = function
        return function

    return register


class NoSubject(AssertionError):
    """An address has a parameter for which no value is known."""


class Subjects:
    """The values of one test, each made once."""

    def __init__(self) -> None:
        self.clinic = Clinic()
        self._made: dict[Maker, Any] = {}

    def values(self, address: Address) -> dict[str, Any]:
        """A value for each parameter of the address."""
        return {name: self._value(address, name) for name in address.parameters}

    def body(self, address: Address) -> dict[str, Any]:
        """What is sent to the address; empty unless registered."""
        function = BODIES.get(address.name)
        return self._once(function) if function else {}

    def _value(self, address: Address, parameter: str) -> Any:
        for key in (
            f"{address.name}.{parameter}",
            f"{address.namespace}:*.{parameter}",
            f"*.{parameter}",
        ):
            if key in SUBJECTS:
                return self._once(SUBJECTS[key])
        raise NoSubject(
            f"{address.name} ({address.route}) has the parameter {parameter!r}, and tests/architecture/subjects.py "
            f"knows no value for it. Add one: @subject('{address.name}.{parameter}')"
        )

    def _once(self, function: Maker) -> Any:
        if function not in self._made:
            self._made[function] = function(self.clinic)
        return self._made[function]


# foundation


@subject("accounts:*.pk")
def _a_person(clinic: Clinic) -> int:
    return int(cast_member("another_chief").pk)


@subject("accounts:*.session_pk", "accounts:end_session.pk")
def _a_session(clinic: Clinic) -> int:
    """Another person's session: nobody ends it from their own profile."""
    from hevesy.foundation.accounts.models import LoginSession

    session, _made = LoginSession.objects.get_or_create(
        key_hash="walk", user=cast_member("another_chief")
    )
    return int(session.pk)


@subject("accounts:prefer.name")
def _a_preference(clinic: Clinic) -> str:
    return "language"


@subject("accounts:role.key")
def _a_role(clinic: Clinic) -> str:
    return "nurse"


@subject("accounts:revoke_token.pk")
def _a_token(clinic: Clinic) -> int:
    from hevesy.foundation.accounts.models import ApiToken

    person = cast_member("another_chief")
    token = ApiToken.objects.create(user=person, name="walk", hint="hv_walk", token_hash="walk")
    return int(token.pk)


@subject("accounts:join.code", "stations:claim.code")
def _a_code(clinic: Clinic) -> str:
    return "no-such-code"


@subject("stations:*.pk")
def _a_station(clinic: Clinic) -> int:
    from hevesy.foundation.stations.models import Station

    return int(Station.objects.create(code="walk", name="走廊", kind="pc").pk)


@subject("files:serve.pk")
def _a_stored_file(clinic: Clinic) -> int:
    """A file of a kind without a rule: closed to everybody. The owners of kinds test theirs."""
    from hevesy.foundation.files.actions import store_file

    stored = store_file(
        b"walk", name="walk.txt", media_type="text/plain", kind="walk", by=clinic.anybody
    )
    return int(stored.pk)


@subject("jobs:*.pk")
def _a_job(clinic: Clinic) -> int:
    return int(clinic.job.pk)


# records


@subject("documents:*.pk")
def _a_document(clinic: Clinic) -> int:
    return int(clinic.document.pk)


@subject("documents:*.number")
def _an_exam_to_print(clinic: Clinic) -> str:
    return str(clinic.exam.number)


@subject("documents:dose_label.code")
def _a_dose_to_print(clinic: Clinic) -> str:
    return str(clinic.unit.code)


# programs


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


# desks


@subject("calling:panel.code", "calling:next.code")
def _a_service_point(clinic: Clinic) -> str:
    return str(clinic.ticket.service_point.code)


@subject("calling:*.pk")
def _a_ticket_number(clinic: Clinic) -> int:
    return int(clinic.ticket.pk)


@subject("calling:act.move")
def _a_ticket_move(clinic: Clinic) -> str:
    return "call"


@subject("calling:wall.code", "calling:wall-body.code", "calling:wall-report.code")
def _a_wall(clinic: Clinic) -> str:
    from hevesy.records.queues.models import Screen

    clinic.anybody  # noqa: B018  seeds
    return str(Screen.objects.order_by("pk").values_list("code", flat=True)[0])


@body("calling:next", "calling:act")
def _where_to(clinic: Clinic) -> dict[str, Any]:
    return {"room": "injection-1"}


@body("calling:announce")
def _an_announcement(clinic: Clinic) -> dict[str, Any]:
    return {"to": "injection", "text": "请安静"}


@subject("viewing:unmatched_study.pk", "viewing:link.pk")
def _an_unmatched_study(clinic: Clinic) -> int:
    return int(clinic.unmatched_study.pk)


@subject("viewing:link.number")
def _an_exam_to_link(clinic: Clinic) -> str:
    return str(clinic.exam.number)


@subject("viewing:*.uid", "dicomweb:*.study")
def _a_study(clinic: Clinic) -> str:
    return str(clinic.study.study_instance_uid)


@subject("dicomweb:*.series")
def _a_series(clinic: Clinic) -> str:
    return str(clinic.study.series.get().series_instance_uid)


@subject("dicomweb:*.instance")
def _an_instance(clinic: Clinic) -> str:
    return str(clinic.study.series.get().instances.get().sop_instance_uid)


@subject("dicomweb:bulk.where")
def _a_path_in_an_object(clinic: Clinic) -> str:
    return "7FE00010"


@subject("dicomweb:*.numbers")
def _a_frame(clinic: Clinic) -> str:
    return "1"


@subject("viewing:key_image.pk", "viewing:key_image_remove.pk", "viewing:key_image_restore.pk")
def _a_key_image(clinic: Clinic) -> int:
    return int(clinic.key_image.pk)


@subject("viewing:*.content_id")
def _a_volume(clinic: Clinic) -> str:
    return str(clinic.volume.content_id)


@subject("viewing:volume_body.path")
def _a_volume_body(clinic: Clinic) -> str:
    return "0/body"


@subject("reporting:*.number")
def _a_written_exam(clinic: Clinic) -> str:
    """An acquired examination with a draft; what its state forbids is refused with 409, which lets in."""
    return str(clinic.report.exam.number)


@subject("reporting:picture.pk")
def _a_picture(clinic: Clinic) -> int:
    return int(clinic.key_image.pk)


@body("reporting:save", "reporting:submit", "reporting:audit", "reporting:correct")
def _a_written_text(clinic: Clinic) -> dict[str, Any]:
    return {"base": 1, "findings": "x", "impression": "x", "reason": "x"}


@subject("registration:*.pk")
def _a_patient(clinic: Clinic) -> int:
    return int(clinic.patient.pk)


@subject("registration:unmerge.pk")
def _a_merge(clinic: Clinic) -> int:
    return int(clinic.merge.pk)


@subject("registration:*.number")
def _a_booked_exam(clinic: Clinic) -> str:
    return str(clinic.exam.number)


@subject("registration:move.move")
def _a_visit_move(clinic: Clinic) -> str:
    return "cancel"


@body("registration:scan")
def _a_scanned_exam(clinic: Clinic) -> dict[str, Any]:
    from hevesy.foundation.stations import qr

    return {"text": qr.make("E", clinic.exam.code)}


@subject("publishing:*.number")
def _a_published_exam(clinic: Clinic) -> str:
    return str(clinic.publication.report.exam.number)


@subject("publishing:*.place")
def _the_first_picture(clinic: Clinic) -> int:
    return 1


# Dose chain, technologist and interview: the walk's own exam, its unit and its batch.


@subject("technologist:side.number", "interview:exam.number")
def _an_exam_today(clinic: Clinic) -> str:
    return str(clinic.exam.number)


@subject(
    "technologist:start.pk",
    "technologist:finish.pk",
    "technologist:request.pk",
    "technologist:move.pk",
    "radiopharmacy:dispense.pk",
)
def _a_step(clinic: Clinic) -> int:
    return int(clinic.exam.steps.get().pk)


@subject("technologist:move.move")
def _a_step_back(clinic: Clinic) -> str:
    return "back"


@subject("technologist:residual.pk", "technologist:preview.pk")
def _a_given_dose(clinic: Clinic) -> int:
    return int(clinic.administration.pk)


@subject("technologist:return.code")
def _a_unit_to_return(clinic: Clinic) -> str:
    return str(clinic.unit.code)


@subject("radiopharmacy:batch.number", "radiopharmacy:move.number", "radiopharmacy:reading.number")
def _a_batch(clinic: Clinic) -> str:
    return str(clinic.unit.batch.number)


@subject("radiopharmacy:move.move")
def _a_batch_move(clinic: Clinic) -> str:
    return "recall"


@subject("radiopharmacy:reading.code")
def _a_quality_test(clinic: Clinic) -> str:
    return "appearance"


@subject("radiopharmacy:unit.number", "radiopharmacy:unit_move.number")
def _a_unit(clinic: Clinic) -> str:
    return str(clinic.unit.number)


@subject("radiopharmacy:unit_move.move")
def _a_unit_move(clinic: Clinic) -> str:
    return "return"


# The department's catalogue.


@subject("department:item.code")
def _an_item(clinic: Clinic) -> str:
    return str(clinic.exam.item.code)


@subject("department:device.code", "department:service.code")
def _a_device(clinic: Clinic) -> str:
    return str(clinic.exam.steps.get().device.code)


@subject("dicom:echo.pk")
def _a_device_without_address(clinic: Clinic) -> int:
    """Nothing is sent: without an address the answer is a sentence."""
    return int(clinic.exam.steps.get().device.pk)


@subject("department:policy.pk")
def _a_policy(clinic: Clinic) -> int:
    from hevesy.records.catalogue.models import Policy

    policy, _made = Policy.objects.get_or_create(
        key="hospital.name", defaults={"value": "", "label_zh": "医院名称", "label_en": "Hospital"}
    )
    return int(policy.pk)


@subject("department:entries.kind", "department:new_entry.kind", "department:entry.kind")
def _a_kind_of_entry(clinic: Clinic) -> str:
    return "classes"


@subject("department:entry.code")
def _an_entry(clinic: Clinic) -> str:
    return str(clinic.exam.modality_class.code)
