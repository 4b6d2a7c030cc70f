"""Who waits for an interview, the interview itself, and what was said (clauses 5.2-5.5)."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from hevesy.desks.interview import answers
from hevesy.foundation.accounts.guards import StaffRequest, needs, passive
from hevesy.foundation.stations import qr
from hevesy.foundation.ui.toasts import toast
from hevesy.records.exams import presenting
from hevesy.records.exams.actions import InterviewRefused, record_interview
from hevesy.records.exams.actions.interview import template_for
from hevesy.records.exams.models import Exam
from hevesy.records.exams.queries import by_code, day_list, visible_to
from hevesy.records.queues import states as queue_states
from hevesy.records.queues.models import ServicePoint, Ticket

TABS = {"waiting": ("arrived",), "done": ("interviewed", "uptake", "scanning", "acquired")}


@needs("exams.interview")
def waiting_list(request: StaffRequest) -> HttpResponse:
    """Patients who have arrived, and those interviewed today."""
    rows = _rows(request)
    words = {"waiting": pgettext("list", "To interview"), "done": pgettext("list", "Interviewed")}
    here = reverse("interview:home")
    chosen = _tab(request)
    context = {
        **_shown(rows, chosen),
        "tabs": [
            {
                "value": tab,
                "word": words[tab],
                "count": len(rows[tab]),
                "on": tab == chosen,
                "href": f"{here}?tab={tab}",
            }
            for tab in TABS
        ],
        "point": ServicePoint.objects.filter(active=True, kind="interview").first(),
        "saved": request.GET.get("saved", ""),
    }
    return render(request, "interview/list.html", context)


@passive
@needs("exams.interview")
def rows(request: StaffRequest) -> HttpResponse:
    """The rows alone, for the live region."""
    return render(request, "interview/_rows.html", _shown(_rows(request), _tab(request)))


def _tab(request: StaffRequest) -> str:
    tab = request.GET.get("tab", "waiting")
    return tab if tab in TABS else "waiting"


def _shown(found: dict[str, list[dict[str, Any]]], tab: str) -> dict[str, Any]:
    return {"rows": found[tab], "tab": tab, "query": urlencode({"tab": tab})}


def _rows(request: StaffRequest) -> dict[str, list[dict[str, Any]]]:
    """Today's patients by tab, those in the queue in its order."""
    exams = day_list(request.actor, timezone.localdate()).filter(
        state__in=[state for states in TABS.values() for state in states]
    )
    exams = exams.prefetch_related("interviews")
    tickets = {
        ticket.exam_id: ticket
        for ticket in Ticket.objects.filter(
            exam__in=exams, state__in=queue_states.OPEN
        ).select_related("room", "service_point")
    }
    found: dict[str, list[dict[str, Any]]] = {tab: [] for tab in TABS}
    for exam in exams:
        tab = "waiting" if exam.state == "arrived" else "done"
        found[tab].append(
            {
                "exam": exam,
                "who": presenting.sex_and_age(exam.patient),
                "chip": presenting.chip(exam.state),
                "marks": presenting.marks(exam.flags),
                "ticket": tickets.get(exam.pk),
                "interviews": list(exam.interviews.all()),
            }
        )
    for rows in found.values():
        rows.sort(key=_order)
    return found


def _order(row: dict[str, Any]) -> tuple[Any, ...]:
    ticket = row["ticket"]
    if ticket is None:
        return (1, row["exam"].booked_for, row["exam"].pk)
    groups = (queue_states.SERVING, queue_states.CALLED, queue_states.WAITING)
    group = groups.index(ticket.state) if ticket.state in groups else len(groups)
    return (0, group, ticket.priority, ticket.rank_at, ticket.pk)


def _exam(request: StaffRequest, number: str) -> Exam:
    exam = (
        visible_to(request.actor)
        .filter(number=number)
        .select_related("patient", "item__interview_template", "modality_class")
        .first()
    )
    if exam is None:
        raise Http404
    return exam


@needs("exams.interview")
def interview(request: StaffRequest, number: str) -> HttpResponse:
    """Ask, write down, finish. Answers that do not fit come back with what was typed."""
    exam = _exam(request, number)
    template = template_for(exam)
    history = answers.history(exam)
    faults: dict[str, str] = {}
    values = dict(history[0].interview.answers) if history else _known(exam)
    refusal = ""
    if request.method == "POST":
        values = answers.from_form(template.questions, request.POST)
        try:
            record_interview(request.actor, exam, values)
        except InterviewRefused as refused:
            faults, refusal = refused.faults, str(refused)
        else:
            toast(
                request,
                _("The interview of %(name)s is recorded.") % {"name": exam.patient.name_zh},
            )
            query = urlencode({"saved": exam.number})
            return redirect(f"{reverse('interview:home')}?{query}")
    earlier = answers.last_of_patient(exam)
    context = {
        "exam": exam,
        "patient": exam.patient,
        "who": presenting.sex_and_age(exam.patient),
        "chip": presenting.chip(exam.state),
        "marks": presenting.marks(exam.flags),
        "facts": [
            (pgettext("check", "Number"), exam.number),
            (pgettext("check", "Examination"), exam.item.name),
            (pgettext("check", "Born"), exam.patient.birth_date),
        ],
        "template": template,
        "sections": answers.sections(
            template.questions,
            values,
            sex=exam.patient.sex,
            faults=faults,
            before=earlier.answers if earlier else None,
        ),
        "faults": len(faults),
        "refusal": refusal,
        "history": history,
        "earlier": earlier,
        "may": exam.visit_state in ("arrived", "interviewed"),
        "point": ServicePoint.objects.filter(active=True, kind="interview").first(),
        "draft": f"interview:{request.user.pk}:{exam.number}",
    }
    return render(request, "interview/interview.html", context, status=422 if faults else 200)


def _known(exam: Exam) -> dict[str, Any]:
    """What the request and the record know already; the interviewer confirms it."""
    known = {
        "weight_kg": exam.weight_kg and float(exam.weight_kg),
        "height_cm": exam.height_cm and float(exam.height_cm),
        "reason": " ".join(filter(None, (exam.clinical_question, exam.clinical_diagnosis))),
    }
    return {key: value for key, value in known.items() if value}


@needs("exams.interview")
def scan(request: StaffRequest) -> HttpResponse:
    """A scanned slip opens the patient's interview (clause 5.4)."""
    scanned = qr.read(request.POST.get("text", ""))
    exam = by_code(scanned.code) if scanned.kind == "E" else None
    if exam is None or not visible_to(request.actor).filter(pk=exam.pk).exists():
        raise qr.CodeRefused(_("Scan the code on the patient's slip."))
    url = reverse("interview:exam", args=[exam.number])
    if request.htmx:
        from django_htmx.http import HttpResponseClientRedirect

        return HttpResponseClientRedirect(url)
    return redirect(url)
