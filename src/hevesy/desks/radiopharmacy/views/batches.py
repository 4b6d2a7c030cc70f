"""A batch: recorded, tested, released by a second person, rejected, recalled, used up (clauses 9.1-9.4)."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from hevesy.desks.radiopharmacy import boards, curves, forms, lineage
from hevesy.foundation.accounts.guards import StaffRequest, needs
from hevesy.foundation.ui.toasts import toast
from hevesy.records.catalogue.models import Tracer
from hevesy.records.doses import actions, qc, queries, states
from hevesy.records.doses.actions import DoseRefused
from hevesy.records.doses.models import Batch

MOVES = {
    "release": "doses.release",
    "reject": "doses.release",
    "recall": "doses.release",
    "empty": "doses.dispense",
}


def _tracer(pk: str) -> Tracer | None:
    tracers = Tracer.objects.filter(active=True).order_by("sort", "id")
    chosen = tracers.filter(pk=int(pk)).first() if pk.isdecimal() and len(pk) < 10 else None
    return chosen or tracers.filter(short="FDG").first() or tracers.first()


@require_http_methods(["GET", "POST"])
@needs("doses.produce")
def new(request: StaffRequest) -> HttpResponse:
    """Record a batch; it waits for its release."""
    if request.method == "GET":
        tracer = _tracer(request.GET.get("tracer", ""))
        form = forms.BatchForm(tracer=tracer, initial=forms.first_values(tracer, timezone.now()))
        return render(request, "radiopharmacy/new_batch.html", {"form": form})
    form = forms.BatchForm(request.POST, tracer=_tracer(request.POST.get("tracer", "")))
    if form.is_valid():
        try:
            made = _record(request, form)
        except DoseRefused as refusal:
            form.refuse(refusal)
        else:
            toast(request, _("Batch %(number)s is recorded.") % {"number": made.number})
            return redirect("radiopharmacy:batch", made.number)
    return render(request, "radiopharmacy/new_batch.html", {"form": form}, status=422)


def _record(request: StaffRequest, form: forms.BatchForm) -> Batch:
    values = form.cleaned_data
    with transaction.atomic():
        lots = list(values["lots"])
        if values["lot_kind"] or values["lot_code"]:
            lots.append(
                actions.record_lot(
                    request.actor,
                    kind=values["lot_kind"],
                    code=values["lot_code"],
                    expires_on=values["lot_expires"],
                )
            )
        names = ("tracer", "origin", "activity_mbq", "reference_at", "volume_ml", "expires_at")
        return actions.record_batch(
            request.actor,
            **{name: values[name] for name in names},
            note=values["note"],
            qc=form.readings(),
            lots=lots,
        )


@needs("doses.produce")
def tests(request: StaffRequest) -> HttpResponse:
    """The tests of the chosen tracer, with what was typed already."""
    form = forms.BatchForm(
        tracer=_tracer(request.GET.get("tracer", "")), initial=request.GET.dict()
    )
    return render(request, "radiopharmacy/_tests.html", {"form": form})


def _load(request: StaffRequest, number: str) -> Batch:
    found = queries.batch(request.actor, forms.printable(number))
    if found is None:
        raise Http404
    return found


@needs("doses.view")
def batch(request: StaffRequest, number: str) -> HttpResponse:
    """Everything of one batch: what it holds, its tests, who signed, what was drawn, who got it."""
    found, by = _load(request, number), request.actor
    now = timezone.now()
    demand = boards.waiting(by, now)
    row = boards.batch_rows([found], demand, now)[0]
    readings = qc.readings(found)
    given = queries.recipients(by, [found])
    following = next((line for line in demand if line.step.tracer_id == found.tracer_id), None)
    possible = [
        move
        for move, permission in MOVES.items()
        if (found.state, move) in states.BATCH and by.may(permission)
    ]
    context: dict[str, Any] = {
        "batch": found,
        "row": row,
        "readings": readings,
        "pending": sum(1 for reading in readings if reading.is_pending),
        "failed": [reading for reading in readings if reading.passed is False],
        "units": boards.unit_rows(found.units.all()),
        "given": given,
        "balance": queries.balance(found, now),
        "tree": lineage.tree(found, given),
        "curve": curves.vial(found, now),
        "possible": possible,
        "may_read": by.may("doses.produce"),
        "following": following
        if found.state == states.RELEASED and by.may("doses.dispense")
        else None,
    }
    return render(request, "radiopharmacy/batch.html", context)


@require_http_methods(["GET", "POST"])
@needs("doses.produce")
def reading(request: StaffRequest, number: str, code: str) -> HttpResponse:
    """Enter a result: a late one, or a repetition with its reason."""
    found = _load(request, number)
    line = next((row for row in qc.readings(found) if row.test.code == code), None)
    if line is None:
        raise Http404
    refusal = None
    if request.method == "POST":
        try:
            value = forms.plain(request.POST.get("value", ""))
            if not value:
                raise DoseRefused(_("Enter the result."), field=f"qc_{code}")
            actions.record_qc(
                request.actor, found, code, value, reason=request.POST.get("reason", "")
            )
        except DoseRefused as refused:
            refusal = refused
        else:
            toast(request, _("%(test)s is recorded.") % {"test": line.test.name})
            return _done(request, found)
    bad = forms.faults(refusal)
    context = {
        "batch": found,
        "line": line,
        "verdicts": forms.VERDICTS,
        "data": request.POST,
        "refusal": refusal,
        "bad_value": bad.get(f"qc_{code}", ""),
        "bad_reason": bad.get("reason", ""),
    }
    return _ask(request, "reading", context, refusal)


@require_http_methods(["GET", "POST"])
@needs("doses.release", "doses.dispense")
def move(request: StaffRequest, number: str, move: str) -> HttpResponse:
    """Release, reject, recall or close a batch: what it means is shown first, then it is done."""
    if move not in MOVES:
        raise Http404
    request.actor.require(MOVES[move])
    found = _load(request, number)
    refusal = None
    if request.method == "POST":
        try:
            _move(request, found, move)
        except DoseRefused as refused:
            refusal = refused
        else:
            return _done(request, found)
    bad = forms.faults(refusal)
    context = {
        "batch": found,
        "move": move,
        "own": found.created_by_id == request.user.pk,
        "blocking": qc.blocks_release(found) if move == "release" else [],
        "pending": qc.pending(found) if move == "release" else [],
        "given": queries.recipients(request.actor, [found]) if move == "recall" else [],
        "out": [unit for unit in found.units.all() if unit.state in states.USABLE],
        "data": request.POST,
        "refusal": refusal,
        "bad_reason": bad.get("reason", ""),
        "bad_override": bad.get("override_reason", ""),
    }
    return _ask(request, "move", context, refusal)


def _move(request: StaffRequest, found: Batch, move: str) -> None:
    by, data, number = request.actor, request.POST, {"number": found.number}
    if move == "release":
        actions.release_batch(by, found, override_reason=data.get("override_reason", ""))
        toast(request, _("Batch %(number)s is released.") % number)
    elif move == "reject":
        actions.reject_batch(by, found, data.get("reason", ""))
        toast(request, _("Batch %(number)s is rejected.") % number, "amber")
    elif move == "recall":
        actions.recall_batch(by, found, data.get("reason", ""))
        toast(request, _("Batch %(number)s is recalled. Tell everybody listed.") % number, "red")
    else:
        actions.mark_used_up(by, found)
        toast(request, _("Batch %(number)s is used up.") % number)


def _ask(
    request: StaffRequest, name: str, context: dict[str, Any], refusal: DoseRefused | None
) -> HttpResponse:
    template = f"radiopharmacy/_{name}.html" if request.htmx else f"radiopharmacy/{name}.html"
    return render(request, template, context, status=422 if refusal else 200)


def _done(request: StaffRequest, found: Batch) -> HttpResponse:
    address = reverse("radiopharmacy:batch", args=[found.number])
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return redirect(address)
