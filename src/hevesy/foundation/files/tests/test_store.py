"""The object store: whole or absent, never half, never elsewhere."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from hevesy.foundation.files.store import (
    MARKER,
    LocalStore,
    StoreFull,
    StoreMissing,
    is_filling,
    sha256_of_file,
)


@pytest.fixture
def a_store(tmp_path: Path) -> LocalStore:
    place = LocalStore(tmp_path / "objects", reserve_bytes=0)
    place.create()
    return place


def test_an_object_is_found_under_the_hash_of_its_content(a_store: LocalStore) -> None:
    key = a_store.put_bytes(b"F-18")

    digest = hashlib.sha256(b"F-18").hexdigest()
    assert key == f"{digest[:2]}/{digest[2:4]}/{digest}"
    assert a_store.open(key).read() == b"F-18"
    assert a_store.size(key) == 4
    assert list(a_store.keys()) == [key]
    assert not list((a_store.root / "tmp").iterdir())


def test_the_same_content_is_stored_once(a_store: LocalStore) -> None:
    assert a_store.put_bytes(b"Tc-99m") == a_store.put_bytes(b"Tc-99m")
    assert len(list(a_store.keys())) == 1


def test_a_received_file_is_moved_in(a_store: LocalStore) -> None:
    temporary = a_store.temporary_path()
    temporary.write_bytes(b"I-131")

    key = a_store.put_file(temporary)

    assert not temporary.exists()
    assert sha256_of_file(a_store.path(key)) == key[-64:]


def test_file_and_folders_are_synced_before_the_key_is_returned(
    a_store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real_fsync = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        real_fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    key = a_store.put_bytes(b"Ga-68")

    assert synced[0].startswith(f"{os.getpid()}.")
    assert synced[1:] == ["objects", key[:2], key[3:5]]


def test_a_failed_fsync_leaves_no_object(
    a_store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="Input/output"):
        a_store.put_bytes(b"Lu-177")

    assert not list(a_store.keys())
    assert not list((a_store.root / "tmp").iterdir())


def test_nothing_is_written_where_the_marker_is_missing(a_store: LocalStore) -> None:
    (a_store.root / MARKER).unlink()

    with pytest.raises(StoreMissing):
        a_store.put_bytes(b"Y-90")


def test_a_nearly_full_disk_takes_no_more_objects(a_store: LocalStore) -> None:
    a_store.reserve_bytes = 1 << 60

    with pytest.raises(StoreFull):
        a_store.put_bytes(b"Y-90")


@pytest.mark.parametrize("key", ["../../etc/passwd", "/etc/passwd", "ab/cd/" + "x" * 64, "", "ab"])
def test_only_keys_of_our_own_making_are_opened(a_store: LocalStore, key: str) -> None:
    for use in (a_store.open, a_store.path, a_store.delete, a_store.exists):
        with pytest.raises(ValueError, match="not a key"):
            use(key)


def test_sweeping_removes_old_temporaries_only(a_store: LocalStore) -> None:
    old, fresh = a_store.temporary_path(), a_store.temporary_path()
    old.write_bytes(b"half")
    fresh.write_bytes(b"half")
    os.utime(old, (0, 0))

    assert a_store.sweep_temporaries(older_than_s=3600) == 1
    assert fresh.exists()


def test_a_store_that_fills_warns_before_it_refuses(
    a_store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(a_store.root)
    for used, filling in ((80, False), (86, True), (100, True)):
        left = usage._replace(total=100_000, used=used * 1000, free=100_000 - used * 1000)
        monkeypatch.setattr(shutil, "disk_usage", lambda _path, left=left: left)
        assert is_filling(a_store) is filling
    with pytest.raises(StoreFull):
        a_store.put_bytes(b"F-18")
