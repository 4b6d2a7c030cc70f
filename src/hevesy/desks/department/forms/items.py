"""Examination items and their phases (clause 10.15)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from hevesy.desks.department.forms.base import LABELS, CodeOnce
from hevesy.desks.department.forms.catalogue import TracerChoice
from hevesy.records.catalogue.actions import FIELDS, PHASE_FIELDS
from hevesy.records.catalogue.models import (
    ExamItem,
    InterviewTemplate,
    ItemPhase,
    Tracer,
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
        fields = FIELDS[ExamItem]
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
        fields = PHASE_FIELDS
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
        for name in self.fields:
            if name.startswith(("activity_", "uptake_", "name_")):
                self.fields[name].required = False
        for field in self.fields.values():
            field.help_text = ""  # the heading of the column says it


PhaseFormSet = forms.modelformset_factory(
    ItemPhase, form=PhaseForm, extra=1, can_delete=True, max_num=12, absolute_max=12
)
