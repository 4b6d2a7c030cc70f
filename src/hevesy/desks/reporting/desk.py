"""What the reading desk shows: worklists, the report of one exam, its marks, its pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from hevesy.foundation.accounts.actors import Actor
from hevesy.records.catalogue.models import ReportTemplate
from hevesy.records.exams.models import Exam
from hevesy.records.exams.presenting import chip
from hevesy.records.findings.models import KeyImage
from hevesy.records.findings.queries import key_images_of_exam
from hevesy.records.reports import states
from hevesy.records.reports.checks import Remark, check_text
from hevesy.records.reports.models import Report, ReportVersion
from hevesy.records.reports.queries import exams_done, exams_to_audit, exams_to_write
from hevesy.records.reports.versions import SECTIONS, Piece, marked_sections

LISTED = 60
LISTS = ("write", "audit", "done")


@dataclass
class Work:
    """One of the lists at the left: its key, its word, its exams."""

    key: str
    word: str
    exams: list[Exam]
    total: int

    @property
    def option(self) -> dict[str, Any]:
        """As the segment control shows it."""
        return {
            "value": self.key,
            "word": self.word,
            "count": self.total,
            "href": f"?list={self.key}",
        }


def worklists(by: Actor, chosen: str) -> tuple[list[Work], Work]:
    """The lists this person may see, and the chosen one with its exams."""
    sources = []
    if by.may("reports.write"):
        sources.append(("write", _("To write"), exams_to_write(by)))
    if by.may("reports.audit"):
        sources.append(("audit", _("To audit"), exams_to_audit(by)))
    if by.may("reports.view"):
        sources.append(("done", pgettext("report list", "Done"), exams_done(by)))
    counts = {key: rows.count() for key, _word, rows in sources}
    if chosen not in counts:
        # Who may audit comes for the reports that wait for an auditor; others can write.
        chosen = "audit" if counts.get("audit") else next(iter(counts))
    works = [
        Work(key, word, list(rows[:LISTED]) if key == chosen else [], counts[key])
        for key, word, rows in sources
    ]
    work = next(work for work in works if work.key == chosen)
    for exam in work.exams:
        exam.chip = chip(exam.state)  # type: ignore[attr-defined]
    return works, work


@dataclass
class Section:
    """A section of the text with its heading."""

    name: str
    title: str
    text: str
    pieces: list[Piece] = field(default_factory=list)


def titles() -> dict[str, str]:
    """Headings of the sections."""
    return {"technique": _("Technique"), "findings": _("Findings"), "impression": _("Impression")}


@dataclass
class Sheet:
    """The report of an exam as one person may handle it."""

    exam: Exam
    report: Report | None
    by: Actor

    @property
    def version(self) -> ReportVersion | None:
        """The current text."""
        return self.report.current if self.report else None

    @property
    def sections(self) -> list[Section]:
        """The current text by section."""
        text = self.version.sections if self.version else {}
        heads = titles()
        return [Section(name, heads[name], text.get(name, "")) for name in SECTIONS]

    @property
    def versions(self) -> list[ReportVersion]:
        """Every version, the newest first."""
        if self.report is None:
            return []
        return list(self.report.versions.select_related("author").order_by("-number"))

    def marks(self, older: int, newer: int) -> list[Section]:
        """The marked difference of two versions (clause 6.6)."""
        by_number = {version.number: version for version in self.versions}
        before = by_number[older].sections if older in by_number else {}
        heads = titles()
        after = by_number[newer].sections
        return [
            Section(name, heads[name], after.get(name, ""), pieces)
            for name, pieces in marked_sections(before, after)
        ]

    def default_marks(self) -> tuple[int, int]:
        """The auditor's changes if there are any, else the last two versions."""
        numbers = [version.number for version in self.versions]
        if not numbers:
            return 0, 0
        for version in self.versions:
            if version.act in ("audit", "correct"):
                return version.number - 1, version.number
        return max(numbers[0] - 1, 1), numbers[0]

    @property
    def remarks(self) -> list[Remark]:
        """What the check of the text finds."""
        return check_text(self.exam, self.version.sections) if self.version else []

    @property
    def held_by(self) -> str:
        """Who else holds the editing lock, if somebody does."""
        from django.utils import timezone

        report = self.report
        if report is None or report.lock_user is None or report.lock_user == self.by.user:
            return ""
        until = report.lock_until
        return report.lock_user.name_zh if until and until > timezone.now() else ""

    def may(self, move: str) -> bool:
        """Whether the table and this person's rights allow a move now."""
        state = self.report.state if self.report else ""
        step = states.REPORT.get((state, move))
        return step is not None and self.by.may(step.permission) and not self.held_by

    @property
    def editable(self) -> bool:
        """Whether this person may change the text here."""
        return self.may("save") or self.may("audit")

    @property
    def moves(self) -> dict[str, bool]:
        """The moves by name, for the template."""
        return {move: self.may(move) for _state, move in states.REPORT}

    @property
    def images(self) -> list[KeyImage]:
        """The tray."""
        return list(key_images_of_exam(self.exam))

    @property
    def study_url(self) -> str:
        """Where the images are read."""
        study = self.exam.studies.order_by("id").first()
        return reverse("viewing:study", args=[study.study_instance_uid]) if study else ""

    @property
    def earlier(self) -> list[Exam]:
        """Earlier exams of the patient."""
        rows = Exam.objects.filter(patient=self.exam.patient).exclude(pk=self.exam.pk)
        return list(
            rows.exclude(visit_state="cancelled").select_related("item").order_by("-booked_for")[:8]
        )


def sheet_of(exam: Exam, by: Actor) -> Sheet:
    """The sheet of an exam; without a report an empty one."""
    rows = Report.objects.select_related(
        "author", "auditor", "current__author", "lock_user", "exam__patient"
    )
    return Sheet(exam, rows.filter(exam=exam).first(), by)


def templates_for(exam: Exam, by: Actor) -> list[ReportTemplate]:
    """Templates that fit: of this item first, then of the class, then general; own ones and the department's."""
    rows = ReportTemplate.objects.filter(active=True)
    fitting = [
        row
        for row in rows
        if (row.owner_id is None or (by.user and row.owner_id == by.user.pk))
        and row.item_id in (None, exam.item_id)
        and row.modality_class_id in (None, exam.modality_class_id)
    ]
    return sorted(
        fitting,
        key=lambda row: (row.item_id is None, row.modality_class_id is None, row.sort, row.pk),
    )
