"""The hot laboratory at a glance (clauses 9.1, 9.2)."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from hevesy.desks.radiopharmacy import boards, curves
from hevesy.foundation.accounts.guards import StaffRequest, needs, passive


def _context(request: StaffRequest) -> dict[str, object]:
    board = boards.board(request.actor)
    supplies = curves.supplies(board.batches, board.demand, board.now)
    wanted = request.GET.get("tracer", "")
    chosen = next((one for one in supplies if one.tracer.code == wanted), None)
    return {
        "board": board,
        "supplies": supplies,
        "supply": chosen or (supplies[0] if supplies else None),
        "may_dispense": request.actor.may("doses.dispense"),
        "may_produce": request.actor.may("doses.produce"),
        "may_release": request.actor.may("doses.release"),
    }


@needs("doses.view")
def home(request: StaffRequest) -> HttpResponse:
    """What waits, what the vials hold now, what was drawn today."""
    return render(request, "radiopharmacy/home.html", _context(request))


@passive
@needs("doses.view")
def board_alone(request: StaffRequest) -> HttpResponse:
    """The board for the live region."""
    return render(request, "radiopharmacy/_board.html", _context(request))
