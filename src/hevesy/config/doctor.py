"""The examinations of `hevesy doctor`."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from hevesy.foundation.accounts.checks import start_refusals
from hevesy.foundation.audit import triggers
from hevesy.foundation.files.store import store
from hevesy.foundation.jobs.clock import LEASE
from hevesy.foundation.jobs.leases import database_now
from hevesy.foundation.jobs.models import Job, Lease

Grade = Literal["ok", "WARN", "FAIL"]
NETWORK_FILE_SYSTEMS = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs"}
LARGEST_SKEW_S = 300


@dataclass(frozen=True)
class Finding:
    """One line of the report; a warning or failure says what to do."""

    grade: Grade
    what: str


def examine() -> Iterator[Finding]:
    """Every examination in turn; after a database that cannot be reached nothing that needs it."""
    yield from _program()
    yield from _files()
    try:
        connection.ensure_connection()
    except DatabaseError as failure:
        yield Finding("FAIL", f"database: {failure}".strip())
        return
    for look in (_database, _schema, _clocks, _jobs, _refusals):
        try:
            yield from look()
        except DatabaseError as failure:
            yield Finding("FAIL", f"{look.__name__.strip('_')}: {failure}".strip())


def _program() -> Iterator[Finding]:
    version = sys.version.split()[0]
    yield Finding("ok", f"Python {version}, SQLite {sqlite3.sqlite_version}")
    catalogues = list(Path(__file__).parents[1].glob("**/zh_Hans/LC_MESSAGES/django.po"))
    stale = [path for path in catalogues if not path.with_suffix(".mo").exists()]
    if stale:
        yield Finding(
            "WARN", f"{len(stale)} message catalogues are not compiled: run `make messages`"
        )
    for program, use in (("dcmdump", "peer tests"), ("chromium", "browser tests")):
        if shutil.which(program) is None:
            yield Finding("WARN", f"{program} is not installed (only for {use})")


def _files() -> Iterator[Finding]:
    try:
        place = store()
        place.check()
        yield Finding("ok", f"storage {place.place}: {place.free_bytes() / 1e9:.1f} GB free")
    except OSError as failure:
        yield Finding("FAIL", f"storage: {failure}")
    for key in (settings.HOME / "keys").glob("*"):
        if key.stat().st_mode & 0o077:
            yield Finding("FAIL", f"others can read {key}: chmod 600 {key}")


def _database() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT version()")
            yield Finding("ok", cursor.fetchone()[0].split(",")[0])
            return
        path = Path(str(connection.settings_dict["NAME"]))
        kind = file_system(path)
        if kind in NETWORK_FILE_SYSTEMS:
            yield Finding("FAIL", f"SQLite on {kind} loses data: move HEVESY_HOME to a local disk")
        cursor.execute("PRAGMA quick_check(5)")
        answers = [row[0] for row in cursor.fetchall()]
        if answers != ["ok"]:
            yield Finding("FAIL", f"SQLite is damaged, restore a backup: {'; '.join(answers)}")
        else:
            yield Finding("ok", f"SQLite {path}: {path.stat().st_size / 1e6:.1f} MB, whole")


def file_system(path: Path, mounts: Path = Path("/proc/mounts")) -> str:
    """The file system type under `path`; empty where the system does not tell."""
    if not mounts.exists():
        return ""
    best, kind = "", ""
    for line in mounts.read_text().splitlines():
        _device, point, candidate, *_rest = line.split()
        inside = os.path.commonpath([point, path.resolve()]) == point
        if inside and len(point) >= len(best):
            best, kind = point, candidate
    return kind


def _schema() -> Iterator[Finding]:
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        yield Finding("FAIL", f"{len(waiting)} migrations wait: run `hevesy migrate`")
        return
    lost = triggers.missing(connection)
    if lost:
        yield Finding(
            "FAIL", f"append-only triggers are gone: {', '.join(lost)}; run `hevesy migrate`"
        )
    yield Finding("ok", "schema is that of this version")


def _clocks() -> Iterator[Finding]:
    skew_s = abs((timezone.now() - database_now()).total_seconds())
    if skew_s > LARGEST_SKEW_S:
        yield Finding("FAIL", f"this clock and the database's differ by {skew_s:.0f} s: set up NTP")
    clock = Lease.objects.filter(name=LEASE).first()
    if clock is None or clock.until < database_now():
        yield Finding("WARN", "no clock runs: audit rows are not sealed (hevesy run, hevesy clock)")


def _jobs() -> Iterator[Finding]:
    dead = Job.objects.filter(state=Job.State.DEAD).count()
    if dead:
        yield Finding("WARN", f"{dead} jobs were given up: see /jobs/")


def _refusals() -> Iterator[Finding]:
    for refusal in start_refusals(settings.HTTP_ADDRESS):
        yield Finding("FAIL", str(refusal))
