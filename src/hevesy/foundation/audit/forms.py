"""What the auditor types."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from hevesy.foundation.audit.queries import Filter


class _Day(forms.DateInput):
    input_type = "date"


class FilterForm(forms.Form):
    """The filters of the audit page; wrong input narrows nothing and is said."""

    person = forms.CharField(required=False, max_length=60, label=pgettext_lazy("audit", "Person"))
    patient = forms.CharField(required=False, max_length=40, label=_("Patient number"))
    verb = forms.CharField(required=False, max_length=60, label=_("What was done"))
    since = forms.DateField(required=False, widget=_Day, label=pgettext_lazy("audit", "From"))
    until = forms.DateField(required=False, widget=_Day, label=pgettext_lazy("audit", "To"))
    outcome = forms.ChoiceField(
        required=False,
        choices=[
            ("", pgettext_lazy("audit", "every outcome")),
            ("ok", pgettext_lazy("audit", "done")),
            ("refused", pgettext_lazy("audit", "refused")),
        ],
        label=pgettext_lazy("audit", "Outcome"),
    )

    def wanted(self) -> Filter:
        """The filter of the parts that were understood."""
        self.is_valid()
        return Filter(**{key: value for key, value in self.cleaned_data.items() if value})
