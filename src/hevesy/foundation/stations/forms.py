"""Forms of stations."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from hevesy.foundation.stations.models import Station


class StationForm(forms.ModelForm):  # type: ignore[type-arg]
    """A station as the system administrator sees it."""

    settings = forms.JSONField(
        label=_("Settings"), required=False, widget=forms.Textarea(attrs={"rows": 3})
    )

    class Meta:
        model = Station
        fields = ("name", "kind", "place", "settings", "active")


class NewStationForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new station."""

    class Meta:
        model = Station
        fields = ("code", "name", "kind", "place")
