"""A published report as its reader sees it: what it says, whom it is about, and what changed since (clause 7.2)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from hevesy.desks.publishing.queries import last_seen, replaced_by
from hevesy.foundation.accounts.actors import Actor
from hevesy.records.catalogue.queries import policy
from hevesy.records.exams.models import Exam
from hevesy.records.exams.presenting import age
from hevesy.records.reports.models import Publication, PublicationView
from hevesy.records.reports.paper import titles
from hevesy.records.reports.versions import Piece, marked_sections


@dataclass(frozen=True, slots=True)
class Picture:
    """One key image of the published version: its place from 1, and its caption."""

    place: int
    caption: str


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part of the text, with its marks against the version published before."""

    key: str
    title: str
    text: str
    pieces: list[Piece]

    @property
    def changed(self) -> bool:
        """Whether it differs from what was published before."""
        return any(piece.kind != "equal" for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything the page of a published report shows."""

    publication: Publication
    exam: Exam
    age: str
    tracer: dict[str, Any]
    uptake_min: int | None
    acquired_at: dt.datetime | None
    sections: dict[str, Section]
    pictures: list[Picture]
    before: Publication | None
    seen_before: PublicationView | None
    phone: str

    @property
    def corrected(self) -> bool:
        """Whether another text was published before this one."""
        return self.before is not None and self.before.version_id != self.publication.version_id


def reading(publication: Publication, by: Actor) -> Reading:
    """The open publication as `by` reads it."""
    exam, version = publication.report.exam, publication.version
    acquired = version.facts.get("acquired_at")
    acquired_at = dt.datetime.fromisoformat(acquired) if acquired else exam.booked_for
    earlier = replaced_by(publication)
    before = next((one for one in earlier if one.version_id != version.pk), None)
    return Reading(
        publication=publication,
        exam=exam,
        age=age(exam.patient.birth_date, timezone.localdate(acquired_at) if acquired_at else None),
        tracer=next(iter(version.facts.get("tracers", [])), {}),
        uptake_min=version.facts.get("uptake_min"),
        acquired_at=acquired_at,
        sections=_sections(publication, before),
        pictures=pictures(publication),
        before=before,
        seen_before=last_seen(by, [one for one in earlier if one.version_id != version.pk])
        if before
        else None,
        phone=str(policy("hospital.phone", "")),
    )


def pictures(publication: Publication) -> list[Picture]:
    """The key images of the published version, in its order."""
    return [
        Picture(place, image.get("caption", ""))
        for place, image in enumerate(publication.version.key_images, start=1)
    ]


def _sections(publication: Publication, before: Publication | None) -> dict[str, Section]:
    text = publication.version.sections
    marks = dict(marked_sections(before.version.sections, text)) if before else {}
    return {
        key: Section(key, title, text.get(key, "").strip(), marks.get(key, []))
        for key, title in titles().items()
    }
