"""How an examination looks on every page: its chip, its flags, its path with times, ages and event words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from hevesy.foundation.ui.chips import Chip
from hevesy.records.exams import states
from hevesy.records.exams.models import Exam, ExamStep, TimelineRow
from hevesy.records.patients.models import Patient


def chip(state: str) -> Chip:
    """The state chip of an examination or a step."""
    look = states.look(state)
    return Chip(look.colour, look.word, look.icon)


@dataclass(frozen=True, slots=True)
class Mark:
    """One character about a patient, with its colour and what it means."""

    char: str | Promise
    tone: str
    title: str | Promise


MARKS: Mapping[str, Mark] = {
    "emergency": Mark(pgettext_lazy("flag", "E"), "red", gettext_lazy("emergency")),
    "pregnancy": Mark(pgettext_lazy("flag", "P"), "red", gettext_lazy("pregnancy possible")),
    "child": Mark(pgettext_lazy("flag", "C"), "info", gettext_lazy("child")),
    "diabetes": Mark(pgettext_lazy("flag", "D"), "amber", gettext_lazy("diabetes or high glucose")),
    "allergy": Mark(pgettext_lazy("flag", "A"), "amber", gettext_lazy("allergy")),
    "deaf": Mark(pgettext_lazy("flag", "H"), "info", gettext_lazy("hearing impairment")),
}


def marks(flags: Iterable[str]) -> list[Mark]:
    """The marks of an examination's flags; unknown flags show their first letter."""
    return [MARKS.get(flag) or Mark(flag[:1].upper(), "info", flag) for flag in flags]


def age(birth_date: date | None, on: date | None = None) -> str:
    """The age as the department says it: years from three on, months below, days in the first two months."""
    if birth_date is None:
        return ""
    today = on or timezone.localdate()
    months = (today.year - birth_date.year) * 12 + today.month - birth_date.month
    months -= today.day < birth_date.day
    if months >= 36:
        return ngettext("%(n)d year", "%(n)d years", months // 12) % {"n": months // 12}
    if months >= 2:
        return ngettext("%(n)d month", "%(n)d months", months) % {"n": months}
    days = (today - birth_date).days
    return ngettext("%(n)d day", "%(n)d days", days) % {"n": days}


def sex_and_age(patient: Patient) -> str:
    """男 62 岁."""
    return f"{patient.get_sex_display()} {age(patient.birth_date)}".strip()


EVENT_WORDS: Mapping[str, str | Promise] = {
    "order": pgettext_lazy("event", "registered without a time"),
    "book": pgettext_lazy("event", "booked"),
    "reschedule": pgettext_lazy("event", "rescheduled"),
    "shift": pgettext_lazy("event", "time moved"),
    "arrive": pgettext_lazy("event", "arrived"),
    "unarrive": pgettext_lazy("event", "arrival taken back"),
    "miss": pgettext_lazy("event", "did not come"),
    "cancel": pgettext_lazy("event", "cancelled"),
    "restore": pgettext_lazy("event", "restored"),
    "interview": pgettext_lazy("event", "interviewed"),
    "correct": pgettext_lazy("event", "registration corrected"),
    "step.ready": pgettext_lazy("event", "made ready"),
    "step.administer": pgettext_lazy("event", "administered"),
    "step.start": pgettext_lazy("event", "acquisition started"),
    "step.finish": pgettext_lazy("event", "acquisition finished"),
    "step.discontinue": pgettext_lazy("event", "discontinued"),
    "step.back": pgettext_lazy("event", "taken back"),
    "step.reschedule": pgettext_lazy("event", "phase rescheduled"),
    "report.reporting": pgettext_lazy("event", "report begun"),
    "report.submitted": pgettext_lazy("event", "report submitted"),
    "report.audited": pgettext_lazy("event", "report audited"),
    "report.published": pgettext_lazy("event", "report published"),
    "report.none": pgettext_lazy("event", "report withdrawn"),
}


def event_word(event: str) -> str:
    """A timeline event in words; an unknown one as it is stored."""
    return str(EVENT_WORDS.get(event, event))


_PATH = (
    ("scheduled", ("book", "reschedule")),
    ("arrived", ("arrive",)),
    ("interviewed", ("interview",)),
    ("uptake", ("step.administer",)),
    ("scanning", ("step.start",)),
    ("acquired", ("step.finish",)),
    ("submitted", ("report.submitted",)),
    ("audited", ("report.audited",)),
    ("published", ("report.published",)),
)


def path(
    exam: Exam, steps: Sequence[ExamStep], timeline: Sequence[TimelineRow]
) -> list[dict[str, object]]:
    """The way of one examination for `<c-ui.path>`: what is done (with its time), now, to come, not asked for."""
    order = list(states.STATES)
    now = order.index(exam.state)
    last: dict[str, TimelineRow] = {}
    for happened in timeline:
        last[happened.event] = happened
    gives = any(step.administers for step in steps)
    scans = any(step.phase is None or step.phase.acquires for step in steps)
    skipped = set()
    if not exam.item.requires_interview and "interview" not in last:
        skipped.add("interviewed")
    if not gives:
        skipped.add("uptake")
    if not scans:
        skipped |= {"scanning", "acquired"}
    ended = exam.state in ("cancelled", "no_show", "discontinued")
    items: list[dict[str, object]] = []
    for state, events in _PATH:
        look = states.look(state)
        row = next((last[event] for event in events if event in last), None)
        at = order.index(state)
        if state in skipped:
            status = "skipped"
        elif state == exam.state:
            status = "now"
        elif (at < now and not ended) or (ended and row is not None):
            status = "done"
        else:
            status = "next"
        note = _note(row) if row is not None and status in ("done", "now") else ""
        items.append(
            {
                "key": look.colour,
                "icon": look.icon,
                "word": look.word,
                "status": status,
                "note": note,
            }
        )
    if ended:
        look = states.look(exam.state)
        items.append(
            {"key": look.colour, "icon": look.icon, "word": look.word, "status": "now", "note": ""}
        )
    return items


def _note(row: TimelineRow) -> str:
    local = timezone.localtime(row.at)
    if local.date() == timezone.localdate():
        return f"{local:%H:%M}"
    return _("%(month)d/%(day)d %(time)s") % {
        "month": local.month,
        "day": local.day,
        "time": f"{local:%H:%M}",
    }
