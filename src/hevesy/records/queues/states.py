"""The life of a ticket as a table: (state, step) -> (next state, permission)."""

from __future__ import annotations

from typing import Final

from django.utils.translation import pgettext_lazy

WAITING: Final = "waiting"
CALLED: Final = "called"
SERVING: Final = "serving"
MISSED: Final = "missed"
HELD: Final = "held"
DONE: Final = "done"
CANCELLED: Final = "cancelled"

OPEN: Final = (WAITING, CALLED, SERVING, MISSED, HELD)
IN_A_ROOM: Final = (CALLED, SERVING)
"""The patient is on the way to a room or in it: nobody else may call them."""

LABELS: Final = {
    WAITING: pgettext_lazy("ticket state", "waiting"),
    CALLED: pgettext_lazy("ticket state", "called"),
    SERVING: pgettext_lazy("ticket state", "in the room"),
    MISSED: pgettext_lazy("ticket state", "missed the call"),
    HELD: pgettext_lazy("ticket state", "on hold"),
    DONE: pgettext_lazy("ticket state", "done"),
    CANCELLED: pgettext_lazy("ticket state", "cancelled"),
}

_CALL = "queues.call"
TICKET: Final[dict[tuple[str, str], tuple[str, str]]] = {
    (WAITING, "call"): (CALLED, _CALL),
    (CALLED, "call"): (CALLED, _CALL),
    (MISSED, "call"): (CALLED, _CALL),
    (HELD, "call"): (CALLED, _CALL),
    (WAITING, "serve"): (SERVING, _CALL),
    (CALLED, "serve"): (SERVING, _CALL),
    (MISSED, "serve"): (SERVING, _CALL),
    (CALLED, "miss"): (MISSED, _CALL),
    (WAITING, "hold"): (HELD, _CALL),
    (CALLED, "hold"): (HELD, _CALL),
    (SERVING, "hold"): (HELD, _CALL),
    (MISSED, "hold"): (HELD, _CALL),
    (CALLED, "back"): (WAITING, _CALL),
    (SERVING, "back"): (WAITING, _CALL),
    (MISSED, "back"): (WAITING, _CALL),
    (HELD, "back"): (WAITING, _CALL),
    **{(state, "finish"): (DONE, _CALL) for state in OPEN},
    **{(state, "cancel"): (CANCELLED, _CALL) for state in OPEN},
}

TABLES: Final = {"ticket": TICKET}
