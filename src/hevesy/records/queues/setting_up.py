"""What a site may set about its queues, wall screens and phrases (clauses 3.3, 3.4); `save_entry` writes it."""

from __future__ import annotations

import re

from django.utils.translation import gettext as _

from hevesy.foundation.ui.live import publish
from hevesy.records.catalogue.actions import NAMED, CatalogueRefused, editable
from hevesy.records.catalogue.models import Named
from hevesy.records.queues import states
from hevesy.records.queues.models import Phrase, Screen, ServicePoint, Ticket


def check_point(row: ServicePoint) -> None:
    """Ticket numbers of two queues must differ, and nobody may be left waiting in a queue that is gone."""
    _check_address(row)
    if not re.fullmatch(r"[A-Z]{1,4}", row.prefix):
        raise CatalogueRefused(_("Ticket numbers begin with one to four capital letters."))
    others = ServicePoint.objects.filter(active=True, prefix=row.prefix).exclude(pk=row.pk or 0)
    if row.active and (other := others.first()) is not None:
        raise CatalogueRefused(
            _("The tickets of %(name)s begin with %(prefix)s already. Choose other letters.")
            % {"name": other.name, "prefix": row.prefix}
        )
    before = ServicePoint.objects.filter(pk=row.pk or 0).first()
    moves = before is not None and (before.kind != row.kind or not row.active)
    if moves and Ticket.objects.filter(service_point=row, state__in=states.OPEN).exists():
        raise CatalogueRefused(
            _("Patients wait in %(name)s. Finish or move them first.") % {"name": row.name}
        )


def _check_address(row: Named) -> None:
    # The code is a part of the address of the queue's page and of the wall.
    if not re.fullmatch(r"[A-Za-z0-9_\-]+", row.code):
        raise CatalogueRefused(_("The code of a queue or screen has no points."))


def _show(row: Named) -> None:
    publish("wall", code=row.code)
    publish("queue", code=row.code)


def declare() -> None:
    """Let the department's pages edit them."""
    editable(
        ServicePoint,
        (*NAMED, "kind", "prefix", "purpose_zh", "purpose_en", "rooms", "modality_classes"),
        check=check_point,
        after=_show,
    )
    editable(
        Screen,
        (*NAMED, "place_zh", "place_en", "service_points", "notice_zh", "notice_en",
         "ticker_zh", "ticker_en"),
        check=_check_address,
        after=_show,
    )  # fmt: skip
    editable(Phrase, NAMED, after=_show)
