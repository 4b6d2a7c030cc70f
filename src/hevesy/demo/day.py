"""A believable day in the department, played by calling the same actions as the pages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils import timezone

from hevesy.demo.clock import Script
from hevesy.demo.images import Scans
from hevesy.demo.people import PASSWORD, STAFF, Somebody, id_card, patients, phone
from hevesy.demo.texts import report_text
from hevesy.foundation.accounts.actions import create_user
from hevesy.foundation.accounts.actors import Actor, system_actor
from hevesy.foundation.accounts.models import User
from hevesy.foundation.stations.actions import register_station
from hevesy.imaging.quantify.decay import activity_at
from hevesy.records.catalogue.models import ExamItem, Tracer
from hevesy.records.doses.actions import (
    administer,
    dispense,
    record_batch,
    record_residual,
    release_batch,
)
from hevesy.records.doses.models import Administration, Batch
from hevesy.records.doses.qc import tests_for
from hevesy.records.equipment.models import Device
from hevesy.records.exams import actions as exams
from hevesy.records.exams.models import Exam, ExamStep
from hevesy.records.patients.actions import register_patient
from hevesy.records.patients.models import Patient
from hevesy.records.queues import actions as queues
from hevesy.records.queues.models import Ticket
from hevesy.records.reports import actions as reports

MORNING_MIN = -420
"""When the demo's day begins, in minutes from now."""

BATCHES: tuple[tuple[str, float, float, int], ...] = (
    ("F18-FDG", 26_000, 24.0, -330),
    ("F18-FDG", 9_000, 18.0, -45),
    ("Tc99m-MDP", 9_000, 10.0, -330),
    ("Tc99m-MIBI", 8_000, 10.0, -330),
    ("Tc99m-TcO4", 2_000, 5.0, -330),
    ("Tc99m-MAA", 1_500, 4.0, -330),
    ("Tc99m-DTPA", 1_500, 4.0, -100),
)
"""Tracer, MBq, mL, minutes from now of its calibration."""

STATIONS = (
    ("front-1", "登记 1 台", "pc", "二楼登记处"),
    ("injection-1", "注射室 1", "pc", "二楼注射区"),
    ("pet-ct-1", "PET-CT 1 操作间", "pc", "二楼机房"),
    ("reading-1", "阅片 1 号", "pc", "三楼阅片室"),
    ("wall-1", "候诊大屏", "screen", "二楼候诊区"),
)


@dataclass
class Department:
    """Who works today, and how long ago and from now things are."""

    now: dt.datetime
    staff: dict[str, User] = field(default_factory=dict)
    scans: Scans = field(default_factory=Scans)

    def at(self, minutes: float) -> dt.datetime:
        """A time, in minutes from now, on the minute."""
        return (self.now + dt.timedelta(minutes=minutes)).replace(second=0, microsecond=0)

    def by(self, username: str, method: str = "manual") -> Actor:
        """A person as an actor. The channel says that a command entered it, not a page."""
        return Actor(
            user=self.staff[username], channel="command", address="127.0.0.1", method=method
        )

    def open(self) -> None:
        """People and stations."""
        security = system_actor("demo", "accounts.manage", "stations.manage", channel="command")
        for username, name, role, title in STAFF:
            self.staff[username] = create_user(
                security,
                username=username,
                name_zh=name,
                password=PASSWORD,
                roles=[role],
                title=title,
                demo_password=True,
            )
        for code, name, kind, place in STATIONS:
            register_station(security, code=code, name=name, kind=kind, place=place)

    def scripts(self) -> list[Script]:
        """Everybody's way through the day."""
        ways: list[Script] = [self._batch(*batch) for batch in BATCHES]
        ways += [self._patient(place, person) for place, person in enumerate(patients(), start=1)]
        return ways

    def _batch(self, code: str, mbq: float, ml: float, minutes: int) -> Script:
        tracer = Tracer.objects.select_related("nuclide").get(code=code)
        yield self.at(minutes + 8)
        made = self.at(minutes)
        life_h = 10 if tracer.nuclide.half_life_s < 4 * 3600 else 8
        readings = {test.code: _passing(test) for test in tests_for(tracer.short) if test.before}
        batch = record_batch(
            self.by("pharmacist"),
            tracer=tracer,
            activity_mbq=Decimal(str(mbq)),
            reference_at=made,
            volume_ml=Decimal(str(ml)),
            expires_at=made + dt.timedelta(hours=life_h),
            qc=readings,
        )
        yield self.at(minutes + 15)
        release_batch(self.by("pharmacist2"), batch)

    def _patient(self, place: int, person: Somebody) -> Script:
        # Booked before the day's first act, so that the calendar is whole from the morning on.
        yield self.at(MORNING_MIN) + dt.timedelta(seconds=20 * place)
        exam = self._book(place, person)
        if person.fate == "cancel":
            yield self.at(-150)
            exams.cancel_exam(self.by("registrar"), exam, "患者住院治疗，改期")
            return
        scan = exam.booked_for or self.at(person.scan_min)
        if person.fate == "no_show":
            yield scan + dt.timedelta(minutes=30)
            exams.mark_no_show(self.by("registrar"), exam, "电话未接通")
            return
        step = exam.steps.select_related("tracer__nuclide").order_by("number").get(number=1)
        uptake = step.uptake_min or 0
        inject = scan - dt.timedelta(minutes=uptake)
        yield from self._admit(exam, person, inject)
        if step.administers and step.tracer:
            yield from self._inject(exam, step, inject)
        yield from self._scan(exam, person, scan)
        yield from self._report(exam, person, scan)

    def _book(self, place: int, person: Somebody) -> Exam:
        front = self.by("registrar")
        patient = register_patient(
            front,
            name_zh=person.name_zh,
            sex=person.sex,
            birth_date=person.born,
            phone=phone(place),
            identifiers=[
                ("id_card", "", id_card(person, place)),
                ("outpatient", "", f"D{26000 + place}"),
            ],
            is_demo=True,
        )
        wishes: dict[str, Any] = {
            "device": Device.objects.get(code=person.device),
            "starts_at": _on_grid(self.at(person.scan_min)),
        }
        for _try in range(20):
            try:
                return self._place(person, patient, wishes)
            except exams.SlotTaken as taken:
                # As at the desk: the next free time is offered, and taken.
                if taken.next_free is None:
                    raise
                wishes = {"device": taken.next_free.device, "starts_at": taken.next_free.starts_at}
        raise RuntimeError(f"no time for {person.name_zh}")

    def _place(self, person: Somebody, patient: Patient, wishes: dict[str, Any]) -> Exam:
        return exams.book_exam(
            self.by("registrar"),
            patient=patient,
            item=ExamItem.objects.get(code=person.item),
            **wishes,
            source=person.source,
            priority=Exam.Priority.EMERGENCY
            if person.source == "emergency"
            else Exam.Priority.ROUTINE,
            requesting_department=person.department,
            requesting_physician=person.physician,
            clinical_diagnosis=person.diagnosis,
            bed=person.bed,
        )

    def _admit(self, exam: Exam, person: Somebody, inject: dt.datetime) -> Iterator[dt.datetime]:
        yield inject - dt.timedelta(minutes=38)
        exams.mark_arrived(self.by("registrar", "scan"), exam)
        template = exam.item.interview_template
        if template is None:
            return
        yield inject - dt.timedelta(minutes=24)
        self._serve(exam, "interviewer")
        exams.record_interview(self.by("interviewer"), exam, _answers(person, exam, self.at))

    def _inject(self, exam: Exam, step: ExamStep, inject: dt.datetime) -> Iterator[dt.datetime]:
        drawn = inject - dt.timedelta(minutes=7)
        yield drawn
        step.refresh_from_db()
        batch = (
            Batch.objects.filter(tracer=step.tracer, state="released", expires_at__gt=inject)
            .select_related("tracer__nuclide")
            .order_by("id")
            .last()
        )
        if batch is None or step.planned_activity_mbq is None:
            return
        half_life_s = batch.tracer.nuclide.half_life_s
        wanted = activity_at(
            step.planned_activity_mbq, measured_at=inject, at=drawn, half_life_s=half_life_s
        ) * (1.02 + 0.004 * (step.pk % 7))
        left = activity_at(
            batch.activity_mbq, measured_at=batch.reference_at, at=drawn, half_life_s=half_life_s
        )
        unit = dispense(
            self.by("pharmacist"),
            batch,
            step,
            volume_ml=round(Decimal(wanted / left * float(batch.volume_ml)), 3),
            assay_mbq=round(Decimal(wanted), 1),
            assayed_at=drawn,
            device=Device.objects.get(code="dose-calibrator-1"),
        )
        yield inject + dt.timedelta(seconds=30)
        self._serve(exam, "nurse")
        given = administer(
            self.by("nurse", "scan"),
            step,
            unit,
            started_at=inject,
            site="右肘正中静脉",
            overrides=[{"check": code, "reason": "已核对"} for code in ("glucose", "activity")],
        )
        yield inject + dt.timedelta(minutes=4)
        record_residual(
            self.by("nurse"),
            given,
            round(Decimal(wanted * 0.018), 1),
            inject + dt.timedelta(minutes=3),
            device=Device.objects.get(code="dose-calibrator-2"),
        )

    def _scan(self, exam: Exam, person: Somebody, scan: dt.datetime) -> Iterator[dt.datetime]:
        yield scan
        self._serve(exam, "technologist")
        step = exam.steps.get(number=1)
        exams.move_step(self.by("technologist"), step, "start", at=scan)
        end = scan + dt.timedelta(minutes=step.duration_min - 1)
        yield end
        exams.move_step(self.by("technologist"), ExamStep.objects.get(pk=step.pk), "finish", at=end)
        for later in exam.steps.filter(number__gt=1):
            exams.move_step(self.by("technologist"), later, "start", at=end)
            exams.move_step(self.by("technologist"), later, "finish", at=end)
        if person.images:
            given = Administration.objects.filter(step__exam=exam).first()
            exam.refresh_from_db()
            self.scans.send(exam, person.images, given, scan)
            yield end + dt.timedelta(minutes=1)
            self.scans.settle(exam)

    def _report(self, exam: Exam, person: Somebody, scan: dt.datetime) -> Iterator[dt.datetime]:
        author = "doctor" if exam.pk % 2 else "doctor2"
        auditor = "chief" if exam.pk % 2 else "chief2"
        yield scan + dt.timedelta(minutes=55)
        exam.refresh_from_db()
        if exam.state != "acquired":
            return
        text = report_text(exam, person.images)
        if person.images:
            self.scans.key_images(self.by(author), exam)
        report = reports.start_report(self.by(author), exam, text.draft)
        yield scan + dt.timedelta(minutes=85)
        report = reports.submit_report(self.by(author), report, text.draft, base_number=1)
        yield scan + dt.timedelta(minutes=125)
        reports.audit_report(self.by(auditor), report, text.final, base_number=2)
        yield scan + dt.timedelta(minutes=160)
        reports.publish_report(self.by(auditor), report)

    def _serve(self, exam: Exam, who: str) -> None:
        """The patient is called and comes in, if a ticket waits."""
        ticket = (
            Ticket.objects.filter(exam=exam, state="waiting")
            .select_related("service_point")
            .first()
        )
        if ticket is None:
            return
        taken = Ticket.objects.filter(state__in=("called", "serving")).values_list(
            "room_id", flat=True
        )
        room = ticket.service_point.rooms.exclude(pk__in=list(taken)).first()
        if room is not None:
            queues.serve(self.by(who), queues.call(self.by(who), ticket, room))


def _passing(test: Any) -> Any:
    """A reading in the middle of what passes."""
    if not test.is_number:
        return True
    low = test.lower if test.lower is not None else 0.0
    high = test.upper if test.upper is not None else low * 1.05
    return round((low + high) / 2, 2)


def _on_grid(at: dt.datetime) -> dt.datetime:
    return at - dt.timedelta(minutes=timezone.localtime(at).minute % 5)


def _answers(person: Somebody, exam: Exam, at: Callable[[float], dt.datetime]) -> dict[str, Any]:
    answers: dict[str, Any] = {
        "identity_checked": True,
        "reason": person.diagnosis,
        "weight_kg": person.weight_kg,
        "weight_method": "measured",
        "height_cm": person.height_cm,
        "diabetes": person.diabetes,
        "allergy": False,
        "mobility": "walk",
        "lie_flat": True,
        "consent": True,
    }
    if person.sex == "F":
        answers["pregnancy"] = "1"
    if person.glucose is not None:
        answers |= {"fasting_h": 8, "glucose_mmol_l": person.glucose}
    return answers
