"""From batch to administration: one unbroken chain (design §2.1; clauses 4.2, 9.1-9.4)."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils.translation import pgettext_lazy

from hevesy.imaging.quantify.decay import activity_at, net_administered_mbq
from hevesy.records.catalogue.models import Tracer
from hevesy.records.doses import states
from hevesy.records.equipment.models import Device
from hevesy.records.exams.models import ExamStep


class DoseSequence(models.Model):
    """The last number given to a batch of a tracer, or to a unit, on a day; locked while a number is taken."""

    prefix = models.CharField(max_length=30)
    day = models.DateField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["prefix", "day"], name="one_dose_sequence_per_day")
        ]


class Lot(models.Model):
    """Something a batch is made from: cyclotron run, elution, kit, precursor, cassette, purchased nuclide (9.4)."""

    class Kind(models.TextChoices):
        CYCLOTRON_RUN = "cyclotron_run", pgettext_lazy("lot", "cyclotron run")
        ELUTION = "elution", pgettext_lazy("lot", "generator elution")
        PURCHASED = "purchased", pgettext_lazy("lot", "purchased radionuclide")
        PRECURSOR = "precursor", pgettext_lazy("lot", "precursor")
        KIT = "kit", pgettext_lazy("lot", "cold kit")
        CASSETTE = "cassette", pgettext_lazy("lot", "cassette")
        FILTER = "filter", pgettext_lazy("lot", "sterile filter")
        CONTRAST = "contrast", pgettext_lazy("lot", "contrast medium")
        OTHER = "other", pgettext_lazy("lot", "other material")

    kind = models.CharField(max_length=14, choices=Kind)
    code = models.CharField(max_length=40, help_text="the maker's lot number, or our run number")
    name = models.CharField(max_length=80, blank=True)
    maker = models.CharField(max_length=80, blank=True)
    expires_on = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "code", "maker"], name="one_row_per_lot")
        ]

    def __str__(self) -> str:
        return self.code


class Batch(models.Model):
    """A produced or received batch. `state` moves by the table in states.py; only a released one may be dispensed."""

    class Origin(models.TextChoices):
        PET = "pet", pgettext_lazy("batch origin", "PET production")
        ECT = "ect", pgettext_lazy("batch origin", "ECT kit preparation")
        PURCHASED = "purchased", pgettext_lazy("batch origin", "purchased")

    number = models.CharField(max_length=30, unique=True)
    tracer = models.ForeignKey(Tracer, on_delete=models.PROTECT)
    origin = models.CharField(max_length=10, choices=Origin, default=Origin.PET)
    lots = models.ManyToManyField(Lot, blank=True, related_name="batches")
    state = models.CharField(max_length=14, db_index=True)
    activity_mbq = models.DecimalField(max_digits=14, decimal_places=6)
    reference_at = models.DateTimeField()
    volume_ml = models.DecimalField(max_digits=8, decimal_places=3)
    expires_at = models.DateTimeField()
    qc = models.JSONField(
        default=dict,
        help_text="{test code: [{value, passed, by, at, reason}, …]}; the last reading counts, none is erased",
    )
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.PROTECT, related_name="+"
    )
    released_by = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.PROTECT, related_name="+"
    )
    released_at = models.DateTimeField(null=True)
    release_reason = models.CharField(
        max_length=200, blank=True, help_text="why the maker released the own batch"
    )
    closed_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(activity_mbq__gt=0, volume_ml__gt=0), name="batch_positive"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="released") | models.Q(released_at__isnull=False),
                name="released_batch_has_a_time",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def half_life_s(self) -> float:
        """Half-life of the batch's nuclide in seconds."""
        return self.tracer.nuclide.half_life_s

    def produced_mbq(self, at: datetime) -> float:
        """What the batch as made would hold at `at`, in MBq, had nothing been drawn."""
        return activity_at(
            self.activity_mbq,
            measured_at=self.reference_at,
            at=at,
            half_life_s=self.half_life_s,
        )

    @property
    def state_label(self) -> str:
        """The state as a word."""
        return str(states.BATCH_LABELS[self.state])


class DispensedUnit(models.Model):
    """A syringe, capsule or vial drawn from a batch for one step. Its QR code is `code`; people read `number`."""

    code = models.CharField(max_length=26, unique=True)
    number = models.CharField(max_length=16, unique=True, help_text="U-261124-031")
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="units")
    step = models.ForeignKey(ExamStep, null=True, on_delete=models.PROTECT, related_name="units")
    state = models.CharField(max_length=14, db_index=True)
    volume_ml = models.DecimalField(max_digits=8, decimal_places=3)
    planned_mbq = models.DecimalField(max_digits=14, decimal_places=6, null=True)
    planned_at = models.DateTimeField(null=True, help_text="when it is meant to be given")
    dispensed_at = models.DateTimeField()
    dispensed_by = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.PROTECT, related_name="+"
    )
    received_at = models.DateTimeField(null=True)
    received_by = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.PROTECT, related_name="+"
    )
    closed_at = models.DateTimeField(null=True)
    closed_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(volume_ml__gt=0), name="unit_volume_positive")
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def state_label(self) -> str:
        """The state as a word."""
        return str(states.UNIT_LABELS[self.state])

    def latest(self, kind: str) -> Assay | None:
        """The reading that counts: the last of its kind. Uses prefetched assays."""
        readings = [assay for assay in self.assays.all() if assay.kind == kind]
        return max(readings, key=lambda assay: assay.pk, default=None)

    def activity_mbq(self, at: datetime) -> float | None:
        """What the syringe holds at `at` by its last assay, in MBq; None before it was measured."""
        assay = self.latest(Assay.Kind.PRE)
        if assay is None:
            return None
        return activity_at(
            assay.activity_mbq,
            measured_at=assay.at,
            at=at,
            half_life_s=self.batch.half_life_s,
        )


class Assay(models.Model):
    """One reading of a dose calibrator. Append-only; a correction is a new reading with a reason."""

    class Kind(models.TextChoices):
        PRE = "pre", pgettext_lazy("assay", "before administration")
        POST = "post", pgettext_lazy("assay", "residual after administration")
        RETURN = "return", pgettext_lazy("assay", "on return")

    unit = models.ForeignKey(DispensedUnit, on_delete=models.PROTECT, related_name="assays")
    kind = models.CharField(max_length=6, choices=Kind)
    activity_mbq = models.DecimalField(max_digits=14, decimal_places=6)
    at = models.DateTimeField()
    device = models.ForeignKey(Device, null=True, on_delete=models.PROTECT)
    observer = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT)
    reason = models.CharField(max_length=200, blank=True)
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(activity_mbq__gte=0), name="assay_not_negative"
            )
        ]


class DoseRequest(models.Model):
    """The injection room asks for a dose: the patient is ready (clause 4.2). Closed by the dispensing."""

    step = models.ForeignKey(ExamStep, on_delete=models.PROTECT, related_name="dose_requests")
    wanted_at = models.DateTimeField()
    wanted_mbq = models.DecimalField(max_digits=14, decimal_places=6, null=True)
    note = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["step"],
                condition=models.Q(closed_at__isnull=True),
                name="one_open_request_per_step",
            )
        ]


class Administration(models.Model):
    """The event at the centre: this unit into this patient. `administered_mbq` is computed from the assays."""

    class Method(models.TextChoices):
        COMPUTED = "computed", pgettext_lazy("administration", "computed from assays")
        MANUAL = "manual", pgettext_lazy("administration", "typed with a reason")

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
    identified_by = models.CharField(
        max_length=10, default="scan", help_text="scan, or manual: two identifiers and a reason"
    )
    extravasation_percent = models.PositiveSmallIntegerField(null=True)
    by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    second = models.ForeignKey(
        "accounts.User",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="the second person who agreed to a dose outside tolerance",
    )
    overrides = models.JSONField(
        default=list, help_text="warnings that were accepted, each with its reason"
    )
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["started_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True)
                | models.Q(ended_at__gte=models.F("started_at")),
                name="administration_ends_after_start",
            ),
            models.CheckConstraint(
                condition=models.Q(administered_mbq__isnull=True)
                | models.Q(administered_mbq__gte=0),
                name="administered_not_negative",
            ),
        ]

    @property
    def gross_mbq(self) -> float | None:
        """What the syringe held at the time of injection, in MBq: an upper limit until the residual is known."""
        assay = self.unit.latest(Assay.Kind.PRE)
        if assay is None:
            return None
        return net_administered_mbq(
            assayed_mbq=assay.activity_mbq,
            assayed_at=assay.at,
            administered_at=self.started_at,
            half_life_s=self.half_life_s,
        )

    @property
    def best_mbq(self) -> float | None:
        """Net activity at injection in MBq, or the gross one while the residual is still to be measured."""
        if self.administered_mbq is not None:
            return float(self.administered_mbq)
        return self.gross_mbq

    @property
    def is_provisional(self) -> bool:
        """Whether the residual is still to be measured."""
        return self.administered_mbq is None


class Correction(models.Model):
    """A change of an administration after the fact (H4): what it was, what it is, why. Append-only."""

    administration = models.ForeignKey(
        Administration, on_delete=models.PROTECT, related_name="corrections"
    )
    field = models.CharField(max_length=20)
    before = models.CharField(max_length=60)
    after = models.CharField(max_length=60)
    reason = models.CharField(max_length=200)
    at = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT)


class Reaction(models.Model):
    """An adverse reaction or an extravasation noted after the administration (clauses 4.2, 9.2). Append-only."""

    class Grade(models.IntegerChoices):
        MILD = 1, pgettext_lazy("reaction", "mild")
        MODERATE = 2, pgettext_lazy("reaction", "moderate")
        SEVERE = 3, pgettext_lazy("reaction", "severe")

    administration = models.ForeignKey(
        Administration, on_delete=models.PROTECT, related_name="reactions"
    )
    at = models.DateTimeField()
    grade = models.PositiveSmallIntegerField(choices=Grade, default=Grade.MILD)
    text = models.CharField(max_length=300)
    treatment = models.CharField(max_length=300, blank=True)
    recorded_at = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT)
