"""One consistent moment of the database as files, and back; a way of its own for each of the two databases."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from hevesy.foundation.audit import triggers

SQLITE_NAME = "database.sqlite3"
_KEY = re.compile(rb"[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{64}")


class OtherDatabase(Exception):
    """The backup cannot be loaded into this database; `str()` says why."""


def save(folder: Path) -> set[str]:
    """Write the database into `folder` as it is at one moment; the keys of objects that any of its rows names."""
    if connection.vendor == "sqlite":
        return _save_sqlite(folder / SQLITE_NAME)
    return _save_postgresql(folder)


def _save_sqlite(path: Path) -> set[str]:
    source = Path(str(connection.settings_dict["NAME"]))
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as live,
        closing(sqlite3.connect(path)) as copy,
    ):
        live.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
        copy.text_factory = bytes
        return {key for table in _sqlite_tables(copy) for key in _keys_of_rows(copy, table)}


def _sqlite_tables(copy: sqlite3.Connection) -> list[str]:
    rows = copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return [row[0].decode() for row in rows]


def _keys_of_rows(copy: sqlite3.Connection, table: str) -> Iterator[str]:
    for row in copy.execute(f'SELECT * FROM "{table}"'):
        for value in row:
            if isinstance(value, bytes) and len(value) >= 70:
                yield from (key.decode() for key in _KEY.findall(value))


def _save_postgresql(folder: Path) -> set[str]:
    keys: set[str] = set()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for table in connection.introspection.table_names(cursor):
            # Lines of text, so that keys are found in passing and another version of the server reads them.
            with (
                (folder / f"{table}.copy").open("wb") as file,
                cursor.copy(f"COPY {_columns(cursor, table)} TO STDOUT") as rows,
            ):
                for row in rows:
                    keys.update(key.decode() for key in _KEY.findall(row))
                    file.write(row)
    return keys


def _columns(cursor: Any, table: str) -> str:
    """A table with its columns that are not generated, quoted, for COPY."""
    cursor.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema()"
        " AND table_name = %s AND is_generated = 'NEVER' ORDER BY ordinal_position",
        [table],
    )
    quote = connection.ops.quote_name
    return f"{quote(table)} ({', '.join(quote(name) for (name,) in cursor.fetchall())})"


def applied_migrations() -> list[list[str]]:
    """The migrations of the live database: [[app, name], …]."""
    executor = MigrationExecutor(connection)
    return sorted([app, name] for app, name in executor.loader.applied_migrations)


def is_empty() -> bool:
    """Whether the database has no tables."""
    return not connection.introspection.table_names()


def load(folder: Path, vendor: str, migrations: list[list[str]]) -> None:
    """Fill the empty database from what `save` wrote, then bring it to this version's schema.

    Raises `OtherDatabase` if the backup is of the other kind of database or of a later version.
    """
    if vendor != connection.vendor:
        raise OtherDatabase(
            f"the backup is of {vendor}, HEVESY_DATABASE_URL names {connection.vendor}; restore into {vendor}"
        )
    known = MigrationExecutor(connection).loader.disk_migrations
    unknown = [f"{app}.{name}" for app, name in migrations if (app, name) not in known]
    if unknown:
        raise OtherDatabase(
            f"the backup is of a later version of Hevesy ({unknown[0]}); install it"
        )
    if vendor == "sqlite":
        path = Path(str(connection.settings_dict["NAME"]))
        connection.close()
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        shutil.move(folder / SQLITE_NAME, path)
    else:
        _load_postgresql(folder, migrations)
    call_command("migrate", verbosity=0, interactive=False)


def _load_postgresql(folder: Path, migrations: list[list[str]]) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(_last_of_each_app(executor.loader.graph, migrations))
    tables = [path.stem for path in sorted(folder.glob("*.copy"))]
    with transaction.atomic(), connection.cursor() as cursor:
        # Rows that migrations made; the references between tables are checked at the commit.
        for table in set(tables) - triggers.TABLES:
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")
        for table in tables:
            with (
                (folder / f"{table}.copy").open("rb") as file,
                cursor.copy(f"COPY {_columns(cursor, table)} FROM STDIN") as rows,
            ):
                while piece := file.read(1 << 20):
                    rows.write(piece)
        for table in tables:
            _continue_counting(cursor, table)


def _last_of_each_app(graph: Any, migrations: list[list[str]]) -> list[tuple[str, str]]:
    """Of these migrations those that no other one of the same app follows."""
    applied = {(app, name) for app, name in migrations}
    return [
        node
        for node in sorted(applied)
        if not any(
            child.key in applied and child.key[0] == node[0]
            for child in graph.node_map[node].children
        )
    ]


def _continue_counting(cursor: Any, table: str) -> None:
    """Let a table's numbers go on after its largest."""
    cursor.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema()"
        " AND table_name = %s AND (is_identity = 'YES' OR column_default LIKE 'nextval%%')",
        [table],
    )
    for (column,) in cursor.fetchall():
        name, quoted = connection.ops.quote_name(column), connection.ops.quote_name(table)
        cursor.execute(
            f"SELECT setval(pg_get_serial_sequence(%s, %s), coalesce(max({name}), 1), max({name}) IS NOT NULL)"
            f" FROM {quoted}",
            [quoted, column],
        )
