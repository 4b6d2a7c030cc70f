"""Jobs that call a device: they are tried again, later and later, until it has taken what it should."""

from __future__ import annotations

from django_tasks import task
from pydicom.dataset import Dataset
from pynetdicom import build_role
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import StorageCommitmentPushModel

from hevesy.foundation.accounts.actors import system_actor
from hevesy.foundation.jobs.running import current_run
from hevesy.gateways.dicom import commitment, outgoing, status
from hevesy.gateways.dicom.sending import Line, send_instances
from hevesy.records.archive.actions.leaving import note_not_sent
from hevesy.records.archive.models import Instance
from hevesy.records.equipment.models import Device

_ATTEMPTS = 10
"""With the waiting times of the queue that is about an hour and a half."""


class NotTaken(Exception):
    """The device did not take everything; the job is tried again."""


@task(queue_name="default", dedupe=("study_id", "device_id"), max_attempts=_ATTEMPTS)
def forward(study_id: int, device_id: int) -> None:
    """Send a study to a device by C-STORE. What arrived in an earlier try is sent again: it is the same object."""
    device = Device.objects.get(pk=device_id)
    rows = list(
        Instance.objects.filter(series__study=study_id)
        .order_by("series__number", "series_id", "number", "id")
        .values_list("pk", "sop_class_uid", "transfer_syntax_uid")
    )
    if not rows:
        return
    contexts = outgoing.storage_contexts((sop_class, syntax) for _pk, sop_class, syntax in rows)
    line = Line(outgoing.call(device, contexts), lambda: outgoing.call(device, contexts))
    failed = 0
    try:
        for done, (_uid, outcome) in enumerate(send_instances(line, [pk for pk, *_more in rows])):
            failed += outcome == "failed"
            current_run().progress(done / len(rows))
    finally:
        line.close()
    if failed:
        to = device.ae_title or ""
        by = system_actor("dicom")
        note_not_sent(by, to=to, how="C-STORE", sent=len(rows) - failed, failed=failed)
        raise NotTaken(f"{to} did not take {failed} of {len(rows)} objects")


@task(queue_name="default", dedupe=("device_id", "transaction_uid"), max_attempts=_ATTEMPTS)
def report_commitment(device_id: int, transaction_uid: str, references: list[list[str]]) -> None:
    """Check every named object against its hash, and report to the device on an association that we ask for."""
    device = Device.objects.get(pk=device_id)
    event_type, report = commitment.check(transaction_uid, references)
    association = outgoing.call(
        device,
        [build_context(StorageCommitmentPushModel, list(outgoing.PLAIN))],
        ext_neg=[build_role(StorageCommitmentPushModel, scp_role=True)],
    )
    try:
        answer, _reply = association.send_n_event_report(
            report, event_type, StorageCommitmentPushModel, commitment.WELL_KNOWN_INSTANCE
        )
    finally:
        association.release()
    if not isinstance(answer, Dataset) or answer.get("Status") != status.SUCCESS:
        raise NotTaken(f"{device.ae_title} did not take the storage commitment report")
