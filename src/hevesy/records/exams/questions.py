"""Interview answers against their questions: types, ranges, options, what is required (clause 5.2).

A question is `{key, label_zh, label_en, type, unit, required, min, max, options, only_sex, flag, flag_when,
flag_above}`; types: section, text, note, number, choice, choices, bool, date, time. Pure functions.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

Question = Mapping[str, Any]
TYPES = ("section", "text", "note", "number", "choice", "choices", "bool", "date", "time")
MAX_TEXT = 2000


class AnswerFault(ValueError):
    """One answer does not fit its question; the text is for the person who asks."""


def label(question: Question) -> str:
    """The question in the language of the request."""
    english = (get_language() or "").startswith("en")
    return str(question["label_en"] if english else question["label_zh"])


def applies(question: Question, sex: str) -> bool:
    """Whether the question is asked of a patient of this sex."""
    return bool(question["type"] != "section" and question.get("only_sex", sex) == sex)


def check_answers(
    questions: Sequence[Question], answers: Mapping[str, Any], *, sex: str
) -> tuple[dict[str, Any], dict[str, str]]:
    """Clean answers by key, and faults by key. Unknown keys are ignored, empty answers left out."""
    clean: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for question in questions:
        if not applies(question, sex):
            continue
        key = question["key"]
        try:
            answer = check_answer(question, answers.get(key))
        except AnswerFault as fault:
            faults[key] = str(fault)
            continue
        if answer is not None:
            clean[key] = answer
        elif question.get("required"):
            faults[key] = _("Please answer this question.")
    return clean, faults


def check_answer(question: Question, answer: Any) -> Any:
    """One answer as JSON, None when it is empty; raises `AnswerFault`."""
    if answer is None or answer == "" or answer == []:
        return None
    return _CHECKS[question["type"]](question, answer)


def _text(question: Question, answer: Any) -> str | None:
    text = re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "", str(answer)).strip()
    if len(text) > MAX_TEXT:
        raise AnswerFault(_("At most %(count)d characters.") % {"count": MAX_TEXT})
    return text or None


def _number(question: Question, answer: Any) -> float:
    try:
        number = float(str(answer).replace("，", ".").replace(",", ".").strip())
    except ValueError:
        raise AnswerFault(_("Please enter a number.")) from None
    if not math.isfinite(number):
        raise AnswerFault(_("Please enter a number."))
    least, most = question.get("min"), question.get("max")
    if (least is not None and number < least) or (most is not None and number > most):
        raise AnswerFault(
            _("Expected %(least)s to %(most)s %(unit)s; %(number)g was entered.")
            % {
                "least": "…" if least is None else f"{least:g}",
                "most": "…" if most is None else f"{most:g}",
                "unit": question.get("unit", ""),
                "number": number,
            }
        )
    return number


def _options(question: Question) -> set[str]:
    return {str(option["value"]) for option in question.get("options", ())}


def _choice(question: Question, answer: Any) -> str:
    if str(answer) not in _options(question):
        raise AnswerFault(_("Please choose one of the answers offered."))
    return str(answer)


def _choices(question: Question, answer: Any) -> list[str]:
    chosen = [str(part) for part in (answer if isinstance(answer, list | tuple) else [answer])]
    if not set(chosen) <= _options(question):
        raise AnswerFault(_("Please choose among the answers offered."))
    return [value for value in (str(o["value"]) for o in question["options"]) if value in chosen]


def _bool(question: Question, answer: Any) -> bool:
    text = str(answer).lower()
    if text in ("true", "yes", "1", "on"):
        return True
    if text in ("false", "no", "0", "off"):
        return False
    raise AnswerFault(_("Please answer yes or no."))


def _date(question: Question, answer: Any) -> str:
    try:
        return date.fromisoformat(str(answer)).isoformat()
    except ValueError:
        raise AnswerFault(_("Please enter a date such as 2026-11-24.")) from None


def _time(question: Question, answer: Any) -> str:
    text = str(answer)
    try:
        moment = datetime.fromisoformat(text) if "T" in text else time.fromisoformat(text)
    except ValueError:
        raise AnswerFault(_("Please enter a time such as 08:30.")) from None
    return moment.isoformat(timespec="minutes")


_CHECKS = {
    "text": _text,
    "note": _text,
    "number": _number,
    "choice": _choice,
    "choices": _choices,
    "bool": _bool,
    "date": _date,
    "time": _time,
}


def raised_flags(
    questions: Sequence[Question], answers: Mapping[str, Any]
) -> tuple[set[str], set[str]]:
    """Flags that the answers raise, and flags they deny (asked, and answered otherwise)."""
    raised: set[str] = set()
    asked: set[str] = set()
    for question in questions:
        flag = question.get("flag")
        if not flag or question["key"] not in answers:
            continue
        asked.add(flag)
        answer = answers[question["key"]]
        above, when = question.get("flag_above"), question.get("flag_when")
        if above is not None:
            hit = float(answer) > above
        elif when is not None:
            given = answer if isinstance(answer, list) else [answer]
            hit = any(part in when for part in given)
        else:
            hit = bool(answer)
        if hit:
            raised.add(flag)
    return raised, asked - raised
