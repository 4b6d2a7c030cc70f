"""The examination, its scheduled steps, its interview and its timeline (design §2.0-2.2)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from hevesy.records.catalogue.models import ExamItem, ItemPhase, ModalityClass, Tracer
from hevesy.records.equipment.models import Device
from hevesy.records.patients.models import Patient


class NumberSequence(models.Model):
    """The last number given in a period of a modality class; locked while a number is taken."""

    modality_class = models.ForeignKey(ModalityClass, on_delete=models.PROTECT)
    period = models.CharField(max_length=8, blank=True)
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["modality_class", "period"], name="one_sequence_per_period"
            )
        ]


class Exam(models.Model):
    """The department's order and visit. `state` is derived; `visit_state` and `report_state` move by tables."""

    class Source(models.TextChoices):
        OUTPATIENT = "outpatient", _("outpatient")
        INPATIENT = "inpatient", _("inpatient")
        EMERGENCY = "emergency", _("emergency")
        CHECKUP = "checkup", _("check-up")

    class Priority(models.IntegerChoices):
        EMERGENCY = 0, _("emergency")
        URGENT = 1, _("urgent")
        ROUTINE = 2, _("routine")

    class Pregnancy(models.IntegerChoices):
        NOT = 1, _("not pregnant")
        POSSIBLE = 2, _("possibly pregnant")
        DEFINITE = 3, _("pregnant")
        UNKNOWN = 4, _("unknown")

    number = models.CharField(
        max_length=16, unique=True, help_text="examination number = Accession Number (0008,0050)"
    )
    code = models.CharField(
        max_length=26,
        unique=True,
        help_text="what the QR code carries; says nothing about the person",
    )
    study_instance_uid = models.CharField(max_length=64, unique=True)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="exams")
    item = models.ForeignKey(ExamItem, on_delete=models.PROTECT)
    item_version = models.PositiveIntegerField(default=1)
    modality_class = models.ForeignKey(ModalityClass, on_delete=models.PROTECT)
    source = models.CharField(max_length=12, choices=Source, default=Source.OUTPATIENT)
    priority = models.PositiveSmallIntegerField(choices=Priority, default=Priority.ROUTINE)
    requesting_department = models.CharField(max_length=60, blank=True)
    requesting_physician = models.CharField(max_length=60, blank=True)
    clinical_diagnosis = models.CharField(max_length=300, blank=True)
    clinical_question = models.CharField(max_length=300, blank=True)
    bed = models.CharField(max_length=20, blank=True)
    weight_kg = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    height_cm = models.DecimalField(max_digits=5, decimal_places=1, null=True)
    glucose_mmol_l = models.DecimalField(max_digits=4, decimal_places=1, null=True)
    fasting_h = models.DecimalField(max_digits=4, decimal_places=1, null=True)
    pregnancy = models.PositiveSmallIntegerField(choices=Pregnancy, null=True)
    flags = models.JSONField(
        default=list, help_text="diabetes, pregnancy, child, emergency, deaf, allergy"
    )
    visit_state = models.CharField(max_length=14)
    report_state = models.CharField(max_length=14, blank=True)
    state = models.CharField(max_length=14, db_index=True)
    state_since = models.DateTimeField(
        null=True, help_text="when it came into this state; warnings count from here (clause 1.6)"
    )
    booked_for = models.DateTimeField(
        null=True, db_index=True, help_text="start of the first scheduled step"
    )
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    created_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT)
    is_demo = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["state", "state_since"], name="exam_state_since")]

    def __str__(self) -> str:
        return self.number


class ExamStep(models.Model):
    """A Scheduled Procedure Step: what is given, on which device, when. Worklist, MPPS, ticket, dose hang here."""

    exam = models.ForeignKey(Exam, on_delete=models.CASCADE, related_name="steps")
    number = models.PositiveSmallIntegerField(default=1)
    phase = models.ForeignKey(ItemPhase, null=True, on_delete=models.PROTECT)
    scheduled_procedure_step_id = models.CharField(max_length=16, unique=True)
    tracer = models.ForeignKey(Tracer, null=True, on_delete=models.PROTECT)
    administers = models.BooleanField(default=True)
    planned_activity_mbq = models.DecimalField(max_digits=14, decimal_places=6, null=True)
    uptake_min = models.PositiveIntegerField(null=True)
    uptake_earliest_min = models.PositiveIntegerField(null=True)
    uptake_latest_min = models.PositiveIntegerField(null=True)
    device = models.ForeignKey(Device, null=True, on_delete=models.PROTECT, related_name="steps")
    starts_at = models.DateTimeField(null=True, db_index=True)
    duration_min = models.PositiveSmallIntegerField(default=20)
    state = models.CharField(max_length=14, db_index=True)
    administered_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    performed_uid = models.CharField(
        max_length=64, blank=True, help_text="SOP Instance UID of the MPPS"
    )

    class Meta:
        ordering = ["exam", "number"]
        constraints = [
            models.UniqueConstraint(fields=["exam", "number"], name="one_step_per_number")
        ]


class SlotHold(models.Model):
    """One cell of a device's calendar grid that a step holds: the database refuses a double booking."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE)
    starts_at = models.DateTimeField()
    step = models.ForeignKey(ExamStep, on_delete=models.CASCADE, related_name="holds")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["device", "starts_at"], name="one_step_per_slot")
        ]


class Interview(models.Model):
    """One interview (clause 5.3): answers with their questions. Never edited: a correction is a new one."""

    exam = models.ForeignKey(Exam, on_delete=models.PROTECT, related_name="interviews")
    template_code = models.CharField(max_length=40)
    template_version = models.PositiveIntegerField()
    questions = models.JSONField(help_text="the questions as they were asked")
    answers = models.JSONField()
    interviewer = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["exam", "id"]


class TimelineRow(models.Model):
    """What happened to an exam: who, when, where, how (clause 1.4). Append-only."""

    exam = models.ForeignKey(Exam, on_delete=models.PROTECT, related_name="timeline")
    step = models.ForeignKey(ExamStep, null=True, on_delete=models.PROTECT)
    event = models.CharField(max_length=30)
    from_state = models.CharField(max_length=14, blank=True)
    to_state = models.CharField(max_length=14, blank=True)
    at = models.DateTimeField()
    user = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT)
    actor_name = models.CharField(max_length=80)
    station = models.CharField(max_length=60, blank=True)
    method = models.CharField(max_length=10, default="manual")
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["exam", "id"]
