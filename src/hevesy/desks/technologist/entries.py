"""What the technologist adds to the frame: navigation, scans of syringes, doses on an exam's page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hevesy.foundation.accounts.guards import actor_of
from hevesy.foundation.stations import qr, scans
from hevesy.foundation.ui import nav, slots
from hevesy.records.doses.queries import exam_administrations, unit_by_code
from hevesy.records.exams.models import Exam
from hevesy.records.exams.queries import visible_to


def register() -> None:
    """Called once, when the app is ready."""
    nav.register(
        nav.NavEntry(
            "exam",
            gettext_lazy("Technologist"),
            "viewfinder",
            "technologist:worklist",
            ("exams.acquire", "doses.administer"),
            10,
            _under_way,
        )
    )
    scans.register("U", lead_to_unit)
    slots.fill(
        "exam.panels", "technologist/_exam_doses.html", exam_doses, "doses.view", 30, place="side"
    )


def _under_way(request: HttpRequest) -> int:
    from hevesy.desks.technologist.boards import counts

    return counts(actor_of(request))["active"]


def lead_to_unit(code: str, request: HttpRequest) -> scans.Target:
    """A scanned syringe: who injects goes to the check, the hot laboratory to its page."""
    unit = unit_by_code(code)
    by = actor_of(request)
    if unit is None or not by.may("doses.view"):
        raise qr.CodeRefused(_("This syringe is unknown here. Ask the hot laboratory."))
    if by.may("doses.administer"):
        query = urlencode({"code": qr.make("U", code), "scanned": "1"})
        return scans.Target(f"{reverse('technologist:inject')}?{query}", unit.number)
    return scans.Target(reverse("radiopharmacy:unit", args=[unit.number]), unit.number)


def exam_doses(request: HttpRequest, exam: Exam) -> dict[str, Any] | None:
    """What was administered in the exam, with batch and residual."""
    if not visible_to(actor_of(request)).filter(pk=exam.pk).exists():
        return None
    found = exam_administrations(exam)
    by = actor_of(request)
    return {"doses": found, "may": by.may("doses.administer")} if found else None
