"""The page of database and storage for the system administrator: room, growth, packing, scrub, queue, last backup."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.db import connection
from django.db.models import Count, Sum
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from hevesy.config.health import waiting_s
from hevesy.foundation.accounts.guards import StaffRequest, needs
from hevesy.foundation.audit.models import AuditEvent
from hevesy.foundation.files.store import is_filling, store
from hevesy.foundation.ui.toasts import toast
from hevesy.records.archive import compression
from hevesy.records.archive.models import CompressionPolicy, Instance, Scrub
from hevesy.records.archive.scrubbing import damaged_open

GROWTH = timedelta(days=30)
BACKUP_OLD = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes of the storage; `error` says why they cannot be told."""

    place: str
    total: int = 0
    free: int = 0
    filling: bool = False
    error: str = ""

    @property
    def used_percent(self) -> int:
        """Used part, the reserve counted as used."""
        return round(100 * (1 - self.free / self.total)) if self.total else 0


class RuleForm(forms.Form):
    """One rule of the compression policy."""

    modality = forms.CharField(
        max_length=16, required=False, label=gettext_lazy("Modality, empty for all others")
    )
    kind = forms.ChoiceField(choices=CompressionPolicy.Kind.choices, label=gettext_lazy("Kind"))
    codec = forms.ChoiceField(choices=CompressionPolicy.Codec.choices, label=gettext_lazy("Codec"))
    after_hours = forms.IntegerField(
        min_value=0,
        max_value=87600,
        initial=24,
        label=gettext_lazy("Hours after the study is quiet"),
    )

    def clean_modality(self) -> str:
        """A code of DICOM: capitals and digits."""
        modality = str(self.cleaned_data["modality"]).strip().upper()
        if modality and not (modality.isascii() and modality.replace("_", "").isalnum()):
            raise forms.ValidationError(_("A modality is a code such as CT, PT or NM."))
        return modality


@require_safe
@needs("system.manage")
def page(request: StaffRequest) -> HttpResponse:
    """The page."""
    return _page(request, RuleForm())


@require_POST
@needs("system.manage")
def rule(request: StaffRequest) -> HttpResponse:
    """Decide how a modality is packed."""
    form = RuleForm(request.POST)
    if not form.is_valid():
        return _page(request, form)
    compression.set_rule(request.actor, **form.cleaned_data)
    toast(request, _("Saved."))
    return redirect("storage")


def _page(request: StaffRequest, form: RuleForm) -> HttpResponse:
    backup = AuditEvent.objects.filter(verb="system.backup").order_by("-pk").first()
    rules = compression.rules()
    codecs = dict(CompressionPolicy.Codec.choices)
    kinds = dict(CompressionPolicy.Kind.choices)
    context: dict[str, Any] = {
        "room": room(),
        "database": database_bytes(),
        "vendor": connection.vendor,
        "objects": Instance.objects.aggregate(count=Count("pk"), size=Sum("size")),
        "growth": Instance.objects.filter(received_at__gt=timezone.now() - GROWTH).aggregate(
            count=Count("pk"), size=Sum("size")
        ),
        "savings": compression.savings(),
        "rules": [(one, kinds[one.kind], codecs[one.codec]) for one in rules],
        "scrub": Scrub.objects.order_by("-pk").first(),
        "damaged": damaged_open(),
        "waiting_s": round(waiting_s()),
        "backup": backup,
        "backup_is_old": backup is None or _is_old(backup.at),
        "form": form,
    }
    return render(request, "config/storage.html", context)


def _is_old(moment: datetime) -> bool:
    return timezone.now() - moment > BACKUP_OLD


def room() -> Room:
    """How much room the storage has."""
    place = store()
    try:
        return Room(place.place, place.total_bytes(), place.free_bytes(), is_filling(place))
    except OSError as error:
        return Room(place.place, error=str(error.strerror or error))


def database_bytes() -> int:
    """Bytes of the database."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_database_size(current_database())")
        else:
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        return int(cursor.fetchone()[0])
