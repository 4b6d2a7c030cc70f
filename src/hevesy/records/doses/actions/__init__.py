"""The only writers of batches, dispensed units, assays and administrations."""

from hevesy.records.doses.actions.administering import administer, verify
from hevesy.records.doses.actions.afterwards import (
    correct_administration,
    note_reaction,
    record_residual,
    set_manual_activity,
)
from hevesy.records.doses.actions.batches import (
    expire_batches,
    mark_used_up,
    note_export,
    recall_batch,
    record_batch,
    record_lot,
    record_qc,
    reject_batch,
    release_batch,
)
from hevesy.records.doses.actions.common import DoseRefused, DoseStop
from hevesy.records.doses.actions.units import (
    assay_unit,
    discard_unit,
    dispense,
    receive_unit,
    request_dose,
    return_unit,
)

__all__ = [
    "DoseRefused",
    "DoseStop",
    "administer",
    "assay_unit",
    "correct_administration",
    "discard_unit",
    "dispense",
    "expire_batches",
    "mark_used_up",
    "note_export",
    "note_reaction",
    "recall_batch",
    "receive_unit",
    "record_batch",
    "record_lot",
    "record_qc",
    "record_residual",
    "reject_batch",
    "release_batch",
    "request_dose",
    "return_unit",
    "set_manual_activity",
    "verify",
]
