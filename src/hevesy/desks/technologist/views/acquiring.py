"""Starting and finishing an acquisition by hand, where the scanner does not report it (clauses 4.1, 4.3)."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from hevesy.desks.technologist import boards
from hevesy.desks.technologist.views.worklist import answer
from hevesy.foundation.accounts.guards import StaffRequest, needs
from hevesy.foundation.ui.toasts import toast
from hevesy.records.exams.actions import move_step
from hevesy.records.exams.actions.moves import MoveRefused
from hevesy.records.exams.models import ExamStep


@needs("exams.acquire")
def start(request: StaffRequest, pk: int) -> HttpResponse:
    """Start the scan. Outside the uptake window the page asks for a reason first."""
    step = get_object_or_404(ExamStep.objects.select_related("exam__patient"), pk=pk)
    row = boards.row(request.actor, step.exam.number)
    if row is None:
        raise Http404
    if request.method != "POST":
        return _ask(request, row, step, "start")
    reason = request.POST.get("reason", "").strip()
    if _outside(row) and not reason:
        raise MoveRefused(_("The uptake time is outside its window. Say why the scan starts now."))
    move_step(request.actor, step, "start", reason=reason)
    toast(request, _("The scan of %(name)s has begun.") % {"name": step.exam.patient.name_zh})
    return close(answer(request))


def _outside(row: boards.Row) -> bool:
    window, elapsed = row.window, row.elapsed_min
    if not window or elapsed is None:
        return False
    return not window["min"] <= elapsed <= window["max"]


@needs("exams.acquire")
@require_POST
def finish(request: StaffRequest, pk: int) -> HttpResponse:
    """The pictures are taken."""
    step = get_object_or_404(ExamStep.objects.select_related("exam__patient"), pk=pk)
    move_step(request.actor, step, "finish")
    toast(request, _("The scan of %(name)s is finished.") % {"name": step.exam.patient.name_zh})
    return answer(request)


@needs("exams.acquire")
def back_or_stop(request: StaffRequest, pk: int, move: str) -> HttpResponse:
    """Take a step back, or discontinue it: both with a reason."""
    if move not in ("back", "discontinue"):
        raise Http404
    step = get_object_or_404(ExamStep.objects.select_related("exam__patient"), pk=pk)
    if request.method != "POST":
        row = boards.row(request.actor, step.exam.number)
        if row is None:
            raise Http404
        return _ask(request, row, step, move)
    move_step(request.actor, step, move, reason=request.POST.get("reason", ""))
    return close(answer(request))


def _ask(request: StaffRequest, row: boards.Row, step: ExamStep, move: str) -> HttpResponse:
    template = "technologist/_reason.html" if request.htmx else "technologist/reason.html"
    return render(request, template, {"row": row, "step": step, "move": move})


def close(response: HttpResponse) -> HttpResponse:
    """Let the dialog close that asked for this."""
    from django_htmx.http import trigger_client_event

    return trigger_client_event(response, "hv:close")
