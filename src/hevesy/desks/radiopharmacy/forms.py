"""What is typed in the hot laboratory. The forms read text into values; what is allowed is decided by the actions."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from hevesy.records.catalogue.models import Tracer
from hevesy.records.doses import qc
from hevesy.records.doses.actions import DoseRefused
from hevesy.records.doses.models import Batch, Lot

VERDICTS = [
    ("", pgettext_lazy("test", "not done yet")),
    ("pass", pgettext_lazy("test", "passed")),
    ("fail", pgettext_lazy("test", "failed")),
]


def plain(text: str) -> str:
    """Without blanks and without the full-width signs that Chinese input leaves."""
    return "".join(unicodedata.normalize("NFKC", text).replace("。", ".").split())


def printable(text: str) -> str:
    """Without control characters, which PostgreSQL refuses and no number holds."""
    return "".join(letter for letter in text if letter.isprintable())


class Moment(forms.DateTimeField):
    """A date and time of this site."""

    widget = forms.DateTimeInput(
        attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S"
    )
    input_formats = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"]


class Number(forms.CharField):
    """A number as typed; the action reads it."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "data-number": True})

    def clean(self, value: Any) -> str:
        """Half-width, without blanks."""
        return plain(super().clean(value))


class BatchForm(forms.Form):
    """A batch as made or received, with the readings that are there already."""

    tracer = forms.ModelChoiceField(
        Tracer.objects.none(), label=gettext_lazy("Tracer"), empty_label=None
    )
    origin = forms.ChoiceField(label=gettext_lazy("Origin"), choices=Batch.Origin.choices)
    activity_mbq = Number(label=gettext_lazy("Activity"), max_length=20)
    reference_at = Moment(label=gettext_lazy("Reference time"))
    volume_ml = Number(label=gettext_lazy("Volume"), max_length=20)
    expires_at = Moment(label=gettext_lazy("Expires at"))
    lots = forms.ModelMultipleChoiceField(
        Lot.objects.none(), label=gettext_lazy("Lots used"), required=False
    )
    lot_kind = forms.ChoiceField(
        label=gettext_lazy("New lot"), choices=[("", "—"), *Lot.Kind.choices], required=False
    )
    lot_code = forms.CharField(label=gettext_lazy("Lot number"), max_length=40, required=False)
    lot_expires = forms.DateField(
        label=gettext_lazy("Lot expires"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    note = forms.CharField(label=gettext_lazy("Note"), max_length=200, required=False)

    def __init__(self, *args: Any, tracer: Tracer | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tracers: Any = self.fields["tracer"]
        tracers.queryset = Tracer.objects.filter(active=True).order_by("sort", "id")
        tracers.label_from_instance = lambda row: f"{row.plain}  {row.name}"
        lots: Any = self.fields["lots"]
        lots.queryset = Lot.objects.filter(
            created_at__gte=timezone.now() - timedelta(days=365)
        ).order_by("-id")
        lots.label_from_instance = lambda row: f"{row.get_kind_display()} {row.code}"
        self.tests = qc.tests_for(tracer.short) if tracer else []
        for test in self.tests:
            self.fields[f"qc_{test.code}"] = test_field(test)

    def tracer_tests(self) -> list[tuple[forms.BoundField, str]]:
        """The fields of the tests with their units."""
        return [(self[f"qc_{test.code}"], test.unit) for test in self.tests]

    def readings(self) -> dict[str, Any]:
        """Readings by test code; what was left out is left out."""
        values = self.cleaned_data
        found = {test.code: values.get(f"qc_{test.code}") for test in self.tests}
        return {code: value for code, value in found.items() if value not in (None, "")}

    def refuse(self, refusal: DoseRefused) -> None:
        """Show a refusal at the field that it names."""
        field = refusal.field if refusal.field in self.fields else None
        self.add_error(field, str(refusal))


def test_field(test: qc.QualityTest) -> forms.Field:
    """The field of one quality test: a number with its limit, or a judgement."""
    when = "" if test.before else _("may follow after the release")
    if test.is_number:
        line = " · ".join(part for part in (test.limit, when) if part)
        return Number(label=test.name, help_text=line, required=False, max_length=20)
    return forms.ChoiceField(label=test.name, choices=VERDICTS, help_text=when, required=False)


def first_values(tracer: Tracer | None, now: datetime) -> dict[str, Any]:
    """What a new batch starts with: this minute, and six hours (or a little less at night) of shelf life."""
    now = timezone.localtime(now).replace(second=0, microsecond=0)
    return {"tracer": tracer, "reference_at": now, "expires_at": now + timedelta(hours=6)}


def time_of_day(text: str, field: str) -> datetime:
    """A time of day as the moment it was last: before midnight stays yesterday."""
    parts = plain(text).split(":")
    try:
        hour, minute, second = [int(part) for part in [*parts, "0"]][:3]
        clock = time(hour, minute, second) if 2 <= len(parts) <= 3 else None
    except ValueError:
        clock = None
    if clock is None:
        raise DoseRefused(_("Enter the time as 10:45 or 10:45:10."), field=field)
    now = timezone.localtime()
    at = timezone.make_aware(datetime.combine(now.date(), clock), now.tzinfo)
    return at - timedelta(days=1) if at - now > timedelta(hours=12) else at


def faults(refusal: DoseRefused | None) -> Mapping[str, str]:
    """The refusal under the field that it names."""
    return {refusal.field: str(refusal)} if refusal and refusal.field else {}
