"""Associations that we ask for: forwarding, and the report of a storage commitment; both try again."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from pydicom import Dataset
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import StorageCommitmentPushModel as Commitment
from tests.integration.dicom.archived import fill, take
from tests.integration.dicom.receivers import PET

from hevesy.foundation.audit.models import AuditEvent
from hevesy.foundation.jobs.models import Job
from hevesy.foundation.jobs.running import drain
from hevesy.gateways.dicom import status
from hevesy.gateways.dicom.actions import ForwardRefused, forward_study
from hevesy.gateways.dicom.commitment import WELL_KNOWN_INSTANCE
from hevesy.records.archive.models import Instance, Study
from hevesy.records.archive.queries import instance_path
from hevesy.records.archive.testing import a_file
from hevesy.records.equipment.models import Device


def work() -> None:
    """Run what waits now, without its waiting time."""
    Job.objects.filter(state=Job.State.READY).update(run_after="2000-01-01T00:00:00Z")
    drain()


@pytest.mark.clause("1.3")
def test_a_study_is_forwarded_and_tried_again(
    transactional_db: None, a_viewer: Device, receiving: Any, actor_with: Any
) -> None:
    fill()
    study = Study.objects.get(study_instance_uid="2.25.101")
    by = actor_with("archive.view")

    forward_study(by, study, a_viewer)
    work()
    job = Job.objects.get(kind__endswith="jobs.forward")
    receiver = receiving()
    work()

    assert job.state == Job.State.READY and job.attempts == 1 and "VIEWER" in job.last_error
    assert [str(one.SOPInstanceUID)[-3:] for one in receiver.taken] == ["1.1", "1.2", "2.1", "2.2"]
    assert Job.objects.get(pk=job.pk).state == Job.State.DONE
    [row] = AuditEvent.objects.filter(verb="archive.send")
    assert (row.details["to"], row.details["objects"]) == ("VIEWER", 4)


def test_only_to_a_device_that_can_be_called(
    transactional_db: None, a_viewer: Device, actor_with: Any
) -> None:
    take(a_file())
    a_viewer.address = None
    a_viewer.save()

    with pytest.raises(ForwardRefused):
        forward_study(actor_with("archive.view"), Study.objects.get(), a_viewer)

    assert not Job.objects.filter(kind__endswith="jobs.forward").exists()


class Committing:
    """A scanner that asks for storage commitment and takes the reports."""

    def __init__(self) -> None:
        self.reports: list[tuple[int, Dataset]] = []
        self.here = threading.Event()
        entity = AE("PETCT1")
        entity.add_supported_context(Commitment, scu_role=True, scp_role=True)
        self.server = entity.start_server(
            ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_N_EVENT_REPORT, self._take)]
        )
        self.port: int = self.server.server_address[1]

    def _take(self, event: Any) -> tuple[int, None]:
        self.reports.append((event.event_type, event.event_information))
        return 0x0000, None


def ask(serving: Any, *references: tuple[str, str], **changes: Any) -> int:
    request = Dataset()
    request.TransactionUID = "2.25.7"
    request.ReferencedSOPSequence = []
    for sop_class, sop_instance in references:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, sop_instance
        request.ReferencedSOPSequence.append(item)
    association = serving.associate(Commitment, ext_neg=[build_role(Commitment, scu_role=True)])
    assert association.is_established
    answer, _reply = association.send_n_action(
        request, changes.get("action", 1), Commitment, changes.get("instance", WELL_KNOWN_INSTANCE)
    )
    association.release()
    return int(answer.Status)


@pytest.mark.clause("1.3")
def test_a_commitment_reads_the_bytes_again(serving: Any, a_scanner: Device) -> None:
    scanner = Committing()
    a_scanner.dicom_rights, a_scanner.port = ["store", "commit"], scanner.port
    a_scanner.save()
    for number in (1, 2, 3):
        take(a_file(SOPInstanceUID=f"2.25.9.{number}"))
    path = instance_path(Instance.objects.get(sop_instance_uid="2.25.9.3"))
    path.chmod(0o600)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)

    whole = ask(serving, (PET, "2.25.9.1"), (PET, "2.25.9.2"))
    work()
    other = "1.2.840.10008.5.1.4.1.1.2"
    partly = ask(serving, (PET, "2.25.9.1"), (other, "2.25.9.2"), (PET, "2.25.9.3"), (PET, "1.2.3"))
    work()
    scanner.server.shutdown()

    assert whole == partly == status.SUCCESS
    (first, good), (second, bad) = scanner.reports
    assert (first, second) == (1, 2) and good.TransactionUID == "2.25.7"
    assert len(good.ReferencedSOPSequence) == 2 and "FailedSOPSequence" not in good
    assert [
        (item.ReferencedSOPInstanceUID, item.FailureReason) for item in bad.FailedSOPSequence
    ] == [
        ("2.25.9.2", 0x0119),
        ("2.25.9.3", status.PROCESSING_FAILURE),
        ("1.2.3", status.NO_SUCH_SOP_INSTANCE),
    ]


@pytest.mark.filterwarnings("ignore")
def test_a_wrong_commitment_is_refused(serving: Any, a_scanner: Device) -> None:
    a_scanner.dicom_rights = ["commit"]
    a_scanner.save()

    assert ask(serving, (PET, "1.2"), instance="1.2.3") == status.NO_SUCH_SOP_INSTANCE
    assert ask(serving, (PET, "1.2"), action=2) == status.NO_SUCH_ACTION
    assert ask(serving, (PET, "../../evil")) == status.INVALID_ATTRIBUTE_VALUE
    assert ask(serving) == status.INVALID_ATTRIBUTE_VALUE
    assert not Job.objects.filter(kind__endswith="report_commitment").exists()
