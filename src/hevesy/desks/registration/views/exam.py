"""One examination: what is known, what happened, and the next legal steps."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from hevesy.desks.registration.chooser import Chooser, read_slot
from hevesy.desks.registration.forms import ExamForm, ReasonForm
from hevesy.foundation.accounts.actors import Refused
from hevesy.foundation.accounts.guards import StaffRequest, needs
from hevesy.foundation.ui.toasts import toast
from hevesy.records.exams import actions, presenting, queries, states
from hevesy.records.exams.models import Exam
from hevesy.records.patients.masking import mask_id_card, mask_phone


def visible(request: StaffRequest, number: str) -> Exam:
    """The examination, if this user may read it; otherwise the page does not exist."""
    exam = (
        queries.with_rows(queries.visible_to(request.actor))
        .select_related("created_by", "patient__merged_into")
        .filter(number=number[:16])
        .first()
    )
    if exam is None:
        raise Http404
    return exam


@require_GET
@needs("exams.view")
def exam(request: StaffRequest, number: str) -> HttpResponse:
    """The page of an examination; other desks add their panels and actions."""
    template = "registration/_exam.html" if request.htmx else "registration/exam.html"
    return render(request, template, _context(request, visible(request, number)))


def _context(request: StaffRequest, found: Exam) -> dict[str, Any]:
    timeline = list(found.timeline.select_related("step"))
    steps = list(found.steps.all())
    return {
        "exam": found,
        "patient": found.patient,
        "identifiers": found.patient.identifiers.all(),
        "steps": steps,
        "timeline": timeline[::-1],
        "path": presenting.path(found, steps, timeline),
        "moves": _moves(request, found),
        "interview": found.interviews.last(),
        "facts": _facts(found),
        "may_print": request.actor.may("documents.print"),
        "may_book": request.actor.may("exams.book"),
    }


def _facts(found: Exam) -> list[tuple[str, str]]:
    patient = found.patient
    born = f"{patient.birth_date:%Y-%m-%d}" if patient.birth_date else ""
    facts = [
        (_("Patient number"), patient.patient_id),
        (_("Birth date"), born),
        (_("Phone"), mask_phone(patient.phone)),
    ]
    for row in patient.identifiers.all():
        shown = mask_id_card(row.value) if row.kind == "id_card" else row.value
        facts.append((str(row.get_kind_display()), shown))
    return facts


_BUTTONS: dict[str, tuple[str, str | Promise, str]] = {
    # move → (icon, word, tone)
    "arrive": ("map-pin-check", gettext_lazy("Confirm arrival"), "primary"),
    "book": ("calendar-plus", gettext_lazy("Schedule"), "primary"),
    "reschedule": ("calendar-event", gettext_lazy("Reschedule"), ""),
    "shift": ("calendar-event", gettext_lazy("Reschedule"), ""),
    "miss": ("user-x", gettext_lazy("Did not come"), ""),
    "unarrive": ("arrow-back-up", gettext_lazy("Take arrival back"), ""),
    "restore": ("rotate", gettext_lazy("Restore"), ""),
    "cancel": ("ban", gettext_lazy("Cancel the examination"), "danger-quiet"),
}
_DIALOGS = ("cancel", "unarrive", "restore", "miss", "discontinue")


def _moves(request: StaffRequest, found: Exam) -> list[dict[str, Any]]:
    """The buttons of the next legal moves that this user may make."""
    begun = any(step.state in states.BEGUN for step in found.steps.all())
    buttons: list[dict[str, Any]] = []
    seen: set[str] = set()
    for move, target in states.moves_from(states.VISIT, found.visit_state).items():
        if move not in _BUTTONS or not request.actor.may(target.permission) or begun:
            continue
        if move == "miss" and found.booked_for and found.booked_for > timezone.now():
            continue
        icon, word, tone = _BUTTONS[move]
        kind = "reschedule" if move in ("book", "shift") else move
        if kind in seen:
            continue
        seen.add(kind)
        if kind in ("reschedule", "arrive"):
            url = reverse(f"registration:{kind}", args=[found.number])
        else:
            url = reverse("registration:move", args=[found.number, kind])
        buttons.append(
            {
                "move": kind,
                "icon": icon,
                "word": word,
                "tone": tone,
                "url": url,
                "dialog": kind in _DIALOGS,
            }
        )
    unfinished = any(step.state not in states.ENDED for step in found.steps.all())
    if begun and unfinished and request.actor.may("exams.acquire"):
        buttons.append(
            {
                "move": "discontinue",
                "icon": "hand-stop",
                "word": _("Discontinue"),
                "tone": "danger-quiet",
                "url": reverse("registration:move", args=[found.number, "discontinue"]),
                "dialog": True,
            }
        )
    return buttons


@require_POST
@needs("exams.arrive")
def arrive(request: StaffRequest, number: str) -> HttpResponse:
    """The patient is here."""
    found = actions.mark_arrived(
        request.actor,
        visible(request, number),
        other_day_reason=request.POST.get("reason", "").strip()[:200],
    )
    toast(request, _("%(name)s has arrived.") % {"name": found.patient.name_zh})
    return _after(request, found)


_ACTS = {
    "cancel": actions.cancel_exam,
    "unarrive": actions.take_arrival_back,
    "restore": actions.restore_exam,
    "discontinue": actions.discontinue_exam,
    "miss": actions.mark_no_show,
}
_RIGHTS = {
    move: target.permission
    for table in (states.VISIT, states.STEP)
    for (_state, move), target in table.items()
    if move in _ACTS
}
_TITLES: dict[str, tuple[str | Promise, str | Promise]] = {
    # move → (title of the dialog, what it does)
    "cancel": (
        gettext_lazy("Cancel the examination"),
        gettext_lazy("The time becomes free at once. The number is not used again."),
    ),
    "unarrive": (
        gettext_lazy("Take arrival back"),
        gettext_lazy("The examination is booked again, as before the arrival."),
    ),
    "restore": (
        gettext_lazy("Restore the examination"),
        gettext_lazy("Its old time is gone; choose a new one afterwards."),
    ),
    "discontinue": (
        gettext_lazy("Discontinue the examination"),
        gettext_lazy(
            "Every step that has not ended is discontinued. What was given stays recorded."
        ),
    ),
    "miss": (
        gettext_lazy("The patient did not come"),
        gettext_lazy("Times still to come become free. The examination can be rescheduled."),
    ),
}


@require_http_methods(["GET", "POST"])
@needs("exams.view")
def move(request: StaffRequest, number: str, move: str) -> HttpResponse:
    """Cancel and its like: GET asks for the reason (a dialog), POST does it."""
    if move not in _ACTS:
        raise Http404
    found = visible(request, number)
    request.actor.require(_RIGHTS[move])
    form = ReasonForm(request.POST or None, optional=move == "miss")
    title, text = _TITLES[move]
    if request.method == "POST" and form.is_valid():
        moved = _ACTS[move](request.actor, found, form.cleaned_data["reason"])
        word = states.look(moved.state).word
        toast(request, _("%(number)s: %(state)s.") % {"number": moved.number, "state": word})
        return _after(request, moved)
    context = {"exam": found, "form": form, "title": title, "text": text, "move": move}
    template = "registration/_move.html" if request.htmx else "registration/move.html"
    return render(request, template, context)


@require_http_methods(["GET", "POST"])
@needs("exams.book")
def reschedule(request: StaffRequest, number: str) -> HttpResponse:
    """Another time: the chooser with the examination's own times counted as free."""
    found = visible(request, number)
    chooser = Chooser(
        request.POST if request.method == "POST" else request.GET,
        item=found.item,
        emergency=found.priority == Exam.Priority.EMERGENCY,
        exam=found,
    )
    refusal = ""
    if request.method == "POST" and "confirm" in request.POST:
        slot = read_slot(request.POST.get("slot", ""))
        if slot is None:
            refusal = _("Please choose a time.")
        else:
            try:
                moved = _reschedule(request, found, *slot)
            except Refused as refused:
                refusal = str(refused)
            else:
                toast(request, _("%(number)s has a new time.") % {"number": moved.number})
                return _after(request, moved)
    url = reverse("registration:reschedule", args=[number])
    context = {
        "exam": found,
        "item": found.item,
        "refusal": refusal,
        "reason": request.POST.get("reason", request.GET.get("reason", "")),
        **chooser.context(
            request.actor,
            page_url=url,
            chooser_url=url,
            weight_kg=found.weight_kg,
            width=1100,
        ),
    }
    template = (
        "registration/_chooser.html"
        if request.htmx and "confirm" not in request.POST
        else "registration/reschedule.html"
    )
    return render(request, template, context)


def _reschedule(request: StaffRequest, found: Exam, device: Any, starts_at: datetime) -> Exam:
    return actions.reschedule(
        request.actor,
        found,
        starts_at=starts_at,
        device=device,
        reason=request.POST.get("reason", "").strip()[:200],
    )


@require_http_methods(["GET", "POST"])
@needs("exams.book")
def edit(request: StaffRequest, number: str) -> HttpResponse:
    """Correct what was typed at registration."""
    found = visible(request, number)
    form = ExamForm(request.POST or None, initial=ExamForm.values_of(found))
    if request.method == "POST" and form.is_valid():
        try:
            actions.correct_exam(request.actor, found, **form.changes())
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            toast(request, _("Saved."))
            return _after(request, found)
    context = {"exam": found, "form": form}
    return render(
        request, "registration/edit_exam.html", context, status=400 if form.errors else 200
    )


def _after(request: StaffRequest, found: Exam) -> HttpResponse:
    """Where to go after an act: htmx on a list is told to refresh itself, everything else sees the page."""
    url = reverse("registration:exam", args=[found.number])
    if request.htmx:
        if request.htmx.target == "day-list":
            return HttpResponse(status=204, headers={"HX-Trigger": '{"hv:live": ""}'})
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return redirect(url)
