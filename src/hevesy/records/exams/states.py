"""The state machines of an examination: tables, not code (design §2.2).

A visit moves by `VISIT`, each scheduled step by `STEP`; the state that lists show is derived from both and from the
report. The documentation's diagrams are drawn from these tables (`hevesy state_diagram`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


@dataclass(frozen=True, slots=True)
class Move:
    """Where a move leads, which permission it needs, and whether a reason must be given (every step backwards)."""

    to: str
    permission: str
    reason: bool = False


Table = Mapping[tuple[str, str], Move]
"""(state, move) → Move"""

VISIT: Table = {
    ("ordered", "book"): Move("scheduled", "exams.book"),
    ("ordered", "cancel"): Move("cancelled", "exams.cancel", reason=True),
    ("scheduled", "reschedule"): Move("scheduled", "exams.book"),
    ("scheduled", "arrive"): Move("arrived", "exams.arrive"),
    ("scheduled", "miss"): Move("no_show", "exams.book"),
    ("scheduled", "cancel"): Move("cancelled", "exams.cancel", reason=True),
    ("no_show", "reschedule"): Move("scheduled", "exams.book"),
    ("no_show", "arrive"): Move("arrived", "exams.arrive"),
    ("no_show", "cancel"): Move("cancelled", "exams.cancel", reason=True),
    ("arrived", "shift"): Move("arrived", "exams.book"),
    ("arrived", "reschedule"): Move("scheduled", "exams.book", reason=True),
    ("arrived", "unarrive"): Move("scheduled", "exams.arrive", reason=True),
    ("arrived", "interview"): Move("interviewed", "exams.interview"),
    ("arrived", "cancel"): Move("cancelled", "exams.cancel", reason=True),
    ("interviewed", "interview"): Move("interviewed", "exams.interview"),
    ("interviewed", "shift"): Move("interviewed", "exams.book"),
    ("interviewed", "reschedule"): Move("scheduled", "exams.book", reason=True),
    ("interviewed", "cancel"): Move("cancelled", "exams.cancel", reason=True),
    ("cancelled", "restore"): Move("ordered", "exams.cancel", reason=True),
}

STEP: Table = {
    ("planned", "ready"): Move("ready", "exams.arrive"),
    ("planned", "administer"): Move("administered", "doses.administer"),
    ("planned", "start"): Move("acquiring", "exams.acquire"),
    ("planned", "discontinue"): Move("discontinued", "exams.acquire", reason=True),
    ("ready", "back"): Move("planned", "exams.arrive"),
    ("ready", "administer"): Move("administered", "doses.administer"),
    ("ready", "start"): Move("acquiring", "exams.acquire"),
    ("ready", "discontinue"): Move("discontinued", "exams.acquire", reason=True),
    ("administered", "back"): Move("ready", "doses.override", reason=True),
    ("administered", "start"): Move("acquiring", "exams.acquire"),
    ("administered", "finish"): Move("acquired", "exams.acquire"),
    ("administered", "discontinue"): Move("discontinued", "exams.acquire", reason=True),
    # A dynamic study is acquired while the drug goes in.
    ("acquiring", "administer"): Move("acquiring", "doses.administer"),
    ("acquiring", "back"): Move("ready", "exams.acquire", reason=True),
    ("acquiring", "finish"): Move("acquired", "exams.acquire"),
    ("acquiring", "discontinue"): Move("discontinued", "exams.acquire", reason=True),
    # Scanned again.
    ("acquired", "back"): Move("acquiring", "exams.acquire", reason=True),
    ("discontinued", "back"): Move("ready", "exams.acquire", reason=True),
}

TABLES: dict[str, Table] = {"visit": VISIT, "step": STEP}

REPORT_STATES = ("", "reporting", "submitted", "audited", "published")
"""What reports tell an examination (`set_report_state`); their own machine lives in `records.reports`."""

STATES = (
    "ordered",
    "scheduled",
    "arrived",
    "interviewed",
    "uptake",
    "scanning",
    "acquired",
    "reporting",
    "submitted",
    "audited",
    "published",
    "cancelled",
    "no_show",
    "discontinued",
)
"""Every derived state, in the order of the day."""

BEGUN = frozenset({"administered", "acquiring", "acquired", "discontinued"})
"""States of a step that was begun: it is not rescheduled or cancelled any more."""

ENDED = frozenset({"acquired", "discontinued"})


def derive(visit_state: str, step_states: Iterable[str], report_state: str) -> str:
    """The one state that lists show. The report's state wins, then the steps', then the visit's."""
    steps = list(step_states)
    if visit_state == "cancelled":
        return visit_state
    if report_state:
        return report_state
    if steps and all(state == "discontinued" for state in steps):
        return "discontinued"
    if "acquiring" in steps:
        return "scanning"
    if steps and all(state in ENDED for state in steps):
        return "acquired"
    if "administered" in steps or "acquired" in steps:
        # Between two phases the activity is in the patient: the next picture is being waited for.
        return "uptake"
    return visit_state


@dataclass(frozen=True, slots=True)
class Look:
    """How a state looks everywhere: its word, its Tabler icon, its colour key (`s-<colour>`)."""

    word: str | Promise
    icon: str
    colour: str


LOOKS: Mapping[str, Look] = {
    "ordered": Look(pgettext_lazy("exam state", "ordered"), "file-text", "ordered"),
    "scheduled": Look(pgettext_lazy("exam state", "scheduled"), "calendar-event", "scheduled"),
    "arrived": Look(pgettext_lazy("exam state", "arrived"), "map-pin-check", "arrived"),
    "interviewed": Look(
        pgettext_lazy("exam state", "interviewed"), "clipboard-heart", "interviewed"
    ),
    "uptake": Look(pgettext_lazy("exam state", "uptake"), "hourglass", "uptake"),
    "scanning": Look(pgettext_lazy("exam state", "scanning"), "viewfinder", "scanning"),
    "acquired": Look(pgettext_lazy("exam state", "acquired"), "photo-check", "acquired"),
    "reporting": Look(pgettext_lazy("exam state", "reporting"), "pencil", "reporting"),
    "submitted": Look(pgettext_lazy("exam state", "to be audited"), "send", "submitted"),
    "audited": Look(pgettext_lazy("exam state", "audited"), "rosette-discount-check", "audited"),
    "published": Look(pgettext_lazy("exam state", "published"), "world-upload", "published"),
    "cancelled": Look(pgettext_lazy("exam state", "cancelled"), "ban", "cancelled"),
    "no_show": Look(pgettext_lazy("exam state", "no-show"), "user-x", "amber"),
    "discontinued": Look(pgettext_lazy("exam state", "discontinued"), "hand-stop", "amber"),
    # Of steps only:
    "planned": Look(pgettext_lazy("step state", "planned"), "calendar-event", "scheduled"),
    "ready": Look(pgettext_lazy("step state", "ready"), "circle-check", "arrived"),
    "administered": Look(pgettext_lazy("step state", "administered"), "hourglass", "uptake"),
    "acquiring": Look(pgettext_lazy("step state", "acquiring"), "viewfinder", "scanning"),
}

MOVE_WORDS: Mapping[str, str | Promise] = {
    "book": pgettext_lazy("move", "book"),
    "reschedule": pgettext_lazy("move", "reschedule"),
    "shift": pgettext_lazy("move", "move the time"),
    "arrive": pgettext_lazy("move", "confirm arrival"),
    "unarrive": pgettext_lazy("move", "take arrival back"),
    "miss": pgettext_lazy("move", "record no-show"),
    "cancel": pgettext_lazy("move", "cancel"),
    "restore": pgettext_lazy("move", "restore"),
    "interview": pgettext_lazy("move", "interview"),
    "ready": pgettext_lazy("move", "make ready"),
    "administer": pgettext_lazy("move", "administer"),
    "start": pgettext_lazy("move", "start the acquisition"),
    "finish": pgettext_lazy("move", "finish the acquisition"),
    "discontinue": pgettext_lazy("move", "discontinue"),
    "back": pgettext_lazy("move", "go back"),
}

RIGHT_STEP: Mapping[str, str | Promise] = {
    "ordered": _("Choose a time first."),
    "scheduled": _("Confirm the arrival first."),
    "arrived": _("Record the interview first."),
    "interviewed": _("The next step is the administration or the acquisition."),
    "no_show": _("Give the patient a new time first."),
    "cancelled": _("Restore the examination or book a new one."),
    "planned": _("Confirm the arrival and prepare the patient first."),
    "ready": _("The next step is the administration or the acquisition."),
    "administered": _("The next step is the acquisition."),
    "acquiring": _("Finish the acquisition first."),
    "acquired": _("The acquisition is finished; take it back with a reason to scan again."),
    "discontinued": _("The step was discontinued; take it back with a reason to go on."),
}
"""What to do instead, by the state in which something was refused."""


def look(state: str) -> Look:
    """Word, icon and colour of a state."""
    return LOOKS[state]


def moves_from(table: Table, state: str) -> dict[str, Move]:
    """The moves that a state offers, in the order of the table."""
    return {move: target for (origin, move), target in table.items() if origin == state}


def mermaid(table: Mapping[tuple[str, str], Any]) -> str:
    """Any app's table as a Mermaid state diagram; the first state of the table is where everything begins.

    A value is a `Move` or alike (`to`, perhaps `reason`), or a tuple that begins with the next state.
    """
    moves = [
        (
            state or "none",
            name,
            getattr(move, "to", None) or move[0],
            getattr(move, "reason", False),
        )
        for (state, name), move in table.items()
    ]
    lines = ["stateDiagram-v2", f"    [*] --> {moves[0][0]}"]
    lines += [f"    {a} --> {b}: {name}{' (reason)' if why else ''}" for a, name, b, why in moves]
    ends = {to for _a, _name, to, _why in moves} - {state for state, _name, _to, _why in moves}
    lines += [f"    {state} --> [*]" for state in sorted(ends)]
    return "\n".join(lines)
