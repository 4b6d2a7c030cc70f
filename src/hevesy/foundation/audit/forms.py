"""What the auditor types."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from hevesy.foundation.audit.queries import Filter


class FilterForm(forms.Form):
    """The filters of the audit page; wrong input narrows nothing and is said."""

    person = forms.CharField(required=False, max_length=60, label=_("Person"))
    patient = forms.CharField(required=False, max_length=40, label=_("Patient number"))
    verb = forms.CharField(required=False, max_length=60, label=_("What was done"))
    since = forms.DateField(required=False, label=_("From"))
    until = forms.DateField(required=False, label=_("To"))
    outcome = forms.ChoiceField(
        required=False,
        choices=[("", _("every outcome")), ("ok", _("done")), ("refused", _("refused"))],
        label=_("Outcome"),
    )

    def wanted(self) -> Filter:
        """The filter of the parts that were understood."""
        self.is_valid()
        return Filter(**{key: value for key, value in self.cleaned_data.items() if value})
