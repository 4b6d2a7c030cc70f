"""The lives of a batch and of a dispensed unit as tables: (state, step) -> (next state, permission).

A unit's step names every permission of which one is enough.
"""

from __future__ import annotations

from typing import Final

from django.utils.translation import pgettext_lazy

RECORDED: Final = "recorded"
RELEASED: Final = "released"
REJECTED: Final = "rejected"
EXPIRED: Final = "expired"
USED_UP: Final = "used_up"
RECALLED: Final = "recalled"

BATCH_LABELS: Final = {
    RECORDED: pgettext_lazy("batch state", "awaiting release"),
    RELEASED: pgettext_lazy("batch state", "released"),
    REJECTED: pgettext_lazy("batch state", "rejected"),
    EXPIRED: pgettext_lazy("batch state", "expired"),
    USED_UP: pgettext_lazy("batch state", "used up"),
    RECALLED: pgettext_lazy("batch state", "recalled"),
}

BATCH: Final[dict[tuple[str, str], tuple[str, str]]] = {
    (RECORDED, "release"): (RELEASED, "doses.release"),
    (RECORDED, "reject"): (REJECTED, "doses.release"),
    (RECORDED, "expire"): (EXPIRED, "doses.produce"),
    (RELEASED, "expire"): (EXPIRED, "doses.produce"),
    (RELEASED, "empty"): (USED_UP, "doses.dispense"),
    **{
        (state, "recall"): (RECALLED, "doses.release")
        for state in (RECORDED, RELEASED, EXPIRED, USED_UP)
    },
}

DISPENSED: Final = "dispensed"
RECEIVED: Final = "received"
ADMINISTERED: Final = "administered"
RETURNED: Final = "returned"
DISCARDED: Final = "discarded"

UNIT_LABELS: Final = {
    DISPENSED: pgettext_lazy("unit state", "dispensed"),
    RECEIVED: pgettext_lazy("unit state", "received at the injection room"),
    ADMINISTERED: pgettext_lazy("unit state", "administered"),
    RETURNED: pgettext_lazy("unit state", "returned"),
    DISCARDED: pgettext_lazy("unit state", "discarded"),
}

USABLE: Final = (DISPENSED, RECEIVED)
"""States from which a unit may be administered."""

UNIT: Final[dict[tuple[str, str], tuple[str, tuple[str, ...]]]] = {
    (DISPENSED, "receive"): (RECEIVED, ("doses.administer",)),
    (DISPENSED, "administer"): (ADMINISTERED, ("doses.administer",)),
    (RECEIVED, "administer"): (ADMINISTERED, ("doses.administer",)),
    # The hot laboratory takes back what it gave out, even if it may not inject.
    (DISPENSED, "return"): (RETURNED, ("doses.administer", "doses.dispense")),
    (RECEIVED, "return"): (RETURNED, ("doses.administer", "doses.dispense")),
    (DISPENSED, "discard"): (DISCARDED, ("doses.dispense",)),
    (RECEIVED, "discard"): (DISCARDED, ("doses.dispense",)),
    (RETURNED, "discard"): (DISCARDED, ("doses.dispense",)),
}

TABLES: Final = {"batch": BATCH, "unit": UNIT}
