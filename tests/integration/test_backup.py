"""The drill: save a running house, restore it to an empty home, compare every hash (clause 1.1, reliability J14)."""

from __future__ import annotations

import io
import os
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import numpy as np
import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from hevesy.config.backup import databases
from hevesy.foundation.accounts.actors import system_actor
from hevesy.foundation.audit.models import AuditEvent
from hevesy.foundation.files.actions import store_file
from hevesy.foundation.files.store import store
from hevesy.foundation.jobs.models import Lease
from hevesy.records.archive import compression
from hevesy.records.archive.ingest import receive
from hevesy.records.archive.models import Instance, Study
from hevesy.records.archive.testing import a_file

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clause("1.1")]
ARCHIVE = system_actor("archive", "archive.store")


@pytest.fixture(autouse=True)
def a_small_house(settings, tmp_path: Path) -> None:
    """Three objects, one of them packed, and a file."""
    settings.STORAGE_URL = f"file:{tmp_path / 'objects'}"
    store().create()
    slope = np.add.outer(np.arange(128), np.arange(128)).astype("<u2").tobytes()
    receive(a_file(), by=ARCHIVE)
    receive(a_file(Rows=128, Columns=128, PixelData=slope, InstanceNumber=2), by=ARCHIVE)
    Study.objects.update(stable_at=timezone.now() - timezone.timedelta(hours=25))
    compression.pack_some(by=ARCHIVE)
    receive(a_file(InstanceNumber=3), by=ARCHIVE)
    store_file(b"%PDF-1.7", name="slip.pdf", media_type="application/pdf", kind="k", by=ARCHIVE)
    assert Instance.objects.exclude(packed_size=None).count() == 1


@pytest.fixture
def an_empty_database(tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables, of the kind that the tests run on."""
    if connection.vendor == "sqlite":
        yield f"sqlite:///{tmp_path / 'new' / 'hevesy.sqlite3'}"
        return
    values = connection.settings_dict
    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE drill")
    login = f"{quote(values['USER'])}:{quote(values['PASSWORD'])}"
    yield f"postgresql://{login}@:{values['PORT']}/drill?host={quote(values['HOST'])}"
    with connection.cursor() as cursor:
        cursor.execute("DROP DATABASE drill WITH (FORCE)")


def hevesy(database: str, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("HEVESY_", "DJANGO"))
    }
    return subprocess.run(
        [sys.executable, "-m", "hevesy", *words],
        env=environment | {"HEVESY_HOME": str(home), "HEVESY_DATABASE_URL": database},
        capture_output=True,
        text=True,
        check=False,
    )


def rows(database: str, query: str) -> list[str]:
    """The first column of a query on the restored database."""
    if database.startswith("sqlite"):
        with closing(sqlite3.connect(database.removeprefix("sqlite:///"))) as restored:
            return [row[0] for row in restored.execute(query)]
    with psycopg.connect(database) as restored:
        return [row[0] for row in restored.execute(query)]


def test_everything_comes_back_in_an_empty_home(tmp_path, settings, an_empty_database):
    file, home = tmp_path / "house.tar", tmp_path / "new"
    call_command("backup", str(file), stdout=io.StringIO())

    restored = hevesy(an_empty_database, home, "restore", str(file))

    assert restored.returncode == 0, restored.stderr
    checked = hevesy(an_empty_database, home, "fsck", "--full")
    assert checked.returncode == 0 and "everything is in its place" in checked.stdout
    objects = {path.name for path in (home / "objects").glob("??/??/*")}
    assert objects == {Path(key).name for key in list(store().keys())}
    hashes = rows(an_empty_database, "SELECT sha256 FROM archive_instance ORDER BY id")
    assert hashes == list(Instance.objects.order_by("pk").values_list("sha256", flat=True))
    before = AuditEvent.objects.exclude(verb="system.backup").order_by("pk")
    assert rows(an_empty_database, "SELECT mac FROM audit_auditevent ORDER BY id") == list(
        before.values_list("mac", flat=True)
    )
    assert rows(an_empty_database, "SELECT name FROM jobs_lease WHERE name = 'backup'") == []
    key = Path("keys") / "audit_key"
    assert (home / key).read_text() == (Path(settings.HOME) / key).read_text()
    assert AuditEvent.objects.filter(verb="system.backup").exists()


def test_a_house_that_is_not_empty_is_not_restored_over(tmp_path):
    with pytest.raises(CommandError, match="has tables already"):
        call_command("restore", str(tmp_path / "house.tar"))


@pytest.mark.parametrize("damage", ["cut", "bit", "database"])
def test_a_damaged_backup_is_refused_before_a_database_appears(
    tmp_path, settings, monkeypatch, damage
):
    file = tmp_path / "house.tar"
    call_command("backup", str(file), stdout=io.StringIO())
    content = bytearray(file.read_bytes())
    with tarfile.open(file) as tar:
        wanted = "database/" if damage == "database" else "objects/"
        victim = next(one for one in tar if one.name.startswith(wanted))
    if damage == "cut":
        del content[victim.offset :]
    else:
        content[victim.offset_data + victim.size - 1] ^= 1
    file.write_bytes(content)
    settings.STORAGE_URL = f"file:{tmp_path / 'elsewhere'}"
    monkeypatch.setattr(databases, "is_empty", lambda: True)
    monkeypatch.setattr(databases, "load", lambda *_all: pytest.fail("it was loaded"))

    with pytest.raises(CommandError, match="damaged"):
        call_command("restore", str(file))


def test_an_object_that_is_gone_is_named_and_the_command_fails(tmp_path):
    lost = Instance.objects.first()
    store().delete(lost.path)
    said = io.StringIO()

    with pytest.raises(CommandError):
        call_command("backup", str(tmp_path / "house.tar"), stdout=said)

    assert f"missing: {lost.path}" in said.getvalue()
    assert (tmp_path / "house.tar").stat().st_mode & 0o077 == 0


def test_nothing_is_removed_while_a_backup_runs_and_there_is_one_at_a_time(tmp_path):
    later = timezone.now() + timezone.timedelta(hours=2)
    Lease.objects.create(name="backup", owner="another", until=later)

    assert compression.release_retired(now=later) == 0
    with pytest.raises(CommandError, match="another backup"):
        call_command("backup", str(tmp_path / "house.tar"))

    Lease.objects.filter(name="backup").delete()
    assert compression.release_retired(now=later) == 1


def test_an_existing_file_is_never_overwritten(tmp_path):
    (tmp_path / "house.tar").write_bytes(b"last week")

    with pytest.raises(CommandError, match="there already"):
        call_command("backup", str(tmp_path / "house.tar"))

    assert (tmp_path / "house.tar").read_bytes() == b"last week"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["house.tar", "objects"]
