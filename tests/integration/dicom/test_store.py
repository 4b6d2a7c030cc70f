import errno
import os
import threading
from collections import Counter
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import build_context
from pynetdicom.dsutils import encode
from pynetdicom.pdu_primitives import P_DATA
from pynetdicom.sop_class import PositronEmissionTomographyImageStorage as Pet

from hevesy.foundation.files.store import LocalStore, store
from hevesy.gateways.dicom import status
from hevesy.records.archive.models import Instance, Refusal, Study
from hevesy.records.archive.part10 import locate_data_set
from hevesy.records.archive.testing import a_data_set, a_file, data_set_bytes
from hevesy.records.equipment.models import Device

DATA = Path(os.environ.get("HEVESY_TEST_DATA", "/nonexistent"))


class RawSender:
    """A C-STORE user that sends bytes as they are, under UIDs of its choice: what a hostile or broken device does."""

    def __init__(self, serving, sop_class: str = Pet, syntax: str = ExplicitVRLittleEndian) -> None:
        self.association = serving.associate((sop_class, syntax))
        assert self.association.is_established
        self.context = self.association.accepted_contexts[0].context_id
        self.message_id = 0

    def store(self, data_set: bytes, uid: str, sop_class: str = Pet) -> int | None:
        """The status of the answer; None if the association was ended instead."""
        self.message_id += 1
        command = Dataset()
        command.AffectedSOPClassUID = sop_class
        command.CommandField = 0x0001
        command.MessageID = self.message_id
        command.Priority = 0
        command.CommandDataSetType = 1
        encoded = encode(command, True, True)
        # The UID goes in by hand: pydicom would not write an evil one.
        raw = uid.encode() + b"\0" * (len(uid.encode()) % 2)
        encoded = encoded + b"\0\0\0\x10" + len(raw).to_bytes(4, "little") + raw
        length = b"\0\0\0\0\4\0\0\0" + len(encoded).to_bytes(4, "little")
        self._send(3, length + encoded)
        for start in range(0, len(data_set), 60_000):
            last = start + 60_000 >= len(data_set)
            self._send(2 if last else 0, data_set[start : start + 60_000])
        _context, answer = self.association.dimse.get_msg(block=True)
        return None if answer is None else answer.Status

    def _send(self, control: int, data: bytes) -> None:
        primitive = P_DATA()
        primitive.presentation_data_value_list.append([self.context, bytes([control]) + data])
        self.association.dul.send_pdu(primitive)

    def close(self) -> None:
        self.association.abort()


@pytest.fixture
def sender(serving):
    one = RawSender(serving)
    # The reactor thread would take the answers away.
    one.association._reactor_checkpoint.clear()
    yield one
    one.association._reactor_checkpoint.set()
    one.close()


def send(serving, *datasets, **options):
    """Send data sets with pynetdicom; the statuses."""
    contexts = {(one.SOPClassUID, one.file_meta.TransferSyntaxUID) for one in datasets}
    association = serving.associate(*contexts, **options)
    assert association.is_established
    statuses = [association.send_c_store(one).get("Status") for one in datasets]
    association.release()
    return statuses


def temporaries() -> list[Path]:
    return list((store().root / "tmp").iterdir())


class TestStoring:
    @pytest.mark.clause("1.3")
    def test_what_is_sent_is_stored_bit_for_bit(self, serving, sender):
        file = a_file(SOPInstanceUID="1.2.3")

        assert sender.store(data_set_bytes(file), "1.2.3") == status.SUCCESS

        instance = Instance.objects.get()
        stored = store().path(instance.path).read_bytes()
        assert stored[instance.data_set_offset :] == data_set_bytes(file)
        assert stored[:132] == bytes(128) + b"DICM"
        assert instance.received_from == "PETCT1"
        assert not temporaries()

    def test_again_is_success_and_other_content_is_kept_aside(self, sender):
        dataset = a_data_set(SOPInstanceUID="1.2.3")
        first = data_set_bytes(a_file(dataset))
        dataset.PixelData = bytes(128)
        other = data_set_bytes(a_file(dataset))

        answers = [sender.store(one, "1.2.3") for one in (first, first, other, first)]

        assert answers == [status.SUCCESS, status.SUCCESS, status.KEPT_ASIDE, status.SUCCESS]
        assert Instance.objects.count() == Refusal.objects.count() == 1

    def test_a_private_class_is_archived_as_it_comes(self, serving):
        private = "1.2.826.0.1.3680043.2.1143.99"
        sender = RawSender(serving, private)
        sender.association._reactor_checkpoint.clear()
        file = a_file(SOPInstanceUID="1.2.3", SOPClassUID=private)

        assert sender.store(data_set_bytes(file), "1.2.3", private) == status.SUCCESS
        assert Instance.objects.get().sop_class_uid == private
        sender.association._reactor_checkpoint.set()
        sender.close()

    def test_the_retired_nuclear_medicine_class_too(self, serving):
        retired = "1.2.840.10008.5.1.4.1.1.5"

        association = serving.associate(build_context(retired).abstract_syntax)

        assert [one.abstract_syntax for one in association.accepted_contexts] == [retired]
        association.release()

    def test_not_without_the_right(self, serving):
        Device.objects.update(dicom_rights=["echo"])

        association = serving.associate(Pet)

        assert not association.accepted_contexts
        association.abort()

    def test_a_device_whose_right_is_taken_away_meanwhile(self, serving, sender):
        for association in serving.server.active_associations:
            association.actor = None
            association.device.dicom_rights = []
            from hevesy.gateways.dicom.peers import actor_of

            association.actor = actor_of(association.device, "127.0.0.1")

        answer = sender.store(data_set_bytes(a_file(SOPInstanceUID="1.2.3")), "1.2.3")

        assert answer == status.NOT_AUTHORISED
        assert not Instance.objects.exists()


class TestBadObjects:
    @pytest.mark.parametrize(
        "uid",
        ["../../../../tmp/evil", "/etc/x", "1" + ".1" * 40, "1..2", "1.2\n3", "1.2.三", "1.02"],
    )
    def test_uids_that_are_none(self, serving, sender, uid):
        raw = uid.encode() + b"\0" * (len(uid.encode()) % 2)
        file = data_set_bytes(a_file(SOPInstanceUID="9.8"))
        named = b"\x08\0\x18\0UI"
        file = file.replace(named + b"\4\x009.8\0", named + len(raw).to_bytes(2, "little") + raw)

        answer = sender.store(file, uid)

        assert answer == status.DATA_SET_DOES_NOT_MATCH_SOP_CLASS
        assert Refusal.objects.get().kind == "refused"
        assert not Instance.objects.exists()
        assert sender.store(data_set_bytes(a_file(SOPInstanceUID="1.2.9")), "1.2.9") == 0

    @pytest.mark.parametrize("uid", ["", "1.2.4"])
    def test_announced_as_another(self, sender, uid):
        answer = sender.store(data_set_bytes(a_file(SOPInstanceUID="1.2.3")), uid)

        assert answer == status.DATA_SET_DOES_NOT_MATCH_SOP_CLASS
        assert not Instance.objects.exists()

    @pytest.mark.parametrize("cut", [5, -1, -64])
    def test_cut_short(self, sender, cut):
        file = data_set_bytes(a_file(SOPInstanceUID="1.2.3"))

        answer = sender.store(file[:cut], "1.2.3")

        assert answer is not None
        assert answer != status.SUCCESS
        assert sender.store(file, "1.2.3") == status.SUCCESS

    def test_nested_twenty_thousand_deep(self, sender):
        from hevesy.records.archive.tests.test_scan import nested

        file = data_set_bytes(a_file(SOPInstanceUID="1.2.3"))

        assert sender.store(file + nested(20_000), "1.2.3") == status.CANNOT_UNDERSTAND
        assert sender.store(file, "1.2.3") == status.SUCCESS

    def test_a_full_disk(self, sender, monkeypatch):
        file = data_set_bytes(a_file(SOPInstanceUID="1.2.3"))

        def full(self, temporary):
            raise OSError(errno.ENOSPC, "no space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(LocalStore, "put_file", full)
            answer = sender.store(file, "1.2.3")

        assert answer == status.OUT_OF_RESOURCES
        assert not temporaries()
        assert sender.store(file, "1.2.3") == status.SUCCESS

    def test_a_disk_that_is_not_there(self, sender, monkeypatch):
        def missing(self):
            raise OSError(errno.EIO, "input/output error")

        monkeypatch.setattr(LocalStore, "temporary_path", missing)

        answer = sender.store(data_set_bytes(a_file(SOPInstanceUID="1.2.3")), "1.2.3")

        assert answer == status.OUT_OF_RESOURCES

    def test_a_connection_that_drops_leaves_nothing(self, serving):
        file = data_set_bytes(a_file(SOPInstanceUID="1.2.3", PixelData=bytes(400_000)))
        for _ in range(10):
            sender = RawSender(serving)
            sender._send(3, _store_command("1.2.3"))
            sender._send(0, file[:60_000])
            sender._send(0, file[60_000:120_000])
            while sender.association.dul.to_provider_queue.qsize():
                pass
            sender.association.dul.socket._shutdown_socket()
            sender.close()
        for association in serving.server.active_associations:
            association.join(5)

        assert not temporaries()
        assert not Instance.objects.exists()


def _store_command(uid: str) -> bytes:
    command = Dataset()
    command.AffectedSOPClassUID = Pet
    command.CommandField = 0x0001
    command.MessageID = 1
    command.Priority = 0
    command.CommandDataSetType = 1
    command.AffectedSOPInstanceUID = uid
    return encode(command, True, True)


class TestTwoAssociations:
    def test_the_same_object_at_the_same_instant(self, serving):
        senders = [RawSender(serving) for _ in range(2)]
        for one in senders:
            one.association._reactor_checkpoint.clear()
        answers: Counter = Counter()
        for number in range(50):
            uid = f"1.2.{number + 1}"
            file = data_set_bytes(a_file(SOPInstanceUID=uid))
            threads = [
                threading.Thread(
                    target=lambda one=one, file=file, uid=uid: answers.update(
                        [one.store(file, uid)]
                    )
                )
                for one in senders
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        for one in senders:
            one.association._reactor_checkpoint.set()
            one.close()

        assert answers == {status.SUCCESS: 100}
        assert Instance.objects.count() == 50
        assert len({row.sha256 for row in Instance.objects.all()}) == 50


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason="HEVESY_TEST_DATA is not set")
class TestRealObjects:
    def test_every_transfer_syntax_is_stored_bit_for_bit(self, serving):
        seen = set()
        for path in sorted((DATA / "transfer_syntax").rglob("*")):
            if not path.is_file() or path.suffix == ".md":
                continue
            raw = path.read_bytes()
            dataset = dcmread(path, force=True)
            place = locate_data_set(raw)
            if "StudyInstanceUID" not in dataset:
                dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "2.25.1", "2.25.2"
                raw = a_file(dataset, transfer_syntax_uid=place.transfer_syntax_uid)
                place = locate_data_set(raw)
            sender = RawSender(serving, dataset.SOPClassUID, place.transfer_syntax_uid)
            sender.association._reactor_checkpoint.clear()

            answer = sender.store(raw[place.offset :], dataset.SOPInstanceUID, dataset.SOPClassUID)

            sender.association._reactor_checkpoint.set()
            sender.close()
            assert answer == status.SUCCESS, path
            instance = Instance.objects.get()
            stored = store().path(instance.path).read_bytes()
            assert stored[instance.data_set_offset :] == raw[place.offset :], path
            assert instance.transfer_syntax_uid == place.transfer_syntax_uid
            seen.add(place.transfer_syntax_uid)
            # Several of the files are one object in different clothes.
            Study.objects.all().delete()
        assert len(seen) >= 12

    def test_malformed_files_are_answered_and_the_server_goes_on(self, serving):
        outcomes = {}
        for path in sorted((DATA / "malformed").rglob("*.dcm")):
            raw = path.read_bytes()
            sender = RawSender(serving, Pet, ImplicitVRLittleEndian)
            sender.association._reactor_checkpoint.clear()
            outcomes[path.name] = sender.store(raw, "1.2.3")
            sender.association._reactor_checkpoint.set()
            sender.close()

        assert all(outcome not in (None, status.SUCCESS) for outcome in outcomes.values())
        assert send(serving, dcmread(DATA / "transfer_syntax/CT_small.dcm")) == [status.SUCCESS]
