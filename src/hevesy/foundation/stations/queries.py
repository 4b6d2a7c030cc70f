"""Reads of stations."""

from __future__ import annotations

from django.db.models import QuerySet

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.stations.models import Station


def stations(by: Actor) -> QuerySet[Station]:
    """Every station for the system administrator."""
    by.require("stations.manage")
    return Station.objects.all()
