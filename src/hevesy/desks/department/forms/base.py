"""What every entry of the catalogue has: a code, two names, a place."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

LABELS = {
    "code": gettext_lazy("Code"),
    "name_zh": gettext_lazy("Name in Chinese"),
    "name_en": gettext_lazy("Name in English"),
    "sort": gettext_lazy("Place in lists"),
    "active": gettext_lazy("In use"),
}


class CodeOnce(forms.ModelForm):  # type: ignore[type-arg]
    """A code is chosen once: numbers, links and seeds go by it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "code" in self.fields:
            self.fields["code"].disabled = True

    def validate_unique(self) -> None:
        """Left to the action, whose sentence says what to do."""
