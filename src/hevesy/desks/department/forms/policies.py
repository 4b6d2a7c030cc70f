"""What the department decides."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy


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
