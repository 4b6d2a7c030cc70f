"""Forms of the catalogue. They validate and read; `catalogue.actions` writes."""

from __future__ import annotations

import json
import re
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hevesy.records.catalogue.models import (
    BodyPart,
    ColourMap,
    ExamItem,
    InterviewTemplate,
    ItemPhase,
    ModalityClass,
    Nuclide,
    ReportTemplate,
    Room,
    Tracer,
)
from hevesy.records.equipment.actions import CHARACTER_SETS, DICOM_RIGHTS
from hevesy.records.equipment.models import Device
from hevesy.records.exams.presenting import MARKS
from hevesy.records.exams.questions import TYPES

LABELS = {
    "code": gettext_lazy("Code"),
    "name_zh": gettext_lazy("Name in Chinese"),
    "name_en": gettext_lazy("Name in English"),
    "sort": gettext_lazy("Place in lists"),
    "active": gettext_lazy("In use"),
}
REPORT_KINDS = {
    "imaging": gettext_lazy("image report"),
    "bmd": gettext_lazy("densitometry"),
    "therapy": gettext_lazy("therapy record"),
    "function": gettext_lazy("function test"),
    "in-vitro": gettext_lazy("laboratory result"),
}
NAMED = ["code", "name_zh", "name_en", "sort", "active"]


class CodeOnce(forms.ModelForm):  # type: ignore[type-arg]
    """A code is chosen once: numbers, links and seeds go by it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "code" in self.fields:
            self.fields["code"].disabled = True

    def validate_unique(self) -> None:
        """Left to the action, whose sentence says what to do."""


class ModalitiesField(forms.CharField):
    """DICOM modalities as text: `PT, CT`."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        """The modalities in upper case."""
        text = super().clean(value)
        return [part.upper() for part in re.split(r"[\s,，、/\\]+", text) if part]


class ClassForm(CodeOnce):
    """A modality class with its numbering."""

    dicom_modalities = ModalitiesField(
        label=gettext_lazy("DICOM modalities"),
        required=False,
        help_text=gettext_lazy("The first one is sent in the worklist."),
    )
    report_kind = forms.ChoiceField(
        label=gettext_lazy("Kind of report"),
        choices=list(REPORT_KINDS.items()),
    )

    class Meta:
        model = ModalityClass
        fields = [*NAMED, "number_template", "number_reset", "dicom_modalities", "report_kind"]
        labels = LABELS | {
            "number_template": gettext_lazy("Numbering"),
            "number_reset": gettext_lazy("Counts anew"),
        }
        help_texts = {
            "number_template": gettext_lazy(
                "{yy} {yyyy} {mm} {dd} are the date, {seq:05} is the running number with five digits."
            )
        }


class NuclideChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    """Nuclides by their symbol."""

    def label_from_instance(self, obj: Any) -> str:
        return str(obj.code)


class TracerChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    """Tracers in plain text: F-18 FDG."""

    def label_from_instance(self, obj: Any) -> str:
        return str(obj.plain)


class TracerForm(CodeOnce):
    """A tracer."""

    nuclide = NuclideChoice(
        label=gettext_lazy("Nuclide"), queryset=Nuclide.objects.filter(active=True)
    )

    class Meta:
        model = Tracer
        fields = [
            *NAMED,
            "nuclide",
            "short",
            "plain",
            "mass_number",
            "element",
            "label",
            "route",
            "effective_dose_msv_per_mbq",
            "effective_dose_source",
        ]
        labels = LABELS | {
            "short": gettext_lazy("Short, for batch numbers"),
            "plain": gettext_lazy("In plain text, F-18 FDG"),
            "mass_number": gettext_lazy("Mass number"),
            "element": gettext_lazy("Element"),
            "label": gettext_lazy("After the nuclide, -FDG"),
            "route": gettext_lazy("Route"),
            "effective_dose_msv_per_mbq": gettext_lazy("Effective dose, adult (mSv/MBq)"),
            "effective_dose_source": gettext_lazy("Source of the coefficient"),
        }
        help_texts = {
            "short": gettext_lazy("FDG, MDP, MIBI: batch numbers begin with it."),
            "label": gettext_lazy("-FDG, -MDP, NaI"),
        }


class RoomForm(CodeOnce):
    """A room."""

    class Meta:
        model = Room
        fields = [*NAMED, "kind", "floor", "capacity"]
        labels = LABELS | {
            "kind": gettext_lazy("Use"),
            "floor": gettext_lazy("Floor"),
            "capacity": gettext_lazy("Places"),
        }


class PartForm(CodeOnce):
    """A body part."""

    class Meta:
        model = BodyPart
        fields = [*NAMED, "parent", "snomed", "dicom_body_part"]
        labels = LABELS | {
            "parent": gettext_lazy("Belongs to"),
            "snomed": gettext_lazy("SNOMED CT code"),
            "dicom_body_part": gettext_lazy("Body Part Examined (0018,0015)"),
        }


class ColourMapForm(CodeOnce):
    """Which colour maps are offered, and in which order."""

    class Meta:
        model = ColourMap
        fields = ["sort", "active"]
        labels = LABELS


class ReportTemplateForm(CodeOnce):
    """A report template of the department: three sections with {{variables}}."""

    technique = forms.CharField(
        label=gettext_lazy("Technique"),
        widget=forms.Textarea(attrs={"rows": 4}),
        required=False,
        max_length=5000,
    )
    findings = forms.CharField(
        label=gettext_lazy("Findings"),
        widget=forms.Textarea(attrs={"rows": 12}),
        required=False,
        max_length=20000,
    )
    impression = forms.CharField(
        label=gettext_lazy("Impression"),
        widget=forms.Textarea(attrs={"rows": 4}),
        required=False,
        max_length=5000,
    )

    class Meta:
        model = ReportTemplate
        fields = [*NAMED, "item", "modality_class"]
        labels = LABELS | {
            "item": gettext_lazy("Examination"),
            "modality_class": gettext_lazy("Modality class"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, text in (self.instance.sections or {}).items():
            if name in self.fields:
                self.fields[name].initial = text

    def clean(self) -> dict[str, Any]:
        """The sections in one value."""
        values: dict[str, Any] = super().clean() or {}
        names = ("technique", "findings", "impression")
        values["sections"] = {name: values.pop(name, "").strip() for name in names}
        return values


class InterviewForm(CodeOnce):
    """Name of an interview template; its questions are rows of `QuestionForm`."""

    class Meta:
        model = InterviewTemplate
        fields = NAMED
        labels = LABELS


TYPE_WORDS = {
    "section": gettext_lazy("heading"),
    "text": gettext_lazy("short text"),
    "note": gettext_lazy("long text"),
    "number": gettext_lazy("number"),
    "choice": gettext_lazy("one of several"),
    "choices": gettext_lazy("some of several"),
    "bool": gettext_lazy("yes or no"),
    "date": gettext_lazy("date"),
    "time": gettext_lazy("time of day"),
}
assert set(TYPE_WORDS) == set(TYPES)


class QuestionForm(forms.Form):
    """One question. Options: one a line, `value|中文|English`."""

    key = forms.SlugField(label=gettext_lazy("Key"), max_length=40, required=False)
    type = forms.ChoiceField(label=gettext_lazy("Type"), choices=list(TYPE_WORDS.items()))
    label_zh = forms.CharField(label=gettext_lazy("Question in Chinese"), max_length=120)
    label_en = forms.CharField(label=gettext_lazy("Question in English"), max_length=160)
    unit = forms.CharField(label=gettext_lazy("Unit"), max_length=20, required=False)
    min = forms.FloatField(label=gettext_lazy("From"), required=False)
    max = forms.FloatField(label=gettext_lazy("To"), required=False)
    required = forms.BooleanField(label=gettext_lazy("Required"), required=False)
    only_sex = forms.ChoiceField(
        label=gettext_lazy("Only for"),
        choices=[("", "—"), ("F", gettext_lazy("women")), ("M", gettext_lazy("men"))],
        required=False,
    )
    flag = forms.ChoiceField(
        label=gettext_lazy("Raises mark"),
        choices=[("", "—"), *((key, mark.title) for key, mark in MARKS.items())],
        required=False,
    )
    flag_when = forms.CharField(label=gettext_lazy("at answer"), max_length=200, required=False)
    options = forms.CharField(
        label=gettext_lazy("Answers offered"),
        widget=forms.Textarea(attrs={"rows": 2}),
        required=False,
    )

    @staticmethod
    def values_of(question: dict[str, Any]) -> dict[str, Any]:
        """A stored question as form values."""
        values = dict(question)
        values["flag_when"] = ", ".join(question.get("flag_when", ()))
        values["options"] = "\n".join(
            f"{o['value']}|{o['label_zh']}|{o['label_en']}" for o in question.get("options", ())
        )
        return values

    def clean_options(self) -> list[dict[str, str]]:
        """The options as they are stored."""
        options = []
        for line in self.cleaned_data["options"].splitlines():
            parts = [part.strip() for part in line.split("|")]
            if not any(parts):
                continue
            if len(parts) != 3 or not all(parts):
                raise forms.ValidationError(_("Write each answer as value|中文|English."))
            options.append(dict(zip(("value", "label_zh", "label_en"), parts, strict=True)))
        return options

    def clean(self) -> dict[str, Any]:
        """Choices need answers, questions need a key."""
        values: dict[str, Any] = super().clean() or {}
        kind = values.get("type")
        if kind in ("choice", "choices") and not values.get("options"):
            self.add_error("options", _("A choice needs answers to choose from."))
        if kind != "section" and not values.get("key"):
            self.add_error("key", _("A question needs a key."))
        return values

    def question(self) -> dict[str, Any]:
        """The question as it is stored, without what is empty."""
        values = dict(self.cleaned_data)
        values.pop("DELETE", None)
        values.pop("ORDER", None)
        when = [part.strip() for part in values.pop("flag_when").split(",") if part.strip()]
        if when and values["flag"]:
            values["flag_when"] = when
        return {name: value for name, value in values.items() if value not in ("", None, [], False)}


QuestionFormSet = forms.formset_factory(
    QuestionForm, extra=1, can_delete=True, can_order=True, max_num=200, absolute_max=200
)


class ItemForm(CodeOnce):
    """An examination."""

    interview_template = forms.ModelChoiceField(
        label=gettext_lazy("Interview template"),
        queryset=InterviewTemplate.objects.filter(active=True),
        required=False,
        empty_label=gettext_lazy("core questions"),
    )

    class Meta:
        model = ExamItem
        fields = [
            *NAMED,
            "modality_class",
            "body_parts",
            "interview_template",
            "scan_min",
            "requires_interview",
            "preparation_zh",
            "preparation_en",
            "source",
        ]
        labels = LABELS | {
            "modality_class": gettext_lazy("Modality class"),
            "body_parts": gettext_lazy("Body parts"),
            "scan_min": gettext_lazy("Minutes on the device"),
            "requires_interview": gettext_lazy("Interview before the examination"),
            "preparation_zh": gettext_lazy("Preparation, Chinese (one line per point)"),
            "preparation_en": gettext_lazy("Preparation, English"),
            "source": gettext_lazy("Source of the figures"),
        }
        widgets = {
            "preparation_zh": forms.Textarea(attrs={"rows": 6}),
            "preparation_en": forms.Textarea(attrs={"rows": 4}),
            "body_parts": forms.CheckboxSelectMultiple,
        }


class PhaseForm(forms.ModelForm):  # type: ignore[type-arg]
    """One phase of an examination."""

    tracer = TracerChoice(
        label=gettext_lazy("Tracer"), queryset=Tracer.objects.filter(active=True), required=False
    )

    class Meta:
        model = ItemPhase
        fields = [
            "name_zh",
            "name_en",
            "tracer",
            "administers",
            "acquires",
            "scan_min",
            "activity_mbq",
            "activity_mbq_per_kg",
            "activity_min_mbq",
            "activity_max_mbq",
            "uptake_min",
            "uptake_earliest_min",
            "uptake_latest_min",
        ]
        labels = {
            "name_zh": gettext_lazy("Phase in Chinese"),
            "name_en": gettext_lazy("Phase in English"),
            "administers": gettext_lazy("Drug is given"),
            "acquires": gettext_lazy("Images are taken"),
            "scan_min": gettext_lazy("Minutes"),
            "activity_mbq": gettext_lazy("MBq"),
            "activity_mbq_per_kg": gettext_lazy("MBq/kg"),
            "activity_min_mbq": gettext_lazy("least MBq"),
            "activity_max_mbq": gettext_lazy("most MBq"),
            "uptake_min": gettext_lazy("Uptake, min"),
            "uptake_earliest_min": gettext_lazy("earliest"),
            "uptake_latest_min": gettext_lazy("latest"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in (
            "activity_mbq",
            "activity_mbq_per_kg",
            "activity_min_mbq",
            "activity_max_mbq",
            "uptake_min",
            "uptake_earliest_min",
            "uptake_latest_min",
            "name_zh",
            "name_en",
        ):
            self.fields[name].required = False
        for field in self.fields.values():
            field.help_text = ""  # the heading of the column says it


PhaseFormSet = forms.modelformset_factory(
    ItemPhase, form=PhaseForm, extra=1, can_delete=True, max_num=12, absolute_max=12
)


class DeviceForm(CodeOnce):
    """A device with its network data and calendar."""

    dicom_rights = forms.MultipleChoiceField(
        label=gettext_lazy("May"),
        choices=[(right, right) for right in DICOM_RIGHTS],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    character_set = forms.ChoiceField(
        label=gettext_lazy("Character set of answers"), choices=[(c, c) for c in CHARACTER_SETS]
    )
    modality_classes = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Modality classes"),
        queryset=ModalityClass.objects.all(),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )

    class Meta:
        model = Device
        fields = [
            *NAMED,
            "kind",
            "modality_classes",
            "room",
            "maker",
            "model",
            "serial_number",
            "service_phone",
            "installed_on",
            "host_name",
            "work_group",
            "ae_title",
            "address",
            "port",
            "character_set",
            "dicom_rights",
            "slot_min",
            "opens_at",
            "closes_at",
        ]
        labels = LABELS | {
            "kind": gettext_lazy("Kind of device"),
            "room": gettext_lazy("Room"),
            "maker": gettext_lazy("Maker"),
            "model": gettext_lazy("Model"),
            "serial_number": gettext_lazy("Serial number"),
            "service_phone": gettext_lazy("Service telephone"),
            "installed_on": gettext_lazy("Installed on"),
            "host_name": gettext_lazy("Host name"),
            "work_group": gettext_lazy("Work group"),
            "ae_title": gettext_lazy("AE title"),
            "address": gettext_lazy("IP address"),
            "port": gettext_lazy("Port"),
            "slot_min": gettext_lazy("Grid of the calendar, min"),
            "opens_at": gettext_lazy("Works from"),
            "closes_at": gettext_lazy("until"),
        }
        widgets = {
            "opens_at": forms.TimeInput(format="%H:%M"),
            "closes_at": forms.TimeInput(format="%H:%M"),
            "installed_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        }
        help_texts = {
            "address": gettext_lazy("Without an address any machine may use the AE title."),
            "slot_min": gettext_lazy("The grid of its calendar."),
        }


class ServiceForm(forms.Form):
    """In or out of service, and why."""

    availability = forms.ChoiceField(
        label=gettext_lazy("State of service"), choices=Device.Availability.choices
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=200)


class _Readable(json.JSONEncoder):
    """JSON for a person to change: a line per entry, Chinese as Chinese."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"indent": 1, "ensure_ascii": False})


class PolicyForm(forms.Form):
    """A policy with its source; the control follows the kind of its value."""

    source = forms.CharField(label=gettext_lazy("Source"), max_length=200, required=False)
    approved_by = forms.CharField(label=gettext_lazy("Approved by"), max_length=60, required=False)
    effective_from = forms.DateField(
        label=gettext_lazy("Effective from"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, value: Any, label: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: forms.Field
        if isinstance(value, bool):
            field = forms.BooleanField(required=False, initial=value)
        elif isinstance(value, int):
            field = forms.IntegerField(initial=value)
        elif isinstance(value, float):
            field = forms.FloatField(initial=value)
        elif isinstance(value, str):
            field = forms.CharField(initial=value, required=False, max_length=500)
        else:
            field = forms.JSONField(
                initial=value,
                widget=forms.Textarea(attrs={"rows": 6}),
                encoder=_Readable,
                help_text=gettext_lazy("In JSON: a list in [ ], words in double quotes."),
            )
        field.label = label
        self.fields["value"] = field
        self.order_fields(["value", "source", "approved_by", "effective_from"])
