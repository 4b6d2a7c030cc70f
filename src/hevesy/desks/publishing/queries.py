"""What is published, what waits, what was taken back; and what a clinician may find (clauses 7.1, 7.2)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Max, Prefetch, Q, QuerySet

from hevesy.foundation.accounts.actors import Actor, system_actor
from hevesy.records.exams.models import Exam
from hevesy.records.patients.queries import search
from hevesy.records.reports.models import Publication, PublicationView, Report
from hevesy.records.reports.queries import open_publications
from hevesy.records.reports.states import AUDITED, PUBLISHED

MOST_PATIENTS = 60
MOST_UNFINISHED = 20
SHORTEST_NUMBER = 4
"""Fewer characters than this are a name or a part of one, not the beginning of an examination number."""


def plain(text: str) -> str:
    """Search words as they may reach the database: normalised, without control characters, not too long."""
    text = unicodedata.normalize("NFKC", text[:60])
    return "".join(letter for letter in text if letter.isprintable()).strip()


# The department's side.


def waiting() -> QuerySet[Report]:
    """Audited reports that were never published."""
    return Report.objects.filter(state=AUDITED, publications=None)


def withdrawn() -> QuerySet[Report]:
    """Reports that were published and taken back."""
    return Report.objects.filter(state=AUDITED, publications__isnull=False).distinct()


def published() -> QuerySet[Report]:
    """Reports that clinicians can read now."""
    return Report.objects.filter(state=PUBLISHED)


@dataclass(frozen=True, slots=True)
class Shelf:
    """One list of the department: its key and what is in it."""

    key: str
    reports: QuerySet[Report]


def shelves(by: Actor) -> dict[str, Shelf]:
    """The three lists of the department: to publish, published, withdrawn."""
    by.require("publishing.publish")
    every = (
        Shelf("waiting", waiting()),
        Shelf("published", published()),
        Shelf("withdrawn", withdrawn()),
    )
    return {shelf.key: shelf for shelf in every}


def listed(reports: QuerySet[Report], by: Actor, text: str) -> QuerySet[Report]:
    """`reports` with all that their rows show, the newest first; narrowed to those that `text` finds."""
    rows = reports.select_related(
        "exam__patient", "exam__item", "author", "auditor", "current"
    ).annotate(
        view_count=Count("publications__views", distinct=True),
        last_view_at=Max("publications__views__at"),
    )
    last_first = Publication.objects.select_related("published_by", "withdrawn_by").order_by("-id")
    rows = rows.prefetch_related(Prefetch("publications", last_first, to_attr="history"))
    if text:
        rows = rows.filter(_found(text, "exam__"))
    return rows.order_by("-audited_at", "-id")


def readers(report: Report, by: Actor, limit: int = 50) -> list[PublicationView]:
    """Who read the report, the last first."""
    by.require("publishing.publish")
    rows = PublicationView.objects.filter(publication__report=report)
    return list(rows.select_related("user", "publication__version")[:limit])


# The clinician's side.


def readable(by: Actor, text: str = "", *, physician: str = "") -> QuerySet[Publication]:
    """Publications that are open now, the newest first; found by name, pinyin or number, or of one physician."""
    rows = open_publications(by).select_related("report__exam__modality_class", "report__author")
    if text:
        rows = rows.filter(_found(text, "report__exam__"))
    if physician:
        rows = rows.filter(report__exam__requesting_physician=physician)
    return rows.order_by("-published_at", "-id")


def unfinished(by: Actor, text: str) -> list[Exam]:
    """Examinations that `text` finds and whose report cannot be read yet: their state is told, nothing else."""
    if not text:
        return []
    by.require("publishing.read" if by.may("publishing.read") else "reports.view")
    rows = Exam.objects.filter(_found(text, "")).exclude(
        pk__in=Publication.objects.filter(withdrawn_at=None).values("report__exam_id")
    )
    rows = rows.exclude(visit_state="cancelled").select_related("patient", "item")
    return list(rows.order_by("-booked_for", "-id")[:MOST_UNFINISHED])


def open_publication(by: Actor, number: str) -> Publication | None:
    """What is published of an examination now; None also when there is no such examination."""
    return readable(by).filter(report__exam__number=plain(number)).first()


def withdrawn_publication(by: Actor, number: str) -> Publication | None:
    """The last publication of an examination of which none is open."""
    if not by.may("publishing.read"):
        by.require("reports.view")
    rows = Publication.objects.filter(report__exam__number=plain(number), report__state=AUDITED)
    return rows.select_related("report__exam__patient", "report__exam__item", "version").last()


def replaced_by(publication: Publication) -> list[Publication]:
    """Earlier publications of the same report, the last first."""
    rows = publication.report.publications.filter(pk__lt=publication.pk).order_by("-id")
    return list(rows.select_related("version"))


def last_seen(by: Actor, publications: Iterable[Publication]) -> PublicationView | None:
    """When this person last read one of `publications`."""
    if by.user is None:
        return None
    rows = PublicationView.objects.filter(user=by.user, publication__in=list(publications))
    return rows.select_related("publication__version").first()


def _found(text: str, path: str) -> Q:
    """Examinations of the patients that `text` names, or whose number begins with it."""
    # Whoever asks may search for names here although other patients' pages stay closed to them: what is shown of
    # a found patient is narrowed above.
    finder = system_actor("publishing", "patients.view")
    patients = [patient.pk for patient in search(text, finder, MOST_PATIENTS)]
    found = Q(**{f"{path}patient__in": patients})
    if len(text) >= SHORTEST_NUMBER:
        found |= Q(**{f"{path}number__istartswith": text})
    return found
