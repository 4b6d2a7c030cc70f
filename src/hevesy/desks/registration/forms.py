"""Forms of the front desk. They read text into values; what is allowed is decided by the actions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hevesy.records.catalogue.models import ExamItem
from hevesy.records.catalogue.queries import offered_items
from hevesy.records.exams.models import Exam
from hevesy.records.patients.identity import IdCard, IdCardRefused, read_date, read_id_card
from hevesy.records.patients.models import Patient, PatientIdentifier

IDENTIFIER_FIELDS = ("outpatient", "inpatient", "record", "checkup", "passport")


class FlexibleDate(forms.DateField):
    """A date as people type it."""

    widget = forms.TextInput(attrs={"inputmode": "numeric", "placeholder": "1964-03-08"})

    def to_python(self, value: Any) -> date | None:
        if isinstance(value, str):
            value = read_date(value) or value
        found: date | None = super().to_python(value)
        return found


class PatientForm(forms.Form):
    """A person: name, identity card and other numbers, phone. The card fills sex and birth date."""

    name_zh = forms.CharField(label=gettext_lazy("Name"), max_length=60)
    id_card = forms.CharField(label=gettext_lazy("ID card"), max_length=30, required=False)
    sex = forms.ChoiceField(
        label=gettext_lazy("Sex"), choices=[("", "—"), *Patient.Sex.choices], required=False
    )
    birth_date = FlexibleDate(label=gettext_lazy("Birth date"), required=False)
    phone = forms.CharField(label=gettext_lazy("Phone"), max_length=30, required=False)
    name_latin = forms.CharField(
        label=gettext_lazy("Name in Latin letters"),
        max_length=64,
        required=False,
        help_text=gettext_lazy("Surname^Given name; left empty it follows from the name."),
    )
    outpatient = forms.CharField(
        label=gettext_lazy("Outpatient number"), max_length=64, required=False
    )
    inpatient = forms.CharField(
        label=gettext_lazy("Inpatient number"), max_length=64, required=False
    )
    record = forms.CharField(
        label=gettext_lazy("Medical record number"), max_length=64, required=False
    )
    checkup = forms.CharField(label=gettext_lazy("Check-up number"), max_length=64, required=False)
    passport = forms.CharField(label=gettext_lazy("Passport"), max_length=64, required=False)
    allergies = forms.CharField(label=gettext_lazy("Allergies"), max_length=200, required=False)

    card: IdCard | None = None

    def clean_id_card(self) -> str:
        """The card, read; what it says is kept in `card`."""
        text = str(self.cleaned_data["id_card"])
        if not text:
            return ""
        try:
            self.card = read_id_card(text, today=timezone.localdate())
        except IdCardRefused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        return self.card.number

    def clean(self) -> dict[str, Any]:
        """Sex and birth date from the card when they were left out; a contradiction is shown at the field."""
        values: dict[str, Any] = super().clean() or {}
        if self.card is not None:
            if not values.get("sex"):
                values["sex"] = self.card.sex
            elif values["sex"] != self.card.sex:
                self.add_error("sex", _("The ID card says otherwise. Please correct one of them."))
            if not values.get("birth_date"):
                values["birth_date"] = self.card.birth_date
            elif values["birth_date"] != self.card.birth_date:
                self.add_error(
                    "birth_date", _("The ID card says otherwise. Please correct one of them.")
                )
        if not values.get("sex") and "sex" not in self.errors:
            self.add_error("sex", _("Please choose the sex."))
        return values

    def identifiers(self) -> list[tuple[str, str, str]]:
        """The numbers as actions take them; empty ones too, so that a correction can remove one."""
        kinds = ("id_card", *IDENTIFIER_FIELDS)
        return [(kind, "", self.cleaned_data.get(kind, "")) for kind in kinds]

    @staticmethod
    def values_of(patient: Patient) -> dict[str, Any]:
        """What the form shows of a registered person."""
        names = ("name_zh", "sex", "birth_date", "phone", "name_latin", "allergies")
        values = {name: getattr(patient, name) for name in names}
        for row in patient.identifiers.filter(authority=""):
            values[row.kind] = row.value
        return values


def _item_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    groups: dict[str, list[tuple[str, str]]] = {}
    for item in offered_items():
        groups.setdefault(item.modality_class.name, []).append((str(item.pk), item.name))
    return list(groups.items())


class RequestFields(forms.Form):
    """What a requisition says beside person and examination."""

    source = forms.ChoiceField(label=gettext_lazy("Source"), choices=Exam.Source.choices)
    priority = forms.TypedChoiceField(
        label=gettext_lazy("Priority"),
        choices=Exam.Priority.choices[::-1],
        coerce=int,
        initial=Exam.Priority.ROUTINE,
    )
    requesting_department = forms.CharField(
        label=gettext_lazy("Requesting department"), max_length=60, required=False
    )
    requesting_physician = forms.CharField(
        label=gettext_lazy("Requesting physician"), max_length=60, required=False
    )
    bed = forms.CharField(label=gettext_lazy("Bed"), max_length=20, required=False)
    clinical_diagnosis = forms.CharField(
        label=gettext_lazy("Clinical diagnosis"), max_length=300, required=False
    )
    clinical_question = forms.CharField(
        label=gettext_lazy("Purpose of the examination"), max_length=300, required=False
    )
    weight_kg = forms.DecimalField(
        label=gettext_lazy("Weight"),
        min_value=Decimal("0.3"),
        max_value=Decimal(400),
        decimal_places=2,
        max_digits=5,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "data-number": ""}),
    )
    height_cm = forms.DecimalField(
        label=gettext_lazy("Height"),
        min_value=Decimal(20),
        max_value=Decimal(260),
        decimal_places=1,
        max_digits=5,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "data-number": ""}),
    )
    pregnancy = forms.TypedChoiceField(
        label=gettext_lazy("Pregnancy"),
        choices=[("", "—"), *Exam.Pregnancy.choices],
        coerce=int,
        empty_value=None,
        required=False,
    )

    def request_values(self) -> dict[str, Any]:
        """The fields as actions take them."""
        return {name: self.cleaned_data[name] for name in RequestFields.base_fields}


class BookingForm(RequestFields):
    """A booking: the examination, the request, and the chosen time (or none yet)."""

    item = forms.ModelChoiceField(
        label=gettext_lazy("Examination"), queryset=ExamItem.objects.none(), empty_label=None
    )
    diabetes = forms.BooleanField(label=gettext_lazy("Diabetes"), required=False)
    deaf = forms.BooleanField(label=gettext_lazy("Hearing impairment"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["item"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = offered_items()
        field.choices = [("", _("Choose an examination")), *_item_choices()]

    def flags(self) -> list[str]:
        """The flags ticked."""
        return [name for name in ("diabetes", "deaf") if self.cleaned_data.get(name)]


class ExamForm(RequestFields):
    """A correction of what was typed at registration."""

    version = forms.IntegerField(widget=forms.HiddenInput)

    @staticmethod
    def values_of(exam: Exam) -> dict[str, Any]:
        """What the form shows."""
        values = {name: getattr(exam, name) for name in RequestFields.base_fields}
        return values | {"version": exam.version}

    def changes(self) -> dict[str, Any]:
        """The fields and the version the editor saw."""
        return self.request_values() | {"version": self.cleaned_data["version"]}


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=200)

    def __init__(self, *args: Any, optional: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = not optional


class MergeForm(ReasonForm):
    """Which record is the same person, and why."""

    alias = forms.IntegerField(widget=forms.HiddenInput)


def known_kinds() -> list[tuple[str, str]]:
    """Kinds of numbers with their words, for pages."""
    return [(kind, str(label)) for kind, label in PatientIdentifier.Kind.choices]
