"""What the department offers and with what: classes, items, tracers, rooms, templates (clauses 2.1, 10.13-10.15)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


class Named(models.Model):
    """Something of the catalogue with a stable code and a name in both languages."""

    code = models.CharField(max_length=40, unique=True)
    name_zh = models.CharField(max_length=80)
    name_en = models.CharField(max_length=120)
    sort = models.PositiveIntegerField(default=0)
    active = models.BooleanField(default=True)

    class Meta:
        abstract = True
        ordering = ["sort", "id"]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The name in the language of the request."""
        return self.name_en if (get_language() or "").startswith("en") else self.name_zh


class ModalityClass(Named):
    """A device kind with a numbering of its own (clause 2.1): PET-CT, SPECT-CT, ECT, BMD, therapy, …"""

    class Reset(models.TextChoices):
        YEARLY = "yearly", _("every year")
        MONTHLY = "monthly", _("every month")
        DAILY = "daily", _("every day")
        NEVER = "never", _("never")

    dicom_modalities = models.JSONField(
        default=list,
        help_text="Modality (0008,0060) of its images; the first is sent in the worklist",
    )
    number_template = models.CharField(
        max_length=60, help_text="for example PT{yy}-{seq:05}; at most 16 characters result"
    )
    number_reset = models.CharField(max_length=10, choices=Reset, default=Reset.YEARLY)
    report_kind = models.CharField(max_length=40)


class Nuclide(Named):
    """A radionuclide; the half-life is physics with a source."""

    half_life_s = models.FloatField()
    source = models.CharField(max_length=120)
    dicom_code = models.JSONField(
        default=dict, help_text="CodeValue, CodingSchemeDesignator, CodeMeaning"
    )


class Tracer(Named):
    """A radiopharmaceutical. `plain` is for voice, CSV and titles (F-18 FDG)."""

    nuclide = models.ForeignKey(Nuclide, on_delete=models.PROTECT)
    short = models.CharField(max_length=30, help_text="FDG, MDP, MIBI: prefix of batch numbers")
    plain = models.CharField(max_length=40)
    mass_number = models.CharField(max_length=4, help_text="18, 99m, 131")
    element = models.CharField(max_length=3)
    label = models.CharField(max_length=30, help_text="what follows the nuclide: -FDG, -MDP, NaI")
    dicom_code = models.JSONField(default=dict)
    route = models.CharField(max_length=20, default="IV")
    effective_dose_msv_per_mbq = models.FloatField(null=True)
    effective_dose_source = models.CharField(max_length=120, blank=True)


class BodyPart(Named):
    """A body part (clause 10.13) with its SNOMED CT code as DICOM uses it."""

    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT)
    snomed = models.CharField(max_length=20, blank=True)
    dicom_body_part = models.CharField(max_length=16, blank=True)


class Room(Named):
    """A room where a step of an examination happens."""

    class Kind(models.TextChoices):
        RECEPTION = "reception", _("reception")
        WAITING = "waiting", _("waiting area")
        INTERVIEW = "interview", _("interview room")
        HOT_LAB = "hot_lab", _("hot laboratory")
        INJECTION = "injection", _("injection room")
        UPTAKE = "uptake", _("uptake room")
        SCANNER = "scanner", _("scanner room")
        READING = "reading", _("reading room")

    kind = models.CharField(max_length=12, choices=Kind)
    floor = models.CharField(max_length=40, blank=True)
    capacity = models.PositiveSmallIntegerField(default=1)


class InterviewTemplate(Named):
    """The questions of one kind of examination (clause 5.2). A change makes a new version; answers keep theirs."""

    version = models.PositiveIntegerField(default=1)
    questions = models.JSONField(
        help_text="list of {key, label_zh, label_en, type, unit, required, min, max, options}"
    )


class ReportTemplate(Named):
    """Text a report starts from (clause 10.14): sections with {{variables}}; `owner` empty means the department's."""

    item = models.ForeignKey(
        "ExamItem", null=True, blank=True, on_delete=models.CASCADE, related_name="report_templates"
    )
    modality_class = models.ForeignKey(
        ModalityClass, null=True, blank=True, on_delete=models.CASCADE
    )
    owner = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.CASCADE)
    sections = models.JSONField(help_text="{technique, findings, impression}")


class ExamItem(Named):
    """An examination the department offers (clause 10.15): what to give, how long to wait, what to tell the patient."""

    modality_class = models.ForeignKey(
        ModalityClass, on_delete=models.PROTECT, related_name="items"
    )
    body_parts = models.ManyToManyField(BodyPart, blank=True)
    interview_template = models.ForeignKey(InterviewTemplate, null=True, on_delete=models.PROTECT)
    preparation_zh = models.TextField()
    preparation_en = models.TextField(blank=True)
    scan_min = models.PositiveSmallIntegerField(default=20)
    requires_interview = models.BooleanField(default=True)
    source = models.CharField(max_length=120, blank=True)
    version = models.PositiveIntegerField(default=1)

    @property
    def preparation(self) -> list[str]:
        """What to tell the patient, line by line, in the language of the request."""
        english = (get_language() or "").startswith("en")
        text = (self.preparation_en if english else self.preparation_zh) or self.preparation_zh
        return [line.strip() for line in text.splitlines() if line.strip()]


class ItemPhase(models.Model):
    """One scheduled step of an item: rest, stress, early, delayed, second tracer."""

    item = models.ForeignKey(ExamItem, on_delete=models.CASCADE, related_name="phases")
    number = models.PositiveSmallIntegerField(default=1)
    name_zh = models.CharField(max_length=40, blank=True)
    name_en = models.CharField(max_length=40, blank=True)
    tracer = models.ForeignKey(Tracer, null=True, blank=True, on_delete=models.PROTECT)
    administers = models.BooleanField(
        default=True,
        help_text="false: the activity of an earlier phase is imaged again, or no drug",
    )
    acquires = models.BooleanField(default=True)
    scan_min = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="empty: as long as the item says"
    )
    activity_mbq = models.DecimalField(max_digits=14, decimal_places=6, null=True)
    activity_mbq_per_kg = models.DecimalField(max_digits=10, decimal_places=4, null=True)
    activity_min_mbq = models.DecimalField(max_digits=14, decimal_places=6, null=True)
    activity_max_mbq = models.DecimalField(max_digits=14, decimal_places=6, null=True)
    uptake_min = models.PositiveIntegerField(
        null=True, help_text="target minutes from administration to acquisition"
    )
    uptake_earliest_min = models.PositiveIntegerField(null=True)
    uptake_latest_min = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ["item", "number"]
        constraints = [
            models.UniqueConstraint(fields=["item", "number"], name="one_phase_per_number")
        ]

    @property
    def name(self) -> str:
        """The name in the language of the request; empty for an item's only phase."""
        return self.name_en if (get_language() or "").startswith("en") else self.name_zh


class ColourMap(Named):
    """A colour map the viewer offers (clause 6.14); the table itself is computed by imaging or uploaded."""

    group = models.CharField(max_length=30)
    source = models.CharField(max_length=120)
    monotone = models.BooleanField(default=False)


class Policy(models.Model):
    """A value the department decides (hospital name, dosing tolerance, thresholds): edited on a page, audited."""

    key = models.CharField(max_length=60, unique=True)
    value = models.JSONField()
    label_zh = models.CharField(max_length=120)
    label_en = models.CharField(max_length=120)
    source = models.CharField(max_length=200, blank=True)
    approved_by = models.CharField(max_length=60, blank=True)
    effective_from = models.DateField(null=True)
