"""Pytest plugin: transactional tests end with a restored database instead of a flush.

Django's flush deletes rows, which append-only tables refuse, and rightly so. The database is copied once before the
first transactional test and put back whole after each: on SQLite by its backup interface, on PostgreSQL by
`CREATE DATABASE … TEMPLATE`. It is quicker than a flush and keeps what migrations have written.
"""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, connections
from django.test import TransactionTestCase


class _Copy:
    """The database as it was before the first transactional test."""

    def __init__(self) -> None:
        self.sqlite: sqlite3.Connection | None = None
        self.postgresql = ""

    def take(self) -> None:
        if self.sqlite is not None or self.postgresql:
            return
        connections.close_all()
        if connection.vendor == "sqlite":
            self.sqlite = sqlite3.connect(":memory:", check_same_thread=False)
            with sqlite3.connect(connection.settings_dict["NAME"]) as source:
                source.backup(self.sqlite)
            source.close()
        else:
            name = connection.settings_dict["NAME"]
            self.postgresql = f"{name}_copy"
            _administer(
                f'DROP DATABASE IF EXISTS "{self.postgresql}" WITH (FORCE)',
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
                f'CREATE DATABASE "{self.postgresql}" TEMPLATE "{name}"',
            )

    def put_back(self) -> None:
        connections.close_all()
        if self.sqlite is not None:
            target = sqlite3.connect(connection.settings_dict["NAME"], timeout=30)
            self.sqlite.backup(target)
            target.close()
        else:
            name = connection.settings_dict["NAME"]
            _administer(
                f'DROP DATABASE "{name}" WITH (FORCE)',
                f'CREATE DATABASE "{name}" TEMPLATE "{self.postgresql}"',
            )
        shutil.rmtree(Path(settings.ANCHORS), ignore_errors=True)

    def drop(self) -> None:
        if self.postgresql:
            _administer(f'DROP DATABASE IF EXISTS "{self.postgresql}" WITH (FORCE)')


def _administer(*statements: str) -> None:
    import psycopg

    entry = connection.settings_dict
    with psycopg.connect(
        dbname="postgres",
        host=entry["HOST"] or None,
        port=entry["PORT"] or None,
        user=entry["USER"] or None,
        password=entry["PASSWORD"] or None,
        autocommit=True,
    ) as administration:
        for statement in statements:
            administration.execute(statement.encode())


_copy = _Copy()


def pytest_sessionstart(session: pytest.Session) -> None:
    set_up: Any = TransactionTestCase.__dict__["_fixture_setup"]

    def copy_then_set_up(cls: type[TransactionTestCase]) -> None:
        _copy.take()
        set_up.__func__(cls)

    def put_back(self: TransactionTestCase) -> None:
        _copy.put_back()

    patched: Any = TransactionTestCase
    patched._fixture_setup = classmethod(copy_then_set_up)
    patched._fixture_teardown = put_back


def pytest_sessionfinish(session: pytest.Session) -> None:
    _copy.drop()
