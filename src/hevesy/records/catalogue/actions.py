"""Editing the catalogue: one writer for every kind of entry, audited field by field (clauses 2.1, 10.13-10.15)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, TypeVar

from django.db import models, transaction
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor, Refused
from hevesy.foundation.audit.actions import record
from hevesy.records.catalogue.models import (
    BodyPart,
    ColourMap,
    ExamItem,
    InterviewTemplate,
    ItemPhase,
    ModalityClass,
    Named,
    Policy,
    ReportTemplate,
    Room,
    Tracer,
)
from hevesy.records.catalogue.numbering import check_template, shape

Entry = TypeVar("Entry", bound=Named)

NAMED = ("code", "name_zh", "name_en", "sort", "active")
FIELDS: dict[type[Named], tuple[str, ...]] = {
    ModalityClass: (
        *NAMED,
        "number_template",
        "number_reset",
        "dicom_modalities",
        "report_kind",
    ),
    Tracer: (
        *NAMED,
        "nuclide",
        "short",
        "plain",
        "mass_number",
        "element",
        "label",
        "route",
        "effective_dose_msv_per_mbq",
        "effective_dose_source",
    ),
    BodyPart: (*NAMED, "parent", "snomed", "dicom_body_part"),
    Room: (*NAMED, "kind", "floor", "capacity"),
    InterviewTemplate: (*NAMED, "questions"),
    ReportTemplate: (*NAMED, "item", "modality_class", "sections"),
    ExamItem: (
        *NAMED,
        "modality_class",
        "body_parts",
        "interview_template",
        "scan_min",
        "requires_interview",
        "preparation_zh",
        "preparation_en",
        "source",
    ),
    ColourMap: ("sort", "active"),
}
"""What may be set through a page, by kind and in the page's order; everything else stays as it is."""

PHASE_FIELDS = (
    "name_zh",
    "name_en",
    "tracer",
    "administers",
    "acquires",
    "scan_min",
    "activity_mbq",
    "activity_mbq_per_kg",
    "activity_min_mbq",
    "activity_max_mbq",
    "uptake_min",
    "uptake_earliest_min",
    "uptake_latest_min",
)


class CatalogueRefused(Refused):
    """The entry was not written; the message says why."""


@transaction.atomic
def save_entry(
    by: Actor, kind: type[Entry], entry: Entry | None, values: Mapping[str, Any]
) -> Entry:
    """Add (`entry` None) or change an entry; only the fields of `FIELDS` are looked at.

    Raises `CatalogueRefused` for a code that is taken, a template that cannot number, a parent that is a descendant.
    """
    by.require("catalogue.edit")
    row = kind() if entry is None else kind._default_manager.select_for_update().get(pk=entry.pk)
    wanted = {name: values[name] for name in FIELDS[kind] if name in values}
    many = {
        name: list(wanted.pop(name))
        for name in list(wanted)
        if isinstance(kind._meta.get_field(name), models.ManyToManyField)
    }
    changed = sorted(name for name, value in wanted.items() if getattr(row, name, None) != value)
    for name in changed:
        setattr(row, name, wanted[name])
    _check_code(row)
    if (check := _CHECKS.get(kind)) is not None:
        check(row)
    for name, chosen in many.items():
        if entry is None or set(getattr(row, name).all()) != set(chosen):
            changed.append(name)
    if entry is not None and not changed:
        return row
    if entry is not None and hasattr(row, "version"):
        row.version += 1
    row.save()
    for name, chosen in many.items():
        getattr(row, name).set(chosen)
    verb = "catalogue.add" if entry is None else "catalogue.change"
    record(by, verb, row, code=row.code, changed=changed)
    if (after := _AFTER.get(kind)) is not None:
        after(row)
    return row


def editable(
    kind: type[Entry],
    fields: tuple[str, ...],
    *,
    check: Callable[[Entry], None] | None = None,
    after: Callable[[Entry], None] | None = None,
) -> None:
    """Let `save_entry` write a kind of another app: `check` may refuse, `after` tells open pages."""
    FIELDS[kind] = fields
    if check:
        _CHECKS[kind] = check
    if after:
        _AFTER[kind] = after


@transaction.atomic
def save_item(
    by: Actor,
    item: ExamItem | None,
    values: Mapping[str, Any],
    phases: Sequence[Mapping[str, Any]],
) -> ExamItem:
    """Add or change an examination with its phases, in their order.

    A phase that examinations were booked with is changed for the future but not taken away: their record keeps it.
    """
    row = save_entry(by, ExamItem, item, values)
    if not phases:
        raise CatalogueRefused(_("An examination has at least one phase."))
    old = list(row.phases.select_for_update())
    changed = False
    for number, wanted in enumerate(phases, 1):
        _check_phase(number, wanted)
        phase = old[number - 1] if number <= len(old) else ItemPhase(item=row, number=number)
        differing = [
            name for name in PHASE_FIELDS if name in wanted and getattr(phase, name) != wanted[name]
        ]
        if differing or phase.pk is None:
            for name in differing:
                setattr(phase, name, wanted[name])
            phase.save()
            changed = True
    for phase in old[len(phases) :]:
        try:
            with transaction.atomic():
                phase.delete()
        except models.ProtectedError:
            raise CatalogueRefused(
                _(
                    "Phase %(number)d was booked with already and cannot be taken away. "
                    "Copy the examination and retire this one."
                )
                % {"number": phase.number}
            ) from None
        changed = True
    if changed:
        row.version += 1
        row.save(update_fields=["version"])
        record(by, "catalogue.change", row, code=row.code, changed=["phases"])
    return row


@transaction.atomic
def set_policy(
    by: Actor,
    policy: Policy,
    value: Any,
    *,
    source: str = "",
    approved_by: str = "",
    effective_from: date | None = None,
) -> Policy:
    """Decide a policy anew. The kind of value stays: a number stays a number, a list a list."""
    by.require("catalogue.edit")
    row = Policy.objects.select_for_update().get(pk=policy.pk)
    if not _same_kind(row.value, value):
        raise CatalogueRefused(
            _("%(label)s needs a value of the same kind as before.") % {"label": row.label_zh}
        )
    if isinstance(value, int | float) and not isinstance(value, bool) and value < 0:
        raise CatalogueRefused(_("%(label)s cannot be negative.") % {"label": row.label_zh})
    before = row.value
    row.value = value
    row.source = source.strip()[:200]
    row.approved_by = approved_by.strip()[:60] or str(by)[:60]
    row.effective_from = effective_from
    row.save()
    record(by, "policy.change", row, key=row.key, before=before, after=value)
    return row


def _same_kind(old: Any, new: Any) -> bool:
    if isinstance(old, bool) or isinstance(new, bool):
        return isinstance(old, bool) and isinstance(new, bool)
    if isinstance(old, int | float):
        return isinstance(new, int | float)
    return type(old) is type(new)


def _check_code(row: Named) -> None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,39}", row.code or ""):
        raise CatalogueRefused(
            _(
                "A code has letters, digits, points and hyphens only, and begins with one of the first."
            )
        )
    if type(row)._default_manager.filter(code=row.code).exclude(pk=row.pk or 0).exists():
        raise CatalogueRefused(
            _("The code %(code)s is taken. Please choose another.") % {"code": row.code}
        )
    if not row.name_zh.strip() or not row.name_en.strip():
        raise CatalogueRefused(_("Please enter the name in Chinese and English."))


def _check_class(row: ModalityClass) -> None:
    check_template(row.number_template, row.number_reset)
    for other in ModalityClass.objects.exclude(pk=row.pk or 0):
        if shape(other.number_template) == shape(row.number_template):
            raise CatalogueRefused(
                _("%(name)s numbers in the same way, so numbers would collide. Change the letters.")
                % {"name": other.name}
            )
    for modality in row.dicom_modalities:
        if not re.fullmatch(r"[A-Z0-9_]{2,16}", modality):
            raise CatalogueRefused(
                _("%(modality)s is no DICOM modality such as NM, PT or CT.")
                % {"modality": modality}
            )


def _check_part(row: BodyPart) -> None:
    above, steps = row.parent, 0
    while above is not None and steps < 50:
        if above.pk == row.pk:
            raise CatalogueRefused(_("A part cannot lie below itself."))
        above, steps = above.parent, steps + 1


def _check_template(row: InterviewTemplate) -> None:
    if len(json.dumps(row.questions, ensure_ascii=False)) > 200_000:
        raise CatalogueRefused(_("This template is too long."))
    keys = [q.get("key") for q in row.questions if q.get("type") != "section"]
    if len(keys) != len(set(keys)) or not all(keys):
        raise CatalogueRefused(_("Every question needs a key of its own."))


def _check_phase(number: int, wanted: Mapping[str, Any]) -> None:
    earliest, target, latest = (
        wanted.get(name) for name in ("uptake_earliest_min", "uptake_min", "uptake_latest_min")
    )
    times = [value for value in (earliest, target, latest) if value is not None]
    if times != sorted(times):
        raise CatalogueRefused(
            _("Phase %(number)d: the uptake's earliest, target and latest time must rise.")
            % {"number": number}
        )
    least, most = wanted.get("activity_min_mbq"), wanted.get("activity_max_mbq")
    if least is not None and most is not None and least > most:
        raise CatalogueRefused(
            _("Phase %(number)d: the least activity is above the most.") % {"number": number}
        )
    if wanted.get("administers") and wanted.get("tracer") is None:
        raise CatalogueRefused(
            _("Phase %(number)d administers, so it needs a tracer.") % {"number": number}
        )


_CHECKS: dict[type[Named], Callable[[Any], None]] = {
    ModalityClass: _check_class,
    BodyPart: _check_part,
    InterviewTemplate: _check_template,
}
_AFTER: dict[type[Named], Callable[[Any], None]] = {}
