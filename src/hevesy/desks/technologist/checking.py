"""What was scanned so far, in a form that the browser carries but cannot change; and the three tiles (clause 4.2)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from django.core import signing
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from hevesy.desks.technologist.sites import route_word
from hevesy.foundation.accounts.actors import Actor, Refused
from hevesy.records.catalogue.models import Tracer
from hevesy.records.doses.checks import Level, clock, identity, planned_mbq
from hevesy.records.doses.models import DispensedUnit
from hevesy.records.exams.models import ExamStep
from hevesy.records.exams.presenting import sex_and_age

SALT = "technologist.check"
VALID_S = 3600
"""A check older than this is made again: the patient may have left the chair."""


class CheckRefused(Refused):
    """The check cannot go on; the sentence says what to do."""

    status = 409


@dataclass(frozen=True, slots=True)
class Check:
    """Which step and unit, and when and how patient and syringe were identified (`scan`, `manual`, or not yet)."""

    user: int
    step: int | None = None
    unit: int | None = None
    patient_at: str = ""
    patient_by: str = ""
    unit_at: str = ""
    unit_by: str = ""
    reason: str = ""
    """Why something was typed instead of scanned."""

    @property
    def complete(self) -> bool:
        """Whether patient and syringe are both identified."""
        return bool(self.step and self.unit and self.patient_by and self.unit_by)

    @property
    def identified_by(self) -> str:
        """`scan` only if both were scanned."""
        return "scan" if self.patient_by == self.unit_by == "scan" else "manual"

    def signed(self) -> str:
        """The check as a form field."""
        return signing.dumps(asdict(self), salt=SALT, compress=True)

    def with_patient(self, step: ExamStep, how: str, reason: str = "") -> Check:
        """The patient of this step was identified just now."""
        return replace(
            self, step=step.pk, patient_at=_now(), patient_by=how, reason=reason or self.reason
        )

    def with_unit(self, unit: DispensedUnit, how: str, reason: str = "") -> Check:
        """The syringe was identified just now; it brings its step if none is chosen."""
        return replace(
            self,
            unit=unit.pk,
            step=self.step or unit.step_id,
            unit_at=_now(),
            unit_by=how,
            reason=reason or self.reason,
        )

    def without_unit(self) -> Check:
        """The wrong syringe is put down."""
        return replace(self, unit=None, unit_at="", unit_by="")


def read(text: str, by: Actor) -> Check:
    """The check that a form brings back. One that was changed, is too old or belongs to somebody else starts anew."""
    user = by.user.pk if by.user else 0
    if not text:
        return Check(user)
    try:
        check = Check(**signing.loads(text, salt=SALT, max_age=VALID_S))
    except (signing.BadSignature, TypeError):
        raise CheckRefused(_("This check is too old. Scan patient and syringe again.")) from None
    if check.user != user:
        raise CheckRefused(_("Somebody else began this check. Scan patient and syringe again."))
    return check


def _now() -> str:
    return timezone.now().isoformat()


def _when(at: str, how: str) -> str:
    word = pgettext("check", "scanned") if how == "scan" else pgettext("check", "by hand")
    return f"{timezone.localtime(datetime.fromisoformat(at)):%H:%M:%S} {word}" if at else ""


def tracer_mark(tracer: Tracer | None) -> str:
    """18F-FDG, for the filter that raises the mass number."""
    return f"{tracer.mass_number}{tracer.element}{tracer.label}" if tracer else "—"


def tiles(check: Check, step: ExamStep | None, unit: DispensedUnit | None) -> list[dict[str, Any]]:
    """Patient, syringe, order as `<c-ui.verify>` shows them."""
    bad: set[str] = set()
    if step and unit and check.patient_by and check.unit_by:
        bad = {f.code for f in identity(step, unit) if f.level is Level.STOP}
    return [_patient_tile(check, step), _unit_tile(check, unit, bad), _order_tile(step)]


def _patient_tile(check: Check, step: ExamStep | None) -> dict[str, Any]:
    tile: dict[str, Any] = {
        "head": pgettext("check", "Patient"),
        "icon": "user",
        "state": "wait",
        "when": "",
    }
    if step is None or not check.patient_by:
        return {**tile, "big": _("Scan the patient's code"), "facts": []}
    exam = step.exam
    return {
        **tile,
        "state": "ok",
        "when": _when(check.patient_at, check.patient_by),
        "big": exam.patient.name_zh,
        "facts": [
            (pgettext("check", "Sex and age"), sex_and_age(exam.patient)),
            (pgettext("check", "Number"), exam.number),
            (
                pgettext("check", "Born"),
                f"{exam.patient.birth_date:%Y-%m-%d}" if exam.patient.birth_date else "—",
            ),
        ],
    }


def _unit_tile(check: Check, unit: DispensedUnit | None, bad: set[str]) -> dict[str, Any]:
    tile: dict[str, Any] = {
        "head": pgettext("check", "Syringe"),
        "icon": "vaccine",
        "state": "wait",
        "when": "",
    }
    if unit is None or not check.unit_by:
        return {**tile, "big": _("Scan the syringe"), "facts": []}
    owner = unit.step.exam if unit.step else None
    facts = [
        (pgettext("check", "Unit"), unit.number),
        (pgettext("check", "Batch"), unit.batch.number),
        (pgettext("check", "Expires"), clock(unit.batch.expires_at)),
    ]
    if bad:
        facts.insert(
            0,
            (
                pgettext("check", "Meant for"),
                owner.number if owner else pgettext("check", "nobody"),
            ),
        )
        mark = tracer_mark(unit.batch.tracer)
        return {
            **tile,
            "state": "bad",
            "when": pgettext("check", "mismatch"),
            "big": f"{owner.patient.name_zh} {mark}" if owner else mark,
            "facts": facts,
        }
    return {
        **tile,
        "state": "ok",
        "when": _when(check.unit_at, check.unit_by),
        "big": tracer_mark(unit.batch.tracer),
        "facts": facts,
    }


def _order_tile(step: ExamStep | None) -> dict[str, Any]:
    tile: dict[str, Any] = {
        "head": pgettext("check", "Order"),
        "icon": "file-text",
        "state": "wait",
        "when": "",
    }
    if step is None:
        return {**tile, "big": "—", "facts": []}
    planned = planned_mbq(step)
    activity = f"{planned:.0f} MBq" if planned else pgettext("check", "no activity")
    return {
        **tile,
        "state": "ok",
        "when": pgettext("check", "automatic"),
        "big": f"{tracer_mark(step.tracer)} {activity}",
        "facts": [
            (pgettext("check", "Examination"), step.exam.item.name),
            (pgettext("check", "Route"), route_word(step.tracer.route) if step.tracer else "—"),
            (pgettext("check", "Requested by"), step.exam.requesting_department or "—"),
        ],
    }


def load_step(pk: int | None) -> ExamStep | None:
    """The step with what the tiles and checks read."""
    if not pk:
        return None
    return (
        ExamStep.objects.select_related("exam__patient", "exam__item", "tracer", "phase", "device")
        .filter(pk=pk)
        .first()
    )


def load_unit(pk: int | None) -> DispensedUnit | None:
    """The unit with what the tiles and checks read."""
    if not pk:
        return None
    return (
        DispensedUnit.objects.select_related("batch__tracer__nuclide", "step__exam__patient")
        .prefetch_related("assays__device")
        .filter(pk=pk)
        .first()
    )
