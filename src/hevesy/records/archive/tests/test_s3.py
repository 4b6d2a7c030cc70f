"""The archive over an S3-compatible store: the same promises as on a disk (design §2.4, reliability J9)."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from importlib.util import find_spec

import numpy as np
import obstore
import pytest
from django.db.models.signals import pre_save
from django.utils import timezone

from hevesy.foundation.accounts.actors import system_actor
from hevesy.foundation.files.s3 import S3Store
from hevesy.foundation.files.store import StoreError, StoreMissing, store
from hevesy.records.archive.compression import pack_some, release_retired
from hevesy.records.archive.fsck import check
from hevesy.records.archive.ingest import receive
from hevesy.records.archive.models import Instance, Study
from hevesy.records.archive.queries import instance_path, open_data_set, open_instance
from hevesy.records.archive.refusals import StorageExhausted
from hevesy.records.archive.testing import a_file, data_set_bytes

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.peer,
    pytest.mark.clause("1.2"),
    pytest.mark.skipif(find_spec("moto") is None, reason="moto, the S3 server, is not installed"),
]
PET1 = system_actor("PET1", "archive.store")


@pytest.fixture(scope="module")
def an_s3_server() -> Iterator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    for _attempt in range(200):
        try:
            urllib.request.urlopen(f"{address}/moto-api/").close()
            break
        except OSError:
            time.sleep(0.05)
    yield address
    server.kill()
    server.wait()


@pytest.fixture
def a_bucket(an_s3_server, settings, monkeypatch, tmp_path) -> S3Store:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "hevesy")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a key for tests only")
    bucket = f"b{time.monotonic_ns()}"
    made = urllib.request.Request(f"{an_s3_server}/{bucket}", method="PUT")
    urllib.request.urlopen(made).close()
    settings.HOME = tmp_path / "home"
    settings.STORAGE_URL = f"s3://{bucket}/images?endpoint={an_s3_server}"
    store().create()
    return store()


def no_copies(bucket: S3Store) -> None:
    """As on another machine, or after the local disk was lost."""
    shutil.rmtree(bucket.folder)
    bucket._make_folders()


def test_an_object_comes_back_bit_for_bit_on_another_machine(a_bucket):
    file = a_file()

    received = receive(file, by=PET1)

    no_copies(a_bucket)
    assert received.outcome == "stored" and received.instance
    assert open_data_set(received.instance).read() == data_set_bytes(file)
    assert instance_path(received.instance).read_bytes()[-len(data_set_bytes(file)) :] == (
        data_set_bytes(file)
    )
    assert not list((a_bucket.folder / "tmp").iterdir())
    assert receive(file, by=PET1).outcome == "duplicate"
    assert list(check(full=True, by=PET1)) == []


def test_a_frame_is_read_without_the_rest(a_bucket, monkeypatch):
    content = bytes(range(256)) * 8192
    key = a_bucket.put_bytes(content)
    no_copies(a_bucket)
    lengths: list[int] = []
    real = obstore.get_range

    def get_range(client, path, *, start, length):
        lengths.append(length)
        return real(client, path, start=start, length=length)

    monkeypatch.setattr(obstore, "get_range", get_range)

    with a_bucket.open(key) as file:
        file.seek(1_000_001)
        assert file.read(300) == content[1_000_001:1_000_301]
        file.seek(-5, 2)
        assert file.read() == content[-5:]

    assert sum(lengths) < 140_000


def test_an_object_is_in_the_store_before_its_row(a_bucket, monkeypatch):
    order: list[str] = []
    put, head = obstore.put, obstore.head
    monkeypatch.setattr(obstore, "put", lambda *a, **k: (order.append("put"), put(*a, **k))[1])
    monkeypatch.setattr(obstore, "head", lambda *a, **k: (order.append("look"), head(*a, **k))[1])
    pre_save.connect(
        lambda **_k: order.append("row"), sender=Instance, weak=False, dispatch_uid="order"
    )

    receive(a_file(), by=PET1)

    pre_save.disconnect(sender=Instance, dispatch_uid="order")
    assert order[order.index("put") :] == ["put", "look", "row"]


def test_bytes_damaged_on_the_way_are_not_acknowledged(a_bucket, monkeypatch):
    put = obstore.put
    monkeypatch.setattr(
        obstore,
        "put",
        lambda client, key, file, **k: put(client, key, file.read_bytes()[:-1] + b"!", **k),
    )

    with pytest.raises(StorageExhausted):
        receive(a_file(), by=PET1)

    assert not Instance.objects.exists()
    assert not list((a_bucket.folder / "tmp").iterdir())


def test_a_large_object_goes_up_in_parts_and_is_read_back(a_bucket, monkeypatch):
    monkeypatch.setattr("hevesy.foundation.files.s3.ONE_PUT_BYTES", 1024)
    content = bytes(6 * 1024**2)

    key = a_bucket.put_bytes(content)

    no_copies(a_bucket)
    assert a_bucket.path(key).read_bytes() == content


def test_a_server_that_is_gone_refuses_and_loses_nothing(an_s3_server, a_bucket, tmp_path):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        gone = S3Store(
            "bucket",
            prefix="",
            endpoint=endpoint,
            region="us-east-1",
            folder=tmp_path / "elsewhere",
            patience_s=1,
        )
        with pytest.raises(StoreError):
            gone.put_bytes(b"F-18")
    assert not list((tmp_path / "elsewhere").glob("tmp/*"))


def test_a_bucket_without_marker_is_not_written_to(a_bucket):
    obstore.delete(a_bucket._client, ".hevesy-root")
    a_bucket._seen_at = float("-inf")

    with pytest.raises(StoreMissing):
        a_bucket.put_bytes(b"F-18")


def test_fsck_sees_what_changed_and_what_was_lost_on_the_server(a_bucket):
    changed = receive(a_file(), by=PET1).instance
    lost = receive(a_file(InstanceNumber=2), by=PET1).instance
    size = a_bucket.size(changed.path)
    obstore.put(a_bucket._client, changed.path, bytes(size))
    obstore.delete(a_bucket._client, lost.path)

    found = {finding.kind: finding.key for finding in check(full=True, by=PET1)}

    assert found == {"changed": changed.path, "lost": lost.path}


def test_quiet_objects_are_packed_in_the_bucket_and_a_damaged_one_stops_nothing(a_bucket):
    slope = np.add.outer(np.arange(128), np.arange(128)).astype("<u2").tobytes()
    files = [a_file(Rows=128, Columns=128, PixelData=slope, InstanceNumber=n) for n in (1, 2)]
    damaged, whole = (receive(file, by=PET1).instance for file in files)
    no_copies(a_bucket)
    obstore.put(a_bucket._client, damaged.path, bytes(damaged.size))
    Study.objects.update(stable_at=timezone.now() - timedelta(hours=25))

    pack_some(by=PET1)
    release_retired(now=timezone.now() + timedelta(hours=2))

    no_copies(a_bucket)
    forms = dict(Instance.objects.values_list("pk", "form"))
    assert forms == {damaged.pk: "received", whole.pk: "jpeg-ls"}
    assert not a_bucket.exists(whole.path)
    assert open_data_set(Instance.objects.get(pk=whole.pk)).read() == data_set_bytes(files[1])


def test_copies_that_nobody_uses_make_room(a_bucket):
    key = a_bucket.put_bytes(b"Tc-99m")
    copy = a_bucket._copy(key)
    a_bucket.cache_bytes = 0
    a_bucket.sweep_temporaries(older_than_s=60)
    assert copy.exists(), "it was used a moment ago"

    os.utime(copy, (0, 0))
    a_bucket.sweep_temporaries(older_than_s=60)

    assert not copy.exists()
    with a_bucket.open(key) as file:
        assert file.read() == b"Tc-99m"


def test_a_stored_object_streams_through_the_same_door(a_bucket):
    file = a_file()
    instance = receive(file, by=PET1).instance
    no_copies(a_bucket)

    with open_instance(instance) as stream:
        assert stream.read()[instance.data_set_offset :] == data_set_bytes(file)
