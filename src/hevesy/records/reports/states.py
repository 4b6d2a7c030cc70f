"""The life of a report as a table (clauses 6.2, 6.3, 6.25). The diagram in docs is drawn from it.

There is no step that deletes a report, and none that edits an audited one: `correct` opens a new version.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from hevesy.foundation.accounts.actors import Refused


@dataclass(frozen=True)
class Step:
    """What a move leads to and who may make it."""

    to: str
    permission: str


DRAFT, SUBMITTED, AUDITED, PUBLISHED = "reporting", "submitted", "audited", "published"

WORDS: dict[str, str | Promise] = {
    "": pgettext_lazy("report state", "not written"),
    DRAFT: pgettext_lazy("report state", "being written"),
    SUBMITTED: pgettext_lazy("report state", "waiting for audit"),
    AUDITED: pgettext_lazy("report state", "audited"),
    PUBLISHED: pgettext_lazy("report state", "published"),
}

REPORT: dict[tuple[str, str], Step] = {
    ("", "start"): Step(DRAFT, "reports.write"),
    (DRAFT, "save"): Step(DRAFT, "reports.write"),
    (DRAFT, "submit"): Step(SUBMITTED, "reports.submit"),
    (SUBMITTED, "withdraw_submission"): Step(DRAFT, "reports.write"),
    (SUBMITTED, "return"): Step(DRAFT, "reports.audit"),
    (SUBMITTED, "audit"): Step(AUDITED, "reports.audit"),
    (AUDITED, "publish"): Step(PUBLISHED, "publishing.publish"),
    (PUBLISHED, "withdraw"): Step(AUDITED, "publishing.publish"),
    (AUDITED, "correct"): Step(AUDITED, "reports.correct"),
    (PUBLISHED, "correct"): Step(PUBLISHED, "reports.correct"),
}

TABLES = {"report": REPORT}


class ReportRefused(Refused):
    """The report cannot make this move now; nothing was written."""


ADVICE: dict[str, str | Promise] = {
    "": _("Start the report first."),
    DRAFT: _("It must be submitted first."),
    SUBMITTED: _("It waits for audit; withdraw the submission or return it to change it."),
    AUDITED: _("It is audited: changes need a correction with a reason."),
    PUBLISHED: _("It is published: changes need a correction with a reason."),
}


def next_step(state: str, move: str) -> Step:
    """The table's answer for `move` in `state`; `ReportRefused` names the state and what to do instead."""
    step = REPORT.get((state, move))
    if step is None:
        raise ReportRefused(
            _("The report is %(state)s. %(advice)s")
            % {"state": WORDS[state], "advice": ADVICE[state]}
        )
    return step
