"""The questions of an interview as a form: sections, fields, and what was answered before (clauses 5.2, 5.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from django.http import QueryDict
from django.utils.translation import get_language

from hevesy.records.exams.models import Exam, Interview
from hevesy.records.exams.questions import Question, applies, label


@dataclass
class Field:
    """One question with the answer so far, the fault found in it, and the answer of the last interview."""

    question: Question
    value: Any = ""
    fault: str = ""
    before: str = ""

    @property
    def key(self) -> str:
        """The answer's key, and the field's name."""
        return str(self.question["key"])

    @property
    def label(self) -> str:
        """The question in the language of the page."""
        return label(self.question)

    @property
    def kind(self) -> str:
        """Its type: text, note, number, choice, choices, bool, date, time."""
        return str(self.question["type"])

    @property
    def unit(self) -> str:
        """The unit that stands in the field."""
        return str(self.question.get("unit", ""))

    @property
    def required(self) -> bool:
        """Whether it must be answered."""
        return bool(self.question.get("required"))

    @property
    def options(self) -> list[tuple[str, str, bool]]:
        """Value, word, chosen."""
        english = (get_language() or "").startswith("en")
        chosen = self.value if isinstance(self.value, list) else [str(self.value)]
        return [
            (
                option["value"],
                option["label_en" if english else "label_zh"],
                option["value"] in chosen,
            )
            for option in self.question.get("options", ())
        ]


@dataclass
class Section:
    """A heading with its questions."""

    title: str
    fields: list[Field] = field(default_factory=list)


def sections(
    questions: list[Question],
    exam: Exam,
    answers: Mapping[str, Any],
    faults: Mapping[str, str],
    before: Interview | None,
) -> list[Section]:
    """The form: only what is asked of this patient; sections without questions are left out."""
    found = [Section("")]
    earlier = before.answers if before else {}
    for question in questions:
        if question["type"] == "section":
            if question.get("only_sex", exam.patient.sex) == exam.patient.sex:
                found.append(Section(label(question)))
        elif applies(question, exam.patient.sex):
            key = question["key"]
            value = answers.get(key, "")
            row = Field(question, value, faults.get(key, ""), shown(question, earlier.get(key)))
            found[-1].fields.append(row)
    return [section for section in found if section.fields]


def shown(question: Question, answer: Any) -> str:
    """An answer as people read it."""
    if answer in (None, "", []):
        return ""
    english = (get_language() or "").startswith("en")
    words = {
        option["value"]: option["label_en" if english else "label_zh"]
        for option in question.get("options", ())
    }
    if isinstance(answer, bool):
        return ("yes" if answer else "no") if english else ("是" if answer else "否")
    if isinstance(answer, list):
        return "、".join(words.get(value, str(value)) for value in answer)
    unit = question.get("unit")
    text = words.get(str(answer), f"{answer:g}" if isinstance(answer, float) else str(answer))
    return f"{text} {unit}" if unit else text


def read_answers(questions: list[Question], post: QueryDict) -> dict[str, Any]:
    """What was sent, by key; only keys that are asked."""
    answers: dict[str, Any] = {}
    for question in questions:
        if question["type"] == "section":
            continue
        key = question["key"]
        if question["type"] == "choices":
            answers[key] = post.getlist(key)
        elif question["type"] == "bool":
            answers[key] = {"1": True, "0": False}.get(post.get(key, ""), "")
        else:
            answers[key] = post.get(key, "")
    return answers


def told(interview: Interview) -> list[tuple[str, str]]:
    """Every answer of an interview in words, in the order of its questions."""
    return [
        (label(question), shown(question, interview.answers.get(question["key"])))
        for question in interview.questions
        if question["type"] != "section"
        and interview.answers.get(question["key"]) not in (None, "", [])
    ]


def differences(interviews: list[Interview]) -> dict[int, set[str]]:
    """For each interview but the first: the questions whose answer is another one than before."""
    changed: dict[int, set[str]] = {}
    for older, newer in pairwise(interviews):
        changed[newer.pk] = {
            label(question)
            for question in newer.questions
            if question["type"] != "section"
            and newer.answers.get(question["key"]) != older.answers.get(question["key"])
        }
    return changed
