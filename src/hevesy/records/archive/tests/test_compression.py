"""Packing: a reader never notices, a crash at any step loses nothing (clause 1.2)."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone
from pydicom import dcmread
from pydicom.uid import ImplicitVRLittleEndian

from hevesy.foundation.accounts.actors import PermissionRefused, system_actor
from hevesy.foundation.audit.models import AuditEvent
from hevesy.foundation.files.store import store
from hevesy.foundation.jobs.models import Job
from hevesy.imaging.dicomio.series import read_series
from hevesy.records.archive import compression, jobs, stored
from hevesy.records.archive.compression import pack_some, release_retired, savings, set_rule
from hevesy.records.archive.fsck import check
from hevesy.records.archive.ingest import receive
from hevesy.records.archive.models import Instance, RetiredObject, Study
from hevesy.records.archive.queries import (
    instance_path,
    local_paths,
    open_data_set,
    open_instance,
)
from hevesy.records.archive.testing import a_file

pytestmark = [pytest.mark.django_db, pytest.mark.clause("1.2")]
ARCHIVE = system_actor("archive", "archive.store")
SYSADMIN = system_actor("sysadmin", "system.manage")
AN_HOUR_LATER = timedelta(seconds=compression.RETIRED_S + 1)


def a_slice(number: int = 1, **attributes: object) -> bytes:
    rows, columns = np.mgrid[0:128, 0:128]
    body = (1000 * np.exp(-((rows - 64) ** 2 + (columns - 60) ** 2) / 800)).astype("<u2")
    return a_file(
        InstanceNumber=number,
        Rows=128,
        Columns=128,
        PixelData=(body * number).astype("<u2").tobytes(),
        PixelSpacing=["4", "4"],
        SliceThickness="4",
        ImageOrientationPatient=["1", "0", "0", "0", "1", "0"],
        ImagePositionPatient=["0", "0", str(4 * number)],
        FrameOfReferenceUID="2.25.3",
        RescaleSlope="1",
        RescaleIntercept="0",
        **attributes,
    )


def quiet() -> None:
    """The study came yesterday and has been counted."""
    Study.objects.update(stable_at=timezone.now() - timedelta(hours=25))


@pytest.fixture
def a_quiet_instance() -> Instance:
    instance = receive(a_slice(), by=ARCHIVE).instance
    quiet()
    return instance


def test_what_a_reader_gets_is_what_was_sent(a_quiet_instance):
    sent = open_instance(a_quiet_instance).read()

    assert pack_some(by=ARCHIVE) == 1

    packed = Instance.objects.get()
    assert packed.form == "jpeg-ls" and packed.packed_size < packed.size / 4
    assert store().size(packed.path) == packed.packed_size
    assert open_instance(packed).read() == sent
    assert instance_path(packed).read_bytes() == sent
    assert open_data_set(packed).read() == sent[packed.data_set_offset :]
    assert packed.sha256 == a_quiet_instance.sha256 == stored.data_set_sha256(packed)
    assert list(check(full=True, by=ARCHIVE)) == []


def test_the_received_form_goes_an_hour_later_and_no_sooner(a_quiet_instance):
    old = a_quiet_instance.path
    pack_some(by=ARCHIVE)

    assert release_retired() == 0 and store().exists(old)
    assert release_retired(now=timezone.now() + AN_HOUR_LATER) == 1

    assert not store().exists(old) and not RetiredObject.objects.exists()
    assert list(check(full=True, by=ARCHIVE)) == []
    assert len(list(store().keys())) == 1


def test_a_packed_form_that_broke_meanwhile_gives_way_to_the_received_one(a_quiet_instance):
    pack_some(by=ARCHIVE)
    packed = Instance.objects.get()
    path = store().path(packed.path)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-9] + b"!" + path.read_bytes()[-8:])

    assert release_retired(now=timezone.now() + AN_HOUR_LATER) == 0

    back = Instance.objects.get()
    assert (back.path, back.form, back.packed_size) == (a_quiet_instance.path, "received", None)
    assert stored.is_unchanged(back)


def test_a_damaged_packed_object_is_an_error_and_never_another_image(a_quiet_instance):
    pack_some(by=ARCHIVE)
    packed = Instance.objects.get()
    path = store().path(packed.path)
    content = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(content[:3000] + bytes([content[3000] ^ 1]) + content[3001:])

    with pytest.raises(stored.ObjectDamaged):
        open_instance(packed)
    assert [finding.kind for finding in check(full=True, by=ARCHIVE)] == ["changed"]


def test_a_crash_before_the_switch_leaves_an_orphan_that_a_repair_removes(
    a_quiet_instance, monkeypatch
):
    def crash(*_unused, **_also):
        raise SystemExit

    monkeypatch.setattr(compression, "_switch", crash)
    with pytest.raises(SystemExit):
        pack_some(by=ARCHIVE)
    assert [finding.kind for finding in check(by=ARCHIVE)] == ["orphan"]

    monkeypatch.setattr("hevesy.records.archive.fsck.ORPHAN_AGE_S", -1)
    kinds = [finding.kind for finding in check(repair=True, by=ARCHIVE)]

    assert kinds == ["removed"]
    assert Instance.objects.get().path == a_quiet_instance.path
    assert store().exists(a_quiet_instance.path)


def test_an_object_whose_row_was_lost_comes_back_out_of_its_packed_form(
    a_quiet_instance, monkeypatch
):
    sent = open_instance(a_quiet_instance).read()
    pack_some(by=ARCHIVE)
    release_retired(now=timezone.now() + AN_HOUR_LATER)
    Study.objects.all().delete()

    monkeypatch.setattr("hevesy.records.archive.fsck.ORPHAN_AGE_S", -1)
    list(check(repair=True, by=ARCHIVE))

    assert open_instance(Instance.objects.get()).read() == sent


def test_a_crash_between_removal_and_its_row_is_made_good(a_quiet_instance):
    pack_some(by=ARCHIVE)
    store().delete(a_quiet_instance.path)

    assert release_retired(now=timezone.now() + AN_HOUR_LATER) == 1
    assert stored.is_unchanged(Instance.objects.get())


def test_an_object_sent_again_is_a_duplicate_also_when_packed(a_quiet_instance):
    sent = open_instance(a_quiet_instance).read()
    pack_some(by=ARCHIVE)
    release_retired(now=timezone.now() + AN_HOUR_LATER)

    assert receive(sent, by=ARCHIVE).outcome == "duplicate"
    assert Instance.objects.get().is_packed and len(list(store().keys())) == 1


def test_a_lost_packed_object_is_healed_by_sending_it_again(a_quiet_instance):
    sent = open_instance(a_quiet_instance).read()
    pack_some(by=ARCHIVE)
    store().delete(Instance.objects.get().path)

    receive(sent, by=ARCHIVE)

    healed = Instance.objects.get()
    assert not healed.is_packed and open_instance(healed).read() == sent


def test_a_series_of_packed_implicit_slices_reads_as_the_same_volume():
    files = [a_slice(n, transfer_syntax_uid=ImplicitVRLittleEndian) for n in range(1, 5)]
    for file in files:
        series = receive(file, by=ARCHIVE).instance.series
    before = read_series(local_paths(series))
    quiet()

    pack_some(by=ARCHIVE)

    assert Instance.objects.exclude(packed_size=None).count() == 4
    after = read_series(local_paths(series))
    assert np.array_equal(after.array, before.array) and after.units == before.units
    assert dcmread(local_paths(series)[0]).PatientName == "Li^Si"


def test_fresh_and_unquiet_and_unfit_objects_stay_as_they_are():
    receive(a_slice(), by=ARCHIVE)
    assert pack_some(by=ARCHIVE) == 0, "its study is not quiet yet"

    small = receive(a_file(), by=ARCHIVE).instance
    quiet()
    assert pack_some(by=ARCHIVE) == 2
    small.refresh_from_db()

    assert (small.form, small.is_packed) == ("received", False)
    assert pack_some(by=ARCHIVE) == 0, "it is not tried for ever"


def test_a_rule_decides_for_its_modality_and_kind_and_is_audited(a_quiet_instance):
    with pytest.raises(PermissionRefused):
        set_rule(ARCHIVE, modality="PT", kind="original", codec="none", after_hours=1)
    set_rule(SYSADMIN, modality="PT", kind="original", codec="none", after_hours=1)
    assert not compression.anything_due() and pack_some(by=ARCHIVE) == 0

    set_rule(SYSADMIN, modality="PT", kind="original", codec="htj2k", after_hours=1)
    pack_some(by=ARCHIVE)

    assert Instance.objects.get().form == "htj2k"
    assert [saved.modality for saved in savings()] == ["PT"] and savings()[0].ratio > 4
    verbs = AuditEvent.objects.filter(verb__startswith="archive.compress")
    assert [event.verb for event in verbs.order_by("pk")] == [
        "archive.compression",
        "archive.compression",
        "archive.compress",
    ]


def test_a_new_rule_looks_again_at_what_the_old_one_left():
    receive(a_slice(), by=ARCHIVE)
    quiet()
    Instance.objects.update(form="received")

    set_rule(SYSADMIN, modality="CT", kind="original", codec="htj2k", after_hours=24)
    assert not compression.anything_due()
    set_rule(SYSADMIN, modality="PT", kind="original", codec="htj2k", after_hours=24)

    assert compression.anything_due()


def test_results_follow_their_own_rule():
    secondary = "1.2.840.10008.5.1.4.1.1.7"
    receive(a_slice(SOPClassUID=secondary), by=ARCHIVE)
    quiet()

    pack_some(by=ARCHIVE)

    assert Instance.objects.get().form == "deflate"


def test_the_clock_asks_for_a_job_of_low_priority_only_when_there_is_work(a_quiet_instance):
    jobs.compress_due()
    jobs.compress_due()

    job = Job.objects.get(queue="compression")
    assert job.priority == -50
    jobs.compress.func()
    assert Instance.objects.get().is_packed
