"""`hevesy dicom` as a process: real senders, and what a kill leaves behind (reliability J1, J19)."""

import os
import random
import threading
import time

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom import AE

from hevesy.foundation.accounts.actors import system_actor
from hevesy.foundation.files.store import store
from hevesy.records.archive.fsck import check, data_set_sha256
from hevesy.records.archive.models import Instance, Refusal
from hevesy.records.archive.testing import a_data_set, a_file

ROUNDS = int(os.environ.get("HEVESY_CRASH_ROUNDS", "3"))
IMAGES = int(os.environ.get("HEVESY_CRASH_IMAGES", "300"))
SENDERS = 3


def make_images(count: int, salt: int) -> list[Dataset]:
    """`count` CT slices of 64×64 in one series per sender."""
    images = []
    for number in range(count):
        sender = number % SENDERS
        image = a_data_set(
            SOPClassUID=CTImageStorage,
            Modality="CT",
            Units=None,
            SOPInstanceUID=f"2.25.{salt}.{number + 1}",
            StudyInstanceUID=f"2.25.{salt}",
            SeriesInstanceUID=f"2.25.{salt}.{sender + 1}0000",
            InstanceNumber=number + 1,
            Rows=64,
            Columns=64,
            PixelData=random.Random(salt + number).randbytes(64 * 64 * 2),
        )
        images.append(dcmread_of(image))
    return images


def dcmread_of(image: Dataset) -> Dataset:
    """The data set with file meta information, as read from a file."""
    from io import BytesIO

    return dcmread(BytesIO(a_file(image)))


class Sender(threading.Thread):
    """Sends images one after another and writes down what was acknowledged; ends when the server is gone."""

    def __init__(self, port: int, images: list[Dataset]) -> None:
        super().__init__()
        self.port, self.images = port, images
        self.acknowledged: list[str] = []
        self.other: list[int] = []

    def run(self) -> None:
        entity = AE("PETCT1")
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 15
        entity.add_requested_context(CTImageStorage, ExplicitVRLittleEndian)
        association = entity.associate("127.0.0.1", self.port, ae_title="HEVESY")
        for image in self.images:
            if not association.is_established:
                return
            try:
                answer = association.send_c_store(image)
            except RuntimeError:  # the association ended meanwhile
                return
            if "Status" not in answer:
                return
            if answer.Status == 0:
                self.acknowledged.append(image.SOPInstanceUID)
            else:
                self.other.append(answer.Status)
        association.release()


def send_all(port: int, images: list[Dataset], *, kill=None, after: float = 0) -> list[Sender]:
    senders = [Sender(port, images[number::SENDERS]) for number in range(SENDERS)]
    for sender in senders:
        sender.start()
    if kill:
        time.sleep(after)
        kill()
    for sender in senders:
        sender.join(60)
    return senders


def crash_rounds(process, rounds: int, images: int) -> None:
    seed = int(os.environ.get("HEVESY_CRASH_SEED", random.randrange(10**6)))
    print(f"HEVESY_CRASH_SEED={seed}")
    chance = random.Random(seed)
    by = system_actor("a test", "archive.store")
    cut_short = 0
    for number in range(rounds):
        sent = make_images(images, 1_000_000 + seed * 100 + number)
        by_uid = {image.SOPInstanceUID: image for image in sent}
        process.start()

        senders = send_all(process.port, sent, kill=process.kill, after=chance.uniform(0.2, 2.0))

        acknowledged = [uid for sender in senders for uid in sender.acknowledged]
        cut_short += len(acknowledged) < images
        damage = [one for one in check(full=True, by=by) if one.kind not in ("orphan",)]
        assert damage == []
        for uid in acknowledged:
            row = Instance.objects.get(sop_instance_uid=uid)
            assert row.sha256 == data_set_sha256(row)
            assert dcmread(store().path(row.path)).PixelData == by_uid[uid].PixelData

        process.start()
        again = send_all(process.port, sent)
        assert sum(len(sender.acknowledged) for sender in again) == images
        assert not any(sender.other for sender in again)
        assert Instance.objects.filter(sop_instance_uid__in=by_uid).count() == images
        assert process.stop() == 0
        assert [one for one in check(full=True, by=by) if one.kind != "orphan"] == []
    assert not Refusal.objects.exists()
    assert cut_short, "no round was interrupted: the images were too few"


@pytest.mark.clause("1.3")
def test_killed_in_the_middle_nothing_is_lost_and_nothing_is_half(a_process):
    crash_rounds(a_process, ROUNDS, IMAGES)


@pytest.mark.soak
def test_killed_many_times(a_process):
    crash_rounds(a_process, 10, 900)


def test_told_to_stop_it_ends_cleanly_and_acknowledged_objects_are_there(a_process):
    images = make_images(300, 4_242)
    a_process.start()
    second = type(a_process)(HEVESY_DICOM=f"127.0.0.1:{a_process.port}")
    with pytest.raises(AssertionError, match="did not start"):
        second.start()

    codes = []
    senders = send_all(
        a_process.port, images, kill=lambda: codes.append(a_process.stop()), after=0.5
    )

    acknowledged = {uid for sender in senders for uid in sender.acknowledged}
    assert second._reap() != 0
    assert codes == [0]
    assert Instance.objects.filter(sop_instance_uid__in=acknowledged).count() == len(acknowledged)
    assert acknowledged
