import errno
import hashlib
import threading
from collections import Counter

import pytest
from django.db import OperationalError, connection, transaction
from pydicom import dcmread

from hevesy.foundation.accounts.actors import PermissionRefused, system_actor
from hevesy.foundation.audit.models import AuditEvent
from hevesy.foundation.files.receivers import create_empty_store
from hevesy.foundation.files.store import MARKER, LocalStore, store
from hevesy.foundation.jobs.models import Job
from hevesy.records.archive import ingest
from hevesy.records.archive.ingest import receive, receive_spooled
from hevesy.records.archive.models import Instance, Refusal, Series, Study
from hevesy.records.archive.refusals import StorageExhausted
from hevesy.records.archive.spool import Spool
from hevesy.records.archive.testing import a_data_set, a_file, data_set_bytes

PET1 = system_actor("dicom:PET1", "archive.store", channel="dicom")


def stored_bytes(instance: Instance) -> bytes:
    return store().path(instance.path).read_bytes()


def spooled(file: bytes, uid: str, *, cls: str = "", told: str = "", limit: int = 2**32):
    """Hand a file's data set over as a network service does, announced under `told`."""
    spool = Spool(limit)
    told, cls = told or uid, cls or a_data_set().SOPClassUID
    spool.begin(cls, told, "1.2.840.10008.1.2.1")
    spool.write(data_set_bytes(file))
    return receive_spooled(
        spool, sop_class_uid=cls, sop_instance_uid=told, by=PET1, received_from="PET1"
    )


def leftovers() -> list:
    return list((store().root / "tmp").iterdir())


@pytest.mark.django_db
class TestOneObject:
    def test_it_is_filed_with_its_bytes_untouched(self):
        file = a_file(SOPInstanceUID="1.2.3", AccessionNumber="PT26-00001")

        received = receive(file, by=PET1, received_from="PET1")

        instance = Instance.objects.select_related("series__study").get()
        assert received.outcome == "stored"
        assert stored_bytes(instance)[instance.data_set_offset :] == data_set_bytes(file)
        assert instance.sha256 == hashlib.sha256(data_set_bytes(file)).hexdigest()
        assert instance.size == len(stored_bytes(instance))
        assert instance.series.study.accession_number == "PT26-00001"
        assert dcmread(store().path(instance.path)).SOPInstanceUID == "1.2.3"
        assert not leftovers()

    def test_a_job_waits_to_settle_its_study_and_the_opening_is_audited(self):
        receive(a_file(), by=PET1)
        receive(a_file(), by=PET1)

        assert [job.kind for job in Job.objects.all()] == [
            "hevesy.records.archive.jobs.settle_study"
        ]
        assert AuditEvent.objects.filter(verb="archive.receive").count() == 1

    def test_nobody_stores_without_the_right(self):
        with pytest.raises(PermissionRefused):
            receive(a_file(), by=system_actor("somebody"))

    @pytest.mark.parametrize("evil", [b"MZ\x90\0", b"\x7fELF", b"#!/bin/sh\n", b"<script>"])
    def test_a_program_in_the_preamble_is_not_kept(self, evil):
        receive(a_file(preamble=evil.ljust(128, b"\0")), by=PET1)

        assert stored_bytes(Instance.objects.get())[:132] == bytes(128) + b"DICM"

    def test_text_that_a_database_refuses_is_cleaned_for_the_index(self):
        receive(a_file(StudyDescription="bone\0scan\x07", PatientName="x" * 300), by=PET1)

        study = Study.objects.get()
        assert study.description == "bonescan"
        assert len(study.patient_name) == 200


@pytest.mark.django_db
class TestTheSameUidAgain:
    def test_the_same_content_is_success_and_writes_nothing(self):
        file = a_file(SOPInstanceUID="1.2.3")
        receive(file, by=PET1)
        before = set(store().keys())

        again = receive(file, by=PET1)

        assert again.outcome == "duplicate"
        assert Instance.objects.count() == 1
        assert set(store().keys()) == before
        assert not leftovers()

    def test_other_content_is_kept_aside_and_the_first_copy_stays(self):
        dataset = a_data_set(SOPInstanceUID="1.2.3")
        receive(a_file(dataset), by=PET1)
        first = Instance.objects.get()
        before = stored_bytes(first)
        dataset.PixelData = bytes(128)

        again = receive(a_file(dataset), by=PET1, received_from="PET1")

        refusal = Refusal.objects.get()
        assert (again.outcome, again.reason) == ("conflict", "same_uid_other_content")
        assert stored_bytes(Instance.objects.get()) == before
        assert (refusal.kind, refusal.instance, refusal.received_from) == (
            "conflict",
            first,
            "PET1",
        )
        assert dcmread(store().path(refusal.path)).PixelData == bytes(128)
        assert AuditEvent.objects.filter(verb="archive.conflict").count() == 1

    def test_the_same_other_content_again_makes_no_second_row(self):
        dataset = a_data_set(SOPInstanceUID="1.2.3")
        receive(a_file(dataset), by=PET1)
        dataset.PixelData = bytes(128)

        for _ in range(3):
            receive(a_file(dataset), by=PET1)

        assert Refusal.objects.count() == 1

    def test_a_lost_file_comes_back_when_it_is_sent_again(self):
        file = a_file()
        receive(file, by=PET1)
        instance = Instance.objects.get()
        store().delete(instance.path)

        again = receive(file, by=PET1)

        assert again.outcome == "duplicate"
        assert stored_bytes(Instance.objects.get())[-128:] == file[-128:]

    def test_a_series_is_not_pulled_into_another_study(self):
        receive(a_file(StudyInstanceUID="2.25.1", SeriesInstanceUID="2.25.2"), by=PET1)

        other = receive(a_file(StudyInstanceUID="2.25.7", SeriesInstanceUID="2.25.2"), by=PET1)

        assert (other.outcome, other.reason) == ("conflict", "series_in_other_study")
        assert Study.objects.count() == Series.objects.count() == Instance.objects.count() == 1

    def test_another_patient_number_within_a_study_is_noted(self):
        receive(a_file(PatientID="NM000001"), by=PET1)
        receive(a_file(PatientID="NM000002"), by=PET1)

        assert Study.objects.get().mismatch == ["patient_id_differs_within_study"]


@pytest.mark.django_db
class TestRefused:
    @pytest.mark.parametrize(
        ("attribute", "reason"),
        [
            ("SOPInstanceUID", "invalid_sop_instance_uid"),
            ("StudyInstanceUID", "invalid_study_instance_uid"),
            ("SeriesInstanceUID", "invalid_series_instance_uid"),
        ],
    )
    @pytest.mark.parametrize("bad", [b"../../x ", b"/etc/x", b"1..2", b"1.2\n3 ", "1.三 ".encode()])
    def test_uids_that_are_none(self, attribute, reason, bad):
        file = a_file(**{attribute: "9.8.7.6.5.4.3.2"}).replace(
            b"9.8.7.6.5.4.3.2\0", bad.ljust(16, b"\0")
        )

        received = receive(file, by=PET1)

        assert (received.outcome, received.reason) == ("refused", reason)
        assert not Study.objects.exists()
        # The bytes are kept aside under a name of ours.
        assert store().exists(Refusal.objects.get().path)
        assert all(len(key) == 70 for key in set(store().keys()))

    @pytest.mark.parametrize(
        "file", [b"", b"hello", bytes(200), bytes(128) + b"DICM", b"PK\3\4" + bytes(300)]
    )
    def test_what_is_no_dicom(self, file):
        assert receive(file, by=PET1).outcome == "refused"

    def test_announced_under_another_uid_or_class(self):
        file = a_file(SOPInstanceUID="1.2.3")

        other_uid = spooled(file, "1.2.3", told="1.2.4")
        other_class = spooled(file, "1.2.3", cls="1.2.840.10008.5.1.4.1.1.2")

        assert (other_uid.outcome, other_uid.reason) == ("refused", "other_sop_instance")
        assert (other_class.outcome, other_class.reason) == ("refused", "other_sop_class")
        assert not Instance.objects.exists()
        assert Refusal.objects.count() == 2

    def test_larger_than_the_limit(self):
        with pytest.raises(ingest.ObjectRefused) as refused:
            spooled(a_file(SOPInstanceUID="1.2.3"), "1.2.3", limit=100)

        assert refused.value.reason == "too_large"
        assert not leftovers()

    def test_a_reader_that_breaks_refuses_the_object_and_nothing_else(self, monkeypatch):
        def broken(*unused):
            raise RecursionError

        monkeypatch.setattr(ingest, "read_header", broken)

        assert receive(a_file(), by=PET1).reason == "unreadable"
        assert spooled(a_file(SOPInstanceUID="1.2.3"), "1.2.3").reason == "unreadable"


@pytest.mark.django_db
class TestFaults:
    def test_a_full_disk_is_said_and_leaves_nothing(self, monkeypatch):
        def full(self, temporary):
            raise OSError(errno.ENOSPC, "no space left")

        monkeypatch.setattr(LocalStore, "put_file", full)

        with pytest.raises(StorageExhausted) as refused:
            receive(a_file(), by=PET1)

        assert refused.value.reason == "disk_full"
        assert not leftovers()
        assert not Instance.objects.exists()

    def test_a_disk_that_fills_up_while_an_object_comes_in(self, monkeypatch):
        spool = Spool()
        spool.begin("1.2.3", "1.2.4", "1.2.840.10008.1.2.1")

        def full(data):
            raise OSError(errno.ENOSPC, "no space left")

        spool._file.close()
        spool._file = type("Full", (), {"write": staticmethod(full), "close": lambda self: None})()
        spool.write(b"abc")
        spool.write(b"def")

        assert spool.failure == "disk_full"
        assert not leftovers()
        with pytest.raises(StorageExhausted):
            receive_spooled(spool, sop_class_uid="1.2.3", sop_instance_uid="1.2.4", by=PET1)

    def test_a_failing_database_leaves_a_whole_orphan_and_no_row(self, monkeypatch):
        def down(*unused, **also):
            raise OperationalError("the database is down")

        monkeypatch.setattr(Instance.objects, "create", down)

        with pytest.raises(OperationalError), transaction.atomic():
            receive(a_file(), by=PET1)

        assert not Instance.objects.exists()
        assert not leftovers()


@pytest.mark.django_db(transaction=True)
class TestTwoAssociations:
    def send(self, files: list[bytes]) -> Counter:
        outcomes: Counter = Counter()
        ready = threading.Barrier(len(files))

        def work(file: bytes) -> None:
            try:
                ready.wait()
                outcomes[receive(file, by=PET1).outcome] += 1
            finally:
                connection.close()

        threads = [threading.Thread(target=work, args=(file,)) for file in files]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return outcomes

    def test_the_same_object_at_the_same_instant_fifty_times(self):
        for number in range(50):
            file = a_file(SOPInstanceUID=f"1.2.{number + 1}")

            outcomes = self.send([file, file])

            assert outcomes == {"stored": 1, "duplicate": 1}
            instance = Instance.objects.get(sop_instance_uid=f"1.2.{number + 1}")
            assert hashlib.sha256(data_set_bytes(file)).hexdigest() == instance.sha256
        assert Instance.objects.count() == 50
        assert len({row.path for row in Instance.objects.all()}) == 50
        assert not leftovers()

    def test_two_contents_under_one_uid_at_the_same_instant(self):
        for number in range(10):
            one = a_data_set(SOPInstanceUID=f"1.2.{number + 1}")
            other = a_data_set(SOPInstanceUID=f"1.2.{number + 1}", PixelData=bytes(128))

            outcomes = self.send([a_file(one), a_file(other)])

            assert outcomes == {"stored": 1, "conflict": 1}
        assert Instance.objects.count() == Refusal.objects.count() == 10

    def test_new_studies_from_many_associations(self):
        files = [
            a_file(StudyInstanceUID="2.25.5", SeriesInstanceUID=f"2.25.6.{n}") for n in range(8)
        ]

        assert self.send(files) == {"stored": 8}
        assert (Study.objects.count(), Series.objects.count()) == (1, 8)


@pytest.mark.django_db
def test_a_lost_disk_is_not_hidden_by_a_new_store():
    receive(a_file(), by=PET1)
    marker = store().root / MARKER
    marker.unlink()

    create_empty_store()
    lost = not marker.exists()
    Instance.objects.all().delete()
    create_empty_store()

    assert lost and marker.exists()
