"""What the hot laboratory adds to the frame: navigation, and where a scanned batch leads."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hevesy.foundation.accounts.guards import actor_of
from hevesy.foundation.stations import qr, scans
from hevesy.foundation.ui import nav
from hevesy.records.doses.models import DoseRequest
from hevesy.records.doses.queries import batch


def register() -> None:
    """Called once, when the app is ready."""
    nav.register(
        nav.NavEntry(
            "drugs",
            gettext_lazy("Radiopharmacy"),
            "radioactive",
            "radiopharmacy:home",
            "doses.view",
            10,
            _requested,
        )
    )
    nav.register(
        nav.NavEntry(
            "drugs",
            gettext_lazy("Trace"),
            "binary-tree",
            "radiopharmacy:trace",
            ("doses.produce", "doses.dispense", "doses.release"),
            30,
        )
    )
    scans.register("B", lead_to_batch)


def _requested(_request: HttpRequest) -> int:
    return DoseRequest.objects.filter(closed_at=None).count()


def lead_to_batch(code: str, request: HttpRequest) -> scans.Target:
    """A scanned vial opens its batch."""
    by = actor_of(request)
    found = batch(by, code) if by.may("doses.view") else None
    if found is None:
        raise qr.CodeRefused(_("This batch is unknown here."))
    return scans.Target(reverse("radiopharmacy:batch", args=[found.number]), found.number)
