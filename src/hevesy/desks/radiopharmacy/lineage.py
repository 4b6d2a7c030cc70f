"""The descent of a batch as a drawing: materials → batch → units → patients (clause 9.4)."""

from __future__ import annotations

from collections.abc import Sequence

from django.urls import reverse
from django.utils.translation import gettext as _

from hevesy.foundation.ui.drawings import Tree, TreeNode
from hevesy.records.doses import states
from hevesy.records.doses.models import Administration, Batch, Lot

_LOT_KIND = {Lot.Kind.CYCLOTRON_RUN: "rad", Lot.Kind.ELUTION: "rad", Lot.Kind.PURCHASED: "rad"}
_UNIT_KIND = {states.ADMINISTERED: "ok", states.DISPENSED: "now", states.RECEIVED: "now"}
COLUMNS = 3


def tree(batch: Batch, given: Sequence[Administration]) -> Tree:
    """Lots above the batch, the latest units below it, and whoever got them."""
    recalled = batch.state == states.RECALLED
    lots = [
        TreeNode(
            f"l{lot.pk}", lot.code, lot.get_kind_display(), _LOT_KIND.get(Lot.Kind(lot.kind), "")
        )
        for lot in batch.lots.all()
    ]
    units = list(batch.units.all())[-COLUMNS:]
    kind = "recalled" if recalled else "focus"
    middle = [TreeNode("b", batch.number, batch.state_label, kind)]
    below = [
        TreeNode(
            f"u{unit.pk}",
            unit.number,
            unit.state_label,
            "recalled" if recalled else _UNIT_KIND.get(unit.state, ""),
            reverse("radiopharmacy:unit", args=[unit.number]),
        )
        for unit in units
    ]
    by_unit = {row.unit_id: row for row in given}
    people = []
    edges = [(node.id, "b") for node in lots] + [("b", node.id) for node in below]
    for unit in units:
        row = by_unit.get(unit.pk)
        if row is not None:
            exam = row.step.exam
            people.append(
                TreeNode(
                    f"p{row.pk}", exam.patient.name_zh, exam.number, "recalled" if recalled else ""
                )
            )
            edges.append((f"u{unit.pk}", f"p{row.pk}"))
    levels = [level for level in (lots, middle, below, people) if level]
    more = {}
    if below and batch.units.all()[COLUMNS:]:
        more[levels.index(below)] = len(batch.units.all()) - len(below)
    label = _("%(lots)d lots, batch %(number)s, %(units)d units, %(people)d patients") % {
        "lots": len(lots),
        "number": batch.number,
        "units": len(batch.units.all()),
        "people": len(given),
    }
    return Tree(levels, edges, label, more)
