"""Classes, tracers, rooms, body parts, colour maps, templates."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from hevesy.desks.department.forms.base import LABELS, CodeOnce
from hevesy.records.catalogue.actions import FIELDS, NAMED
from hevesy.records.catalogue.models import (
    BodyPart,
    ColourMap,
    InterviewTemplate,
    ModalityClass,
    Nuclide,
    ReportTemplate,
    Room,
    Tracer,
)

REPORT_KINDS = {
    "imaging": gettext_lazy("image report"),
    "bmd": gettext_lazy("densitometry"),
    "therapy": gettext_lazy("therapy record"),
    "function": gettext_lazy("function test"),
    "in-vitro": gettext_lazy("laboratory result"),
}


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
        fields = FIELDS[ModalityClass]
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
        fields = FIELDS[Tracer]
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
        fields = FIELDS[Room]
        labels = LABELS | {
            "kind": gettext_lazy("Use"),
            "floor": gettext_lazy("Floor"),
            "capacity": gettext_lazy("Places"),
        }


class PartForm(CodeOnce):
    """A body part."""

    class Meta:
        model = BodyPart
        fields = FIELDS[BodyPart]
        labels = LABELS | {
            "parent": gettext_lazy("Belongs to"),
            "snomed": gettext_lazy("SNOMED CT code"),
            "dicom_body_part": gettext_lazy("Body Part Examined (0018,0015)"),
        }


class ColourMapForm(CodeOnce):
    """Which colour maps are offered, and in which order."""

    class Meta:
        model = ColourMap
        fields = FIELDS[ColourMap]
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
