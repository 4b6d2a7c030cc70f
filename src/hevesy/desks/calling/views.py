"""Triage, the call panel of the other desks, and the wall screens (clauses 3.1-3.5, 2.7, 4.4, 5.5)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from hevesy.desks.calling import boards, walls
from hevesy.foundation.accounts.guards import StaffRequest, needs, passive
from hevesy.foundation.ui.toasts import toast
from hevesy.records.catalogue.models import Room
from hevesy.records.queues import actions, queries
from hevesy.records.queues.models import Phrase, Screen, ServicePoint, Ticket

ROOMS_KEY = "calling_rooms"
"""Session: which room this workstation calls to, by service point."""


def _chosen_room(request: StaffRequest, point: str) -> str:
    rooms = request.session.get(ROOMS_KEY, {})
    return str(rooms.get(point, ""))


def _choose_room(request: StaffRequest, point: str, room: str) -> None:
    if room and _chosen_room(request, point) != room:
        request.session[ROOMS_KEY] = {**request.session.get(ROOMS_KEY, {}), point: room}


@needs("queues.view")
def desk(request: StaffRequest) -> HttpResponse:
    """Every queue with its rooms, the screens, and the sentences for everybody."""
    chosen = request.GET.get("point", "")
    points = list(queries.service_points(request.actor))
    context: dict[str, Any] = {
        "chosen": chosen,
        "options": [
            {
                "value": "",
                "word": _("All queues"),
                "on": not chosen,
                "href": reverse("calling:desk"),
            },
            *(
                {
                    "value": point.code,
                    "word": point.name,
                    "on": chosen == point.code,
                    "href": f"{reverse('calling:desk')}?point={point.code}",
                }
                for point in points
            ),
        ],
        "points": points,
        "phrases": queries.phrases(),
        **_queues(request, chosen),
        **_screens(),
    }
    return render(request, "calling/desk.html", context)


def _queues(request: StaffRequest, chosen: str) -> dict[str, Any]:
    found = boards.boards(request.actor, [chosen] if chosen else ())
    for board in found:
        board.my_room = _chosen_room(request, board.point.code)
    return {
        "boards": found,
        "may_call": request.actor.may("queues.call"),
        "chosen": chosen,
    }


def _screens() -> dict[str, Any]:
    limit = timezone.now() - timedelta(minutes=2)
    shown = []
    for screen in Screen.objects.filter(active=True):
        state = screen.sound if screen.seen_at and screen.seen_at > limit else "off"
        shown.append({"screen": screen, "chip": boards.SOUND_CHIPS[state]})
    return {"screens": shown}


@passive
@needs("queues.view")
def queue_list(request: StaffRequest) -> HttpResponse:
    """The queues alone, for the live region of the desk."""
    return render(request, "calling/_queues.html", _queues(request, request.GET.get("point", "")))


@passive
@needs("queues.view")
def screen_list(request: StaffRequest) -> HttpResponse:
    """Which screens are on and whether they can be heard."""
    return render(request, "calling/_screens.html", _screens())


def _panel(request: StaffRequest, code: str) -> HttpResponse:
    (board,) = boards.boards(request.actor, [code]) or (None,)
    if board is None:
        raise Http404
    room = board.room(_chosen_room(request, code))
    return render(
        request,
        "calling/_panel.html",
        {"board": board, "mine": room, "may_call": request.actor.may("queues.call")},
    )


@passive
@needs("queues.view")
def panel(request: StaffRequest, code: str) -> HttpResponse:
    """The call panel that the other desks show: one queue, one room (clause 3.5).

    `<div hx-get="{% url 'calling:panel' 'injection' %}" hx-trigger="load">`; it keeps itself fresh.
    """
    _choose_room(request, code, request.GET.get("room", ""))
    return _panel(request, code)


@needs("queues.call")
@require_POST
def call_next(request: StaffRequest, code: str) -> HttpResponse:
    """Call whoever is next to the room that was pressed."""
    point = get_object_or_404(ServicePoint, code=code)
    room = get_object_or_404(Room, code=request.POST.get("room", ""))
    _choose_room(request, code, room.code)
    ticket = actions.call_next(request.actor, point, room)
    toast(
        request,
        _("Called %(number)s to %(room)s.") % {"number": ticket.number, "room": room.name},
    )
    return _answer(request, point)


@needs("queues.call")
@require_POST
def act(request: StaffRequest, pk: int, move: str) -> HttpResponse:
    """Do something with one ticket: call, again, came in, missed, hold, back, first, done."""
    if move not in boards.MOVES:
        raise Http404
    ticket = get_object_or_404(Ticket.objects.select_related("service_point"), pk=pk)
    by, reason = request.actor, request.POST.get("reason", "")
    if move in ("call", "serve"):
        room = Room.objects.filter(code=request.POST.get("room", "")).first()
        if move == "call":
            actions.call(by, ticket, _room_of(ticket, room))
        else:
            actions.serve(by, ticket, room)
    elif move in ("hold", "jump"):
        getattr(actions, move)(by, ticket, reason)
    else:
        getattr(actions, move)(by, ticket)
    response = _answer(request, ticket.service_point)
    return trigger_client_event(response, "hv:close") if move == "jump" else response


@needs("queues.call")
def why_first(request: StaffRequest, pk: int) -> HttpResponse:
    """Ask for the reason before somebody goes first: a dialog, or a page of its own without scripts."""
    ticket = get_object_or_404(Ticket.objects.select_related("exam__patient"), pk=pk)
    template = "calling/_why_first.html" if request.htmx else "calling/why_first.html"
    return render(request, template, {"ticket": ticket, "chosen": request.GET.get("point", "")})


def _room_of(ticket: Ticket, room: Room | None) -> Room:
    """The room pressed, else the only room of the queue."""
    if room:
        return room
    rooms = list(ticket.service_point.rooms.filter(active=True)[:2])
    if len(rooms) != 1:
        raise actions.TicketRefused(_("Choose the room to call to."))
    return rooms[0]


def _answer(request: StaffRequest, point: ServicePoint) -> HttpResponse:
    """The part of the page that was pressed, anew; the whole desk without scripts."""
    if not request.htmx:
        return redirect("calling:desk")
    if request.POST.get("as") == "panel":
        return _panel(request, point.code)
    return render(request, "calling/_queues.html", _queues(request, request.POST.get("point", "")))


@needs("queues.call")
@require_POST
def announce(request: StaffRequest) -> HttpResponse:
    """Say a sentence to everybody who waits (clause 3.4)."""
    point = get_object_or_404(ServicePoint, code=request.POST.get("to", ""))
    phrase = Phrase.objects.filter(code=request.POST.get("phrase", "")).first()
    said = actions.announce(request.actor, point, phrase, request.POST.get("text", ""))
    toast(request, _("Announced: %(text)s") % {"text": said.text})
    if request.htmx:
        return HttpResponse(status=204)
    return redirect("calling:desk")


@never_cache
@needs("queues.view", "stations.show")
def wall(request: HttpRequest, code: str) -> HttpResponse:
    """A wall screen, opened by a registered screen or by somebody who may see the queues."""
    return render(request, "calling/wall.html", _wall(code))


@passive
@never_cache
@needs("queues.view", "stations.show")
def wall_body(request: HttpRequest, code: str) -> HttpResponse:
    """The moving part of a wall screen."""
    return render(request, "calling/_wall.html", _wall(code))


@never_cache
@needs("queues.view", "stations.show")
def first_wall(request: HttpRequest) -> HttpResponse:
    """Where a registered screen starts: the wall of its own code, else the first one."""
    station = getattr(request, "station", None)
    screens = Screen.objects.filter(active=True)
    own = screens.filter(code=station.code).first() if station else None
    screen = own or screens.first()
    if screen is None:
        raise Http404
    return redirect("calling:wall", screen.code)


@passive
@needs("queues.view", "stations.show")
@require_POST
def wall_report(request: HttpRequest, code: str) -> HttpResponse:
    """A screen says that it lives and whether it can be heard, so that the caller knows (clause 3.4)."""
    screen, points = walls.find(code)
    if screen:
        actions.screen_reports(screen, request.POST.get("sound", ""))
    elif not points:
        raise Http404
    return HttpResponse(status=204)


def _wall(code: str) -> dict[str, Any]:
    screen, points = walls.find(code)
    if not points:
        raise Http404
    return {"wall": walls.show(screen, points), "code": code, "screen": screen}
