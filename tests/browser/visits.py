"""The pages that a GET gives, each as somebody who may: from the URL configuration, none is named here."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from tests.architecture.addresses import Asker, close, every_address, make_asker, url_of
from tests.architecture.policy import Policy
from tests.architecture.subjects import Subjects

OWNERS = {
    "technologist": "technologist",
    "interview": "interviewer",
    "radiopharmacy": "pharmacist",
    "registration": "registrar",
    "reporting": "doctor",
    "viewing": "doctor",
}
"""Whose desk it is: the first choice among those who may."""
OTHERS = ("head", "secadmin", "sysadmin", "auditor", "wall_screen", "anonymous")
FOR_PROGRAMS = {"api", "dicomweb"}
BEFORE_ANYBODY = "accounts:first"
"""Answers until the first account is made, and then never again."""


@dataclass(frozen=True)
class Visit:
    """One page: the name of its address, where it is, and who opens it."""

    name: str
    url: str
    who: Asker


def every_visit() -> list[Visit]:
    """All pages of a department in which the walk's day has happened."""
    subjects, openers = Subjects(), Policy.stored().openers
    askers = {"head": make_asker("head")}  # somebody is there: the page of an empty system is none
    found = []
    for address in every_address():
        # Bodies of volumes are no pages, and the walk's own is no volume that the viewer could show.
        if address.namespace in FOR_PROGRAMS or "content_id" in address.parameters:
            continue
        if address.name == BEFORE_ANYBODY:
            continue
        choice = [OWNERS.get(address.namespace, ""), *OTHERS, *sorted(openers[address.name])]
        who = next((name for name in choice if name in openers[address.name]), "anonymous")
        url = url_of(address, subjects.values(address))
        if who not in askers:
            askers[who] = make_asker(who)
        if _is_page(askers[who], url):
            found.append(Visit(address.name, url, askers[who]))
    return found


def _is_page(who: Asker, url: str) -> bool:
    """Whether a whole page comes back, and not a fragment, a file, a stream or the way to another address."""
    with transaction.atomic():
        response = who.client().get(url, headers={"Accept": "text/html"})
        whole = not response.streaming and b"<html" in response.content[:400]
        close(response)
        transaction.set_rollback(True)
    return bool(whole and response.status_code == 200)
