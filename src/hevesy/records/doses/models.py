"""From batch to administration: one unbroken chain (design §2.1; clauses 4.2, 9.1-9.4)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from hevesy.records.catalogue.models import Tracer
from hevesy.records.equipment.models import Device
from hevesy.records.exams.models import ExamStep


class Batch(models.Model):
    """A produced or received batch. `state` moves by the table in states.py; only a released one may be dispensed."""

    number = models.CharField(max_length=30, unique=True)
    tracer = models.ForeignKey(Tracer, on_delete=models.PROTECT)
    state = models.CharField(max_length=14)
    activity_mbq = models.DecimalField(max_digits=14, decimal_places=6)
    reference_at = models.DateTimeField()
    volume_ml = models.DecimalField(max_digits=8, decimal_places=3)
    expires_at = models.DateTimeField()
    qc = models.JSONField(
        default=dict, help_text="pre-release checks: appearance, pH, radiochemical purity, …"
    )
    created_by = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.PROTECT, related_name="+"
    )
    released_by = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.PROTECT, related_name="+"
    )
    released_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(activity_mbq__gt=0, volume_ml__gt=0), name="batch_positive"
            )
        ]

    def __str__(self) -> str:
        return self.number


class DispensedUnit(models.Model):
    """A syringe, capsule or vial drawn from a batch for one step. Its QR code is `code`."""

    code = models.CharField(max_length=26, unique=True)
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="units")
    step = models.ForeignKey(ExamStep, null=True, on_delete=models.PROTECT, related_name="units")
    state = models.CharField(max_length=14, db_index=True)
    volume_ml = models.DecimalField(max_digits=8, decimal_places=3)
    dispensed_at = models.DateTimeField()
    dispensed_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT)


class Assay(models.Model):
    """One reading of a dose calibrator. Append-only; a correction is a new reading with a reason."""

    class Kind(models.TextChoices):
        PRE = "pre", _("before administration")
        POST = "post", _("residual after administration")

    unit = models.ForeignKey(DispensedUnit, on_delete=models.PROTECT, related_name="assays")
    kind = models.CharField(max_length=4, choices=Kind)
    activity_mbq = models.DecimalField(max_digits=14, decimal_places=6)
    at = models.DateTimeField()
    device = models.ForeignKey(Device, null=True, on_delete=models.PROTECT)
    observer = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT)
    reason = models.CharField(max_length=200, blank=True)
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(activity_mbq__gte=0), name="assay_not_negative"
            )
        ]


class Administration(models.Model):
    """The event at the centre: this unit into this patient. `administered_mbq` is computed from the assays."""

    class Method(models.TextChoices):
        COMPUTED = "computed", _("computed from assays")
        MANUAL = "manual", _("typed with a reason")

    uid = models.CharField(max_length=64, unique=True)
    step = models.ForeignKey(ExamStep, on_delete=models.PROTECT, related_name="administrations")
    unit = models.OneToOneField(
        DispensedUnit, on_delete=models.PROTECT, related_name="administration"
    )
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    route = models.CharField(max_length=20, default="IV")
    site = models.CharField(max_length=40, blank=True)
    laterality = models.CharField(max_length=1, blank=True)
    administered_mbq = models.DecimalField(
        max_digits=14,
        decimal_places=6,
        null=True,
        help_text="at started_at; empty until the residual is measured",
    )
    half_life_s = models.FloatField()
    method = models.CharField(max_length=10, choices=Method, default=Method.COMPUTED)
    manual_reason = models.CharField(max_length=200, blank=True)
    extravasation_percent = models.PositiveSmallIntegerField(null=True)
    reaction = models.CharField(max_length=200, blank=True)
    by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT)
    overrides = models.JSONField(
        default=list, help_text="warnings that were accepted, each with its reason"
    )
