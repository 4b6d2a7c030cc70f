"""Patients and their identifiers (clauses 1.8, 2.2; design §2.9)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Patient(models.Model):
    """A person who is examined. Ideographic and alphabetic name groups are both kept (DICOM PN)."""

    class Sex(models.TextChoices):
        MALE = "M", _("male")
        FEMALE = "F", _("female")
        OTHER = "O", _("other")

    patient_id = models.CharField(
        max_length=64, unique=True, help_text="(0010,0020), the department's own number"
    )
    name_zh = models.CharField(max_length=60)
    name_latin = models.CharField(max_length=64, help_text="alphabetic group, Shan^Xiongxin")
    sex = models.CharField(max_length=1, choices=Sex)
    birth_date = models.DateField(null=True)
    phone = models.CharField(max_length=30, blank=True)
    allergies = models.CharField(max_length=200, blank=True)
    merged_into = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="aliases"
    )
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["name_zh", "birth_date"], name="patient_name_birth")]

    def __str__(self) -> str:
        return self.name_zh


class PatientIdentifier(models.Model):
    """A number somebody knows the patient by: ID card, outpatient, inpatient, medical record, check-up."""

    class Kind(models.TextChoices):
        ID_CARD = "id_card", _("ID card")
        PASSPORT = "passport", _("passport")
        OUTPATIENT = "outpatient", _("outpatient number")
        INPATIENT = "inpatient", _("inpatient number")
        RECORD = "record", _("medical record number")
        CHECKUP = "checkup", _("check-up number")

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="identifiers")
    kind = models.CharField(max_length=12, choices=Kind)
    authority = models.CharField(max_length=40, blank=True)
    value = models.CharField(max_length=64, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "authority", "value"], name="one_patient_per_identifier"
            )
        ]


class SearchGram(models.Model):
    """One- and two-character pieces of a Chinese name: the search that works alike on SQLite and PostgreSQL.

    `^` before a character marks the beginning of the name.
    """

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="grams")
    gram = models.CharField(max_length=2)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["gram", "patient"], name="one_gram_per_patient")
        ]


class SearchKey(models.Model):
    """Something of a patient that is found by its beginning.

    The first letter tells the kind: `p` full pinyin, `i` initials, `b` a short beginning of either (a tenth of all
    patients begins with w: those are found by equality, newest first, without sorting them), `t` phone number
    backwards (so that its tail is a beginning), `n` an identifier backwards.
    """

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="keys")
    key = models.CharField(max_length=130, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key", "patient"], name="one_key_per_patient")
        ]


class Merge(models.Model):
    """Two records that were one person (clause 1.8). Keeps what moved, so that it can be undone."""

    survivor = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="merges")
    alias = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="merged_away")
    moved = models.JSONField(default=dict, help_text="kind of record → primary keys that moved")
    reason = models.CharField(max_length=200)
    at = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["alias"],
                condition=models.Q(undone_at__isnull=True),
                name="one_open_merge_per_alias",
            )
        ]
