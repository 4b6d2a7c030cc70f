"""C-MOVE and C-GET: what was sent comes back bit for bit, to known devices only, and every failure is counted."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import tracemalloc  # noqa: F401  pytest imports it late, in whichever thread warns first
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import (
    ExplicitVRLittleEndian,
    JPEGLSLossless,
    PositronEmissionTomographyImageStorage,
)
from pynetdicom import build_role, evt
from pynetdicom.sop_class import PatientRootQueryRetrieveInformationModelMove as PatientMove
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelGet as Get
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelMove as Move
from tests.integration.dicom.archived import data_set_of, fill, syntax_and_hash, take
from tests.integration.dicom.receivers import object_of
from tests.peers import program, run_program

from hevesy.foundation.accounts.actors import system_actor
from hevesy.foundation.audit.models import AuditEvent
from hevesy.gateways.dicom import status
from hevesy.records.archive.ingest import receive
from hevesy.records.archive.models import Instance, Study
from hevesy.records.archive.queries import instance_path
from hevesy.records.archive.testing import a_file
from hevesy.records.equipment.models import Device

PET = PositronEmissionTomographyImageStorage
DATA = Path(os.environ.get("HEVESY_TEST_DATA", "/nonexistent")) / "transfer_syntax"


@pytest.fixture
def a_reader(a_scanner: Device) -> Device:
    """The PET-CT as a workstation that may retrieve, and send to others."""
    a_scanner.dicom_rights = ["echo", "query", "retrieve", "move"]
    a_scanner.port = 1
    a_scanner.save()
    return a_scanner


def identifier(level: str, **keys: Any) -> Dataset:
    dataset = Dataset()
    dataset.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(dataset, keyword, value)
    return dataset


def move(
    serving: Any, query: Dataset, to: str = "VIEWER", model: str = Move
) -> tuple[Dataset, Dataset | None, int]:
    """The last status and identifier of a C-MOVE, and how many answers said pending."""
    association = serving.associate(model)
    assert association.is_established
    answers = list(association.send_c_move(query, to, model, msg_id=77))
    association.release()
    return *answers[-1], sum(code.Status == status.PENDING for code, _identifier in answers)


def counts(answer: Dataset) -> tuple[int, int, int]:
    return (
        answer.NumberOfCompletedSuboperations,
        answer.NumberOfWarningSuboperations,
        answer.NumberOfFailedSuboperations,
    )


@pytest.mark.clause("1.3", "12.2")
def test_a_move_at_every_level(a_reader: Device, serving: Any, receiving: Any) -> None:
    fill()
    receiver = receiving()
    cases: list[tuple[str, Dataset, int]] = [
        (PatientMove, identifier("PATIENT", PatientID="NM000001"), 8),
        (Move, identifier("STUDY", StudyInstanceUID="2.25.101"), 4),
        (Move, identifier("STUDY", StudyInstanceUID=["2.25.102", "2.25.103"]), 8),
        (
            Move,
            identifier("SERIES", StudyInstanceUID="2.25.101", SeriesInstanceUID="2.25.101.2"),
            2,
        ),
        (
            Move,
            identifier(
                "IMAGE",
                StudyInstanceUID="2.25.101",
                SeriesInstanceUID="2.25.101.2",
                SOPInstanceUID="2.25.101.2.1",
            ),
            1,
        ),
        (Move, identifier("STUDY", StudyInstanceUID="2.25.999"), 0),
    ]

    for model, query, expected in cases:
        receiver.taken.clear()
        last, _failed, pending = move(serving, query, model=model)
        assert (last.Status, counts(last)) == (status.SUCCESS, (expected, 0, 0)), query
        assert len(receiver.taken) == expected and pending == max(0, expected - 1)
    assert receiver.originators == {("PETCT1", 77)}
    sent = AuditEvent.objects.filter(verb="archive.send")
    assert sent.count() == 2 + 1 + 2 + 1 + 1
    assert {row.details["to"] for row in sent} == {"VIEWER"}


def test_only_to_devices_that_we_know(
    a_reader: Device, a_viewer: Device, serving: Any, receiving: Any
) -> None:
    take(a_file())
    trap = socket.create_server(("127.0.0.1", 0))
    trap.setblocking(False)
    receiver = receiving()
    study = identifier("STUDY", StudyInstanceUID="2.25.1")

    unknown = move(serving, study, to="127.0.0.1")[0]
    a_viewer.active = False
    a_viewer.port = trap.getsockname()[1]
    a_viewer.save()
    inactive = move(serving, study)[0]
    a_viewer.active = True
    a_viewer.save()
    a_reader.dicom_rights = ["retrieve"]
    a_reader.save()
    without_right = move(serving, study)[0]

    assert unknown.Status == inactive.Status == status.DESTINATION_UNKNOWN
    assert without_right.Status == status.NOT_AUTHORISED
    with pytest.raises(BlockingIOError):
        trap.accept()
    assert not receiver.taken
    assert not AuditEvent.objects.filter(verb="archive.send").exists()


def test_what_the_identifier_must_say(a_reader: Device, serving: Any, receiving: Any) -> None:
    take(a_file())
    receiver = receiving()

    ends = [
        move(serving, query)[0].Status
        for query in (
            identifier("STUDY"),
            identifier("STUDY", StudyInstanceUID="*"),
            identifier("STUDY", PatientName="*"),
            identifier("SERIES", SeriesInstanceUID="2.25.2"),
            identifier("PATIENT", PatientID="NM000001"),
            identifier("EVERYTHING", StudyInstanceUID="2.25.1"),
        )
    ]

    assert ends == [status.IDENTIFIER_DOES_NOT_MATCH] * 6 and not receiver.taken


def test_a_receiver_that_does_not_answer_or_refuses(
    a_reader: Device, a_viewer: Device, serving: Any, receiving: Any
) -> None:
    fill()
    study = identifier("STUDY", StudyInstanceUID="2.25.101")

    nobody, _left, _pending = move(serving, study)
    receiving(answer=0xA700)
    refused, refused_uids, _pending = move(serving, study)
    receiving(answer=0xB000)
    warned, _none, _pending = move(serving, study)
    receiving("1.2.840.10008.1.2.4.80")
    no_syntax, _uids, _pending = move(serving, study)

    assert nobody.Status == status.CANNOT_SEND and counts(nobody) == (0, 0, 4)
    assert refused.Status == status.CANNOT_SEND and counts(refused) == (0, 0, 4)
    assert refused_uids is not None and len(refused_uids.FailedSOPInstanceUIDList) == 4
    assert warned.Status == status.SOME_FAILED and counts(warned) == (0, 4, 0)
    assert no_syntax.Status == status.CANNOT_SEND
    failed = AuditEvent.objects.filter(verb="archive.send", outcome="failed")
    assert [row.details["failed"] for row in failed] == [4, 4, 4]


def test_a_lost_file_fails_alone(a_reader: Device, serving: Any, receiving: Any) -> None:
    fill()
    receiver = receiving()
    lost = Instance.objects.get(sop_instance_uid="2.25.101.2.1")
    instance_path(lost).unlink()

    last, failed, _pending = move(serving, identifier("STUDY", StudyInstanceUID="2.25.101"))

    assert last.Status == status.SOME_FAILED and counts(last) == (3, 0, 1)
    assert failed is not None and failed.FailedSOPInstanceUIDList == "2.25.101.2.1"
    assert len(receiver.taken) == 3


def test_a_move_can_be_cancelled(a_reader: Device, serving: Any, receiving: Any) -> None:
    fill(slices=4)
    receiver = receiving(delay_s=0.1)
    association = serving.associate(Move)
    query = identifier("STUDY", StudyInstanceUID="2.25.101")

    last = Dataset()
    for last, _identifier in association.send_c_move(query, "VIEWER", Move, msg_id=5):
        if last.Status == status.PENDING and len(receiver.taken) == 2:
            association.send_c_cancel(5, query_model=Move)
    association.release()

    assert last.Status == status.CANCEL
    assert last.NumberOfRemainingSuboperations + last.NumberOfCompletedSuboperations == 8
    assert last.NumberOfRemainingSuboperations > 0 and len(receiver.taken) < 8


@pytest.mark.parametrize("role", ["retrieve", "store"])
def test_get_sends_on_the_same_association(a_reader: Device, serving: Any, role: str) -> None:
    fill()
    a_reader.dicom_rights = [role]
    a_reader.save()
    taken: list[Dataset] = []

    def store(event: Any) -> int:
        taken.append(object_of(event.request))
        return 0x0000

    association = serving.associate(
        Get, (PET, ExplicitVRLittleEndian),
        ext_neg=[build_role(PET, scp_role=True)], evt_handlers=[(evt.EVT_C_STORE, store)],
    )  # fmt: skip
    if role == "store":
        assert all(context.abstract_syntax != Get for context in association.accepted_contexts)
        association.release()
        return
    answers = list(
        association.send_c_get(identifier("STUDY", StudyInstanceUID="2.25.101"), Get, msg_id=9)
    )
    association.release()

    assert answers[-1][0].Status == status.SUCCESS and counts(answers[-1][0]) == (4, 0, 0)
    assert [str(one.SOPInstanceUID) for one in taken] == [
        "2.25.101.1.1", "2.25.101.1.2", "2.25.101.2.1", "2.25.101.2.2",
    ]  # fmt: skip
    assert AuditEvent.objects.filter(verb="archive.send").count() == 1


def test_a_large_object_is_not_held_in_memory(
    a_reader: Device, serving: Any, receiving: Any
) -> None:
    """The receiver takes it in this process too, so the queue is measured and not the process."""
    take(a_file(Rows=4096, Columns=4096, PixelData=bytes(2 * 4096 * 4096)))
    receiver = receiving()
    longest = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal longest
        while not done.wait(0.002):
            for thread in threading.enumerate():
                dul = getattr(thread, "dul", None)
                if dul is not None:
                    longest = max(longest, dul.to_provider_queue.qsize())

    watching = threading.Thread(target=watch)
    watching.start()
    last, _failed, _pending = move(serving, identifier("STUDY", StudyInstanceUID="2.25.1"))
    done.set()
    watching.join()

    assert last.Status == status.SUCCESS and len(receiver.taken[0].PixelData) == 2 * 4096 * 4096
    assert 0 < longest <= 8


@pytest.mark.skipif(not DATA.is_dir(), reason="HEVESY_TEST_DATA is not set")
class TestRealFiles:
    def test_a_receiver_without_the_syntax_gets_the_same_pixels(
        self, a_reader: Device, serving: Any, receiving: Any
    ) -> None:
        original = dcmread(DATA / "MR_small.dcm")
        plain = receiving()
        for name in (
            "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm", "MR_small_bigendian.dcm",
        ):  # fmt: skip
            plain.taken.clear()
            Instance.objects.all().delete()
            take(DATA / name)
            study = Instance.objects.get().series.study.study_instance_uid

            last, _failed, _pending = move(serving, identifier("STUDY", StudyInstanceUID=study))

            assert last.Status == status.SUCCESS, name
            [taken] = plain.taken
            assert taken.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
            assert taken.PixelData[: 64 * 64 * 2] == original.PixelData[: 64 * 64 * 2], name
            assert (
                taken.Rows == 64 and taken.SOPInstanceUID == Instance.objects.get().sop_instance_uid
            )

    def test_as_stored_where_the_receiver_takes_it(
        self, a_reader: Device, serving: Any, receiving: Any
    ) -> None:
        take(DATA / "MR_small_jpeg_ls_lossless.dcm")
        receiver = receiving(ExplicitVRLittleEndian, JPEGLSLossless)
        study = Instance.objects.get().series.study.study_instance_uid

        last, _failed, _pending = move(serving, identifier("STUDY", StudyInstanceUID=study))

        assert last.Status == status.SUCCESS
        [taken] = receiver.taken
        assert taken.file_meta.TransferSyntaxUID == JPEGLSLossless
        assert taken == dcmread(DATA / "MR_small_jpeg_ls_lossless.dcm")


@pytest.mark.peer
@pytest.mark.skipif(not DATA.is_dir(), reason="HEVESY_TEST_DATA is not set")
def test_dcmtk_gets_back_what_it_sent(
    a_reader: Device, a_viewer: Device, a_process: Any, tmp_path: Path
) -> None:
    """storescu in every transfer syntax that it speaks, getscu and movescu back: the same bytes of the data set."""
    a_reader.dicom_rights = ["store", "retrieve", "move"]
    a_reader.save()
    with socket.create_server(("127.0.0.1", 0)) as free:
        a_viewer.port = free.getsockname()[1]
    a_viewer.save()
    a_process.start()
    names = ("MR_small_RLE.dcm", "CT_small.dcm")
    for option, name in zip(("-xr", "-xe"), names, strict=True):
        said = run_program(
            "storescu", option, "-aet", "PETCT1", "-aec", "HEVESY", "127.0.0.1",
            a_process.port, DATA / name,
        )  # fmt: skip
        assert said.returncode == 0, (name, said.stderr)
    originals = {}
    for file in sorted(DATA.glob("*.dcm")):
        # Some of these files lack a UID, or are the same object in another syntax: they are not taken.
        received = receive(file, by=system_actor("test", "archive.store"))
        if received.outcome == "stored":
            originals[received.instance.sop_instance_uid] = file
    studies = "\\".join(Study.objects.values_list("study_instance_uid", flat=True))
    to = ("-S", "-aet", "PETCT1", "-aec", "HEVESY", "-k", "QueryRetrieveLevel=STUDY")
    here = ("127.0.0.1", a_process.port)
    got, moved = tmp_path / "got", tmp_path / "moved"
    got.mkdir()
    moved.mkdir()

    receiver = subprocess.Popen(
        [
            program("storescp"),
            "-aet",
            "VIEWER",
            "+xa",
            "+B",
            "-od",
            moved,
            str(a_viewer.port),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        said = run_program(
            "movescu", *to, "-aem", "VIEWER", "-k", f"StudyInstanceUID={studies}", *here
        )
        assert said.returncode == 0, said.stderr
    finally:
        receiver.kill()
        receiver.wait()
    for name in names:
        study = str(dcmread(DATA / name, stop_before_pixels=True).StudyInstanceUID)
        said = run_program(
            "getscu", *to, "+B", "-od", got, "-k", f"StudyInstanceUID={study}", *here
        )
        assert said.returncode == 0, (name, said.stderr)

    rows = Instance.objects.all()
    assert len(rows) >= 12 and len(list(moved.iterdir())) == len(rows)
    for row in rows:
        [file] = [one for one in moved.iterdir() if one.name.endswith(f".{row.sop_instance_uid}")]
        original = originals.get(row.sop_instance_uid)
        if (row.size - row.data_set_offset) % 2:
            # No strict receiver takes a data set of odd length (PS3.8 §9.3.5.1): it is written anew.
            assert original and dcmread(file).PixelData == dcmread(original).PixelData
            continue
        assert syntax_and_hash(file) == (row.transfer_syntax_uid, row.sha256), file
        assert original is None or data_set_of(file) == data_set_of(original), file
    for name in names:
        original = dcmread(DATA / name)
        [file] = [one for one in got.iterdir() if one.name.endswith(original.SOPInstanceUID)]
        fetched = dcmread(file)
        assert fetched.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
        assert (fetched.pixel_array == original.pixel_array).all(), name
    assert a_process.stop() == 0
