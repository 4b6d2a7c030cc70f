"""What the pages of the desks are about, and what their forms send."""

from __future__ import annotations

from typing import Any

from tests.architecture.clinic import Clinic
from tests.architecture.subjects.registry import body, subject


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


@subject("viewing:*.uid", "dicomweb:*.study", "api:study_lesion_tables.study_instance_uid")
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
