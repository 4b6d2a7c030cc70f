"""`hevesy dicom` as a process: real senders, and what a kill leaves behind (reliability J1, J19)."""

from __future__ import annotations

import logging
import os
import random
import socket
import threading
import time
import tracemalloc  # noqa: F401  pytest imports it late, in whichever thread warns first, and two at once fail
from io import BytesIO, StringIO
from typing import Any

import pytest
from django.core.management import call_command
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom import AE

from hevesy.foundation.files.store import store
from hevesy.records.archive.models import Instance, Refusal
from hevesy.records.archive.stored import data_set_sha256
from hevesy.records.archive.testing import a_data_set, a_file

logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)

SENDERS = 3
SEED = int(os.environ.get("HEVESY_CRASH_SEED", random.randrange(10**6)))
PATIENCE_S = 120
"""A sender gives up then: far more than a round takes on a busy machine, so that giving up is a failure."""


def make_images(count: int, salt: int) -> list[Dataset]:
    """`count` CT slices of 64×64 in one study, one series per sender, as read from files."""
    return [
        dcmread(
            BytesIO(
                a_file(
                    a_data_set(
                        SOPClassUID=CTImageStorage,
                        Modality="CT",
                        Units=None,
                        SOPInstanceUID=f"2.25.{salt}.{number + 1}",
                        StudyInstanceUID=f"2.25.{salt}",
                        SeriesInstanceUID=f"2.25.{salt}.{number % SENDERS + 1}0000",
                        InstanceNumber=number + 1,
                        Rows=64,
                        Columns=64,
                        PixelData=random.Random(salt + number).randbytes(64 * 64 * 2),
                    )
                )
            )
        )
        for number in range(count)
    ]


class Sender(threading.Thread):
    """A device that sends its images until each is acknowledged, over as many associations as that takes.

    An answer that does not come is no acknowledgement, whatever the server had done with the object by then.
    """

    def __init__(self, port: int, images: list[Dataset], again: bool) -> None:
        super().__init__(daemon=True)
        self.port, self.again = port, again
        self.waiting = {str(image.SOPInstanceUID): image for image in images}
        self.acknowledged: list[str] = []
        self.other: list[int] = []
        self.associations = 0

    def run(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while self.waiting and time.monotonic() < deadline:
            if self._somebody_listens():
                self._one_association()
            if not self.again:
                return
            time.sleep(0.1)

    def _somebody_listens(self) -> bool:
        """Asked by hand: pynetdicom leaves a socket and a thread behind when nobody does."""
        try:
            socket.create_connection(("127.0.0.1", self.port), 5).close()
        except OSError:
            return False
        return True

    def _one_association(self) -> None:
        entity = AE("PETCT1")
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 30
        entity.connection_timeout = 5
        entity.add_requested_context(CTImageStorage, ExplicitVRLittleEndian)
        association = entity.associate("127.0.0.1", self.port, ae_title="HEVESY")
        if not association.is_established:
            return
        self.associations += 1
        for uid, image in list(self.waiting.items()):
            try:
                answer = association.send_c_store(image)
            except RuntimeError:  # the association ended meanwhile
                return
            if "Status" not in answer:
                association.abort()
                return
            if answer.Status == 0:
                self.acknowledged.append(uid)
                del self.waiting[uid]
            else:
                self.other.append(answer.Status)
        association.release()


class Sending:
    """Three devices that send their part of the images at the same time."""

    def __init__(self, port: int, images: list[Dataset], *, again: bool = True) -> None:
        self.senders = [Sender(port, images[n::SENDERS], again) for n in range(SENDERS)]
        for sender in self.senders:
            sender.start()

    @property
    def acknowledged(self) -> list[str]:
        """What was acknowledged so far."""
        return [uid for sender in self.senders for uid in list(sender.acknowledged)]

    def wait_for(self, count: int) -> None:
        """Until so many images are acknowledged."""
        deadline = time.monotonic() + PATIENCE_S
        while sum(len(sender.acknowledged) for sender in self.senders) < count:
            assert time.monotonic() < deadline, (
                f"only {len(self.acknowledged)} of {count} are acknowledged; other answers: "
                f"{[sender.other[-3:] for sender in self.senders]}"
            )
            time.sleep(0.001)

    def finish(self) -> None:
        """Until the devices have nothing left to do. They got no answer but success."""
        for sender in self.senders:
            sender.join(PATIENCE_S + 40)
            assert not sender.is_alive()
        assert [sender.other for sender in self.senders] == [[]] * SENDERS


def fsck() -> None:
    """`hevesy fsck --full` ends well: nothing lost, short or changed. It raises otherwise."""
    call_command("fsck", "--full", stdout=StringIO(), stderr=StringIO())


def assert_stored(acknowledged: list[str], sent: dict[str, Dataset]) -> None:
    """Every acknowledged object has its row and, on the disk, the pixels that were sent."""
    rows = Instance.objects.in_bulk(acknowledged, field_name="sop_instance_uid")
    assert set(rows) == set(acknowledged)
    for uid, row in rows.items():
        assert row.sha256 == data_set_sha256(row)
        assert dcmread(store().path(row.path)).PixelData == sent[uid].PixelData


def crash_rounds(process: Any, rounds: int, images_each: int) -> None:
    """Kill the server once in the middle of each round; the devices go on by themselves when it is back."""
    print(f"HEVESY_CRASH_SEED={SEED}")
    chance = random.Random(SEED)
    count = SENDERS * images_each
    process.start(keep_port=True)
    for number in range(rounds):
        images = make_images(count, 1_000_000 + SEED * 100 + number)
        sent = {str(image.SOPInstanceUID): image for image in images}
        sending = Sending(process.port, images)

        sending.wait_for(chance.randrange(count // 10, count * 3 // 4))
        time.sleep(chance.uniform(0, 0.01))
        process.kill()

        fsck()
        acknowledged = sending.acknowledged
        assert 0 < len(acknowledged) < count
        assert_stored(acknowledged, sent)
        print(f"round {number + 1}: killed after {len(acknowledged)} of {count} were acknowledged")

        process.start(keep_port=True)
        sending.finish()

        assert sorted(sending.acknowledged) == sorted(sent)
        assert any(sender.associations > 1 for sender in sending.senders)
        assert Instance.objects.filter(sop_instance_uid__in=sent).count() == count
        assert_stored(list(sent), sent)
        fsck()
    assert process.stop() == 0
    assert not Refusal.objects.exists()


@pytest.mark.clause("1.3")
def test_killed_in_the_middle_nothing_is_lost_and_nothing_is_half(a_process: Any) -> None:
    crash_rounds(a_process, rounds=2, images_each=50)


@pytest.mark.soak
def test_killed_ten_times_during_three_sends_of_300_images(a_process: Any) -> None:
    crash_rounds(a_process, rounds=10, images_each=300)


def test_told_to_stop_it_ends_cleanly_and_acknowledged_objects_are_there(a_process: Any) -> None:
    images = make_images(150, 4_242)
    a_process.start()
    second = type(a_process)(HEVESY_DICOM=f"127.0.0.1:{a_process.port}")
    with pytest.raises(AssertionError, match="did not start"):
        second.start()
    assert second.wait() != 0

    sending = Sending(a_process.port, images, again=False)
    sending.wait_for(20)
    code = a_process.stop()
    sending.finish()

    assert code == 0
    assert_stored(sending.acknowledged, {str(image.SOPInstanceUID): image for image in images})
    fsck()
