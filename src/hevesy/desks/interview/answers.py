"""Questions as fields of a page, and answers as words: now, before, and what changed between (clauses 5.2, 5.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from hevesy.records.exams.models import Exam, Interview
from hevesy.records.exams.questions import Question, applies, label


@dataclass(slots=True)
class Field:
    """One question on the page."""

    question: Question
    value: Any
    error: str = ""
    before: str = ""
    """What was answered at an earlier examination, in words."""

    @property
    def key(self) -> str:
        """Name of the input."""
        return str(self.question["key"])

    @property
    def type(self) -> str:
        """Type of the question."""
        return str(self.question["type"])

    @property
    def label(self) -> str:
        """The question in the language of the request."""
        return label(self.question)

    @property
    def unit(self) -> str:
        """Unit of a number."""
        return str(self.question.get("unit", ""))

    @property
    def required(self) -> bool:
        """Whether it must be answered."""
        return bool(self.question.get("required"))

    @property
    def text(self) -> str:
        """The value for a text input: 67.5 without a needless .0."""
        if isinstance(self.value, float):
            return f"{self.value:g}"
        return "" if self.value is None else str(self.value)

    @property
    def options(self) -> list[tuple[str, str, bool]]:
        """Value, words, chosen: of a choice, of several, or of yes and no."""
        if self.type == "bool":
            chosen = "" if self.value in (None, "") else str(self.value).lower()
            found = [("true", pgettext("answer", "yes")), ("false", pgettext("answer", "no"))]
            return [(value, words, value == chosen) for value, words in found]
        given = self.value if isinstance(self.value, list) else [self.value]
        wanted = {str(part) for part in given if part is not None}
        return [
            (str(option["value"]), label(option), str(option["value"]) in wanted)
            for option in self.question.get("options", ())
        ]

    @property
    def wide(self) -> bool:
        """Whether it takes the whole row."""
        many = len(self.question.get("options", ())) > 4
        return self.type == "choices" or (self.type == "choice" and many)

    @property
    def hint(self) -> str:
        """What was answered last time."""
        return _("last time: %(answer)s") % {"answer": self.before} if self.before else ""


@dataclass(slots=True)
class Section:
    """A heading with its questions."""

    title: str
    fields: list[Field] = field(default_factory=list)

    @property
    def faulty(self) -> bool:
        """Whether one of its answers needs another look."""
        return any(field.error for field in self.fields)


def sections(
    questions: Sequence[Question],
    values: Mapping[str, Any],
    *,
    sex: str,
    faults: Mapping[str, str] | None = None,
    before: Mapping[str, Any] | None = None,
) -> list[Section]:
    """The template's questions that are asked of this patient, by section; empty sections are left out."""
    faults, before = faults or {}, before or {}
    found = [Section("")]
    for question in questions:
        if question["type"] == "section":
            found.append(Section(label(question)))
        elif applies(question, sex):
            key = question["key"]
            earlier = words(question, before[key]) if key in before else ""
            found[-1].fields.append(Field(question, values.get(key), faults.get(key, ""), earlier))
    return [section for section in found if section.fields]


def from_form(questions: Sequence[Question], data: QueryDict) -> dict[str, Any]:
    """What was typed, by key; several choices as a list. Checking is the action's work."""
    typed: dict[str, Any] = {}
    for question in questions:
        if question["type"] == "section":
            continue
        key = question["key"]
        typed[key] = data.getlist(key) if question["type"] == "choices" else data.get(key)
    return typed


def words(question: Question, answer: Any) -> str:
    """An answer as people read it."""
    if answer in (None, "", []):
        return "—"
    kind = question["type"]
    if kind == "bool":
        return pgettext("answer", "yes") if answer else pgettext("answer", "no")
    if kind in ("choice", "choices"):
        names = {str(option["value"]): label(option) for option in question.get("options", ())}
        given = answer if isinstance(answer, list) else [answer]
        return "、".join(names.get(str(part), str(part)) for part in given)
    if kind == "number":
        return f"{float(answer):g} {question.get('unit', '')}".strip()
    return str(answer)


@dataclass(frozen=True, slots=True)
class Line:
    """One answered question; `before` is set where it differs from the interview before."""

    label: str
    value: str
    before: str = ""
    changed: bool = False
    important: bool = False


def lines(interview: Interview, earlier: Interview | None = None) -> list[Line]:
    """The answers of an interview in the order in which they were asked, with what changed."""
    old = earlier.answers if earlier else None
    found = []
    for question in interview.questions:
        if question["type"] == "section":
            continue
        key = question["key"]
        answer = interview.answers.get(key)
        was = old.get(key) if old is not None else answer
        changed = old is not None and was != answer
        if answer in (None, "", []) and not changed:
            continue
        flag = bool(question.get("flag")) and answer not in (None, False, "", "none", [])
        found.append(
            Line(
                label(question),
                words(question, answer),
                words(question, was) if changed else "",
                changed,
                flag,
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Told:
    """One interview as a page shows it (clause 5.3): who, when, what."""

    interview: Interview
    number: int
    lines: list[Line]

    @property
    def changes(self) -> int:
        """How many answers differ from the interview before."""
        return sum(line.changed for line in self.lines)


def history(exam: Exam) -> list[Told]:
    """Every interview of the exam, newest first, each with its differences to the one before."""
    interviews = list(exam.interviews.select_related("interviewer").order_by("id"))
    told = [
        Told(interview, index + 1, lines(interview, interviews[index - 1] if index else None))
        for index, interview in enumerate(interviews)
    ]
    return told[::-1]


def last_of_patient(exam: Exam) -> Interview | None:
    """The patient's last interview at an earlier examination: what to compare with."""
    return (
        Interview.objects.filter(exam__patient=exam.patient_id)
        .exclude(exam=exam)
        .select_related("exam__item", "interviewer")
        .order_by("-at", "-id")
        .first()
    )
