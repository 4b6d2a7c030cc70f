"""Forms of queues, wall screens and phrases (clauses 3.3, 3.4)."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy

from hevesy.desks.department.forms.base import LABELS, CodeOnce
from hevesy.records.catalogue.actions import FIELDS
from hevesy.records.queues.models import Phrase, Screen, ServicePoint


class QueueForm(CodeOnce):
    """A queue: its letters, its rooms, and whose patients wait there."""

    class Meta:
        model = ServicePoint
        fields = FIELDS[ServicePoint]
        labels = LABELS | {
            "kind": gettext_lazy("Waits for"),
            "prefix": gettext_lazy("Letters of the tickets"),
            "purpose_zh": gettext_lazy("End of a call, Chinese"),
            "purpose_en": gettext_lazy("End of a call, English"),
            "rooms": gettext_lazy("Rooms"),
            "modality_classes": gettext_lazy("Only for these classes"),
        }
        help_texts = {
            "prefix": gettext_lazy("P gives P001, P002, …"),
            "modality_classes": gettext_lazy("None chosen: patients of every class wait here."),
        }
        widgets = {
            "rooms": forms.CheckboxSelectMultiple,
            "modality_classes": forms.CheckboxSelectMultiple,
        }


class ScreenForm(CodeOnce):
    """A wall screen: which queues it shows, and what stands beside them."""

    class Meta:
        model = Screen
        fields = FIELDS[Screen]
        labels = LABELS | {
            "place_zh": gettext_lazy("Place, Chinese"),
            "place_en": gettext_lazy("Place, English"),
            "service_points": gettext_lazy("Queues on it"),
            "notice_zh": gettext_lazy("Notices, Chinese (one a line)"),
            "notice_en": gettext_lazy("Notices, English (one a line)"),
            "ticker_zh": gettext_lazy("Running line, Chinese"),
            "ticker_en": gettext_lazy("Running line, English"),
        }
        help_texts = {"service_points": gettext_lazy("None chosen: it shows all queues.")}
        widgets = {
            "service_points": forms.CheckboxSelectMultiple,
            "notice_zh": forms.Textarea(attrs={"rows": 4}),
            "notice_en": forms.Textarea(attrs={"rows": 4}),
        }


class PhraseForm(CodeOnce):
    """A sentence that is often announced; its name is what is said."""

    class Meta:
        model = Phrase
        fields = FIELDS[Phrase]
        labels = LABELS | {
            "name_zh": gettext_lazy("Sentence in Chinese"),
            "name_en": gettext_lazy("Sentence in English"),
        }
