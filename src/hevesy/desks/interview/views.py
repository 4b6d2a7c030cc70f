"""Interview and follow-up workstation: who waits, the form of the examination, what was told (clauses 5.2-5.5)."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from hevesy.desks.interview.asking import differences, read_answers, sections, told
from hevesy.foundation.accounts.guards import StaffRequest, needs
from hevesy.foundation.stations import qr
from hevesy.foundation.ui.toasts import toast
from hevesy.records.exams.actions import InterviewRefused, record_interview
from hevesy.records.exams.actions.interview import template_for
from hevesy.records.exams.models import Exam
from hevesy.records.exams.queries import by_code, day_list, visible_to
from hevesy.records.queues.models import Ticket


@require_GET
@needs("exams.interview")
def desk(request: StaffRequest) -> HttpResponse:
    """Who has arrived and waits for the interview, and who has been interviewed today."""
    today = [
        exam
        for exam in day_list(request.actor, timezone.localdate())
        if exam.item.requires_interview or exam.visit_state == "interviewed"
    ]
    tickets = {
        ticket.exam_id: ticket
        for ticket in Ticket.objects.filter(
            exam__in=today,
            service_point__kind="interview",
            state__in=("waiting", "called", "serving"),
        ).select_related("room")
    }
    for exam in today:
        exam.ticket = tickets.get(exam.pk)  # type: ignore[attr-defined]
    waiting = [exam for exam in today if exam.visit_state == "arrived"]
    waiting.sort(key=lambda exam: (exam.priority, exam.booked_for or timezone.now()))
    context = {
        "waiting": waiting,
        "done": [exam for exam in today if exam.visit_state == "interviewed"],
        "expected": [exam for exam in today if exam.state == "scheduled"],
    }
    part = request.htmx and request.htmx.target == "interviews"
    return render(request, "interview/_lists.html" if part else "interview/desk.html", context)


@require_POST
@needs("exams.interview")
def scan(request: StaffRequest) -> HttpResponse:
    """A patient's code was scanned: to the form of that examination."""
    read = qr.read(request.POST.get("text", ""))
    exam = by_code(read.code) if read.kind == "E" else None
    if exam is None:
        raise qr.CodeRefused(_("Scan the code on the patient's slip or label."))
    response = HttpResponse(status=204)
    response["HX-Redirect"] = f"/interview/{exam.number}/"
    if not request.htmx:
        return redirect("interview:exam", number=exam.number)
    return response


@require_http_methods(["GET", "POST"])
@needs("exams.interview")
def exam(request: StaffRequest, number: str) -> HttpResponse:
    """The form of one examination; answers that need another look come back with the reason beside each."""
    rows = visible_to(request.actor).select_related(
        "patient", "item__interview_template", "modality_class"
    )
    found: Exam = get_object_or_404(rows, number=number)
    template = template_for(found)
    interviews = list(found.interviews.select_related("interviewer"))
    faults: dict[str, str] = {}
    if request.method == "POST":
        answers = read_answers(template.questions, request.POST)
        try:
            record_interview(request.actor, found, answers)
        except InterviewRefused as refusal:
            faults = refusal.faults
        else:
            toast(
                request,
                _("The interview of %(name)s is recorded.") % {"name": found.patient.name_zh},
            )
            return redirect("interview:home")
    else:
        answers = _known(found, interviews[-1].answers if interviews else {})
    context: dict[str, Any] = {
        "exam": found,
        "patient": found.patient,
        "template": template,
        "sections": sections(
            template.questions, found, answers, faults, interviews[-1] if interviews else None
        ),
        "faults": faults,
        "interviews": [
            (one, told(one), differences(interviews).get(one.pk, set())) for one in interviews[::-1]
        ],
        "step": found.steps.select_related("tracer", "device").first(),
    }
    status = 422 if faults else 200
    return render(request, "interview/exam.html", context, status=status)


def _known(exam: Exam, answers: dict[str, Any]) -> dict[str, Any]:
    """What the record knows already stands in the form; the interviewer confirms it."""
    known = {
        "weight_kg": exam.weight_kg,
        "height_cm": exam.height_cm,
        "reason": exam.clinical_diagnosis,
    }
    return {**{key: value for key, value in known.items() if value}, **answers}
