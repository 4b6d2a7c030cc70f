"""Tables that only grow: the database itself refuses UPDATE, DELETE and TRUNCATE.

In a migration that comes after the table's own:

    operations = [append_only("reports_reportversion")]

SQLite drops triggers when Django rebuilds a table; therefore they are put back after every `migrate`, and `verify`
reports a table whose triggers are gone. There is no way to switch them off: tests restore the whole database
(`foundation.audit.testing`), `demo --reset` drops it and migrates.
"""

from __future__ import annotations

from typing import Any

from django.apps.registry import Apps
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

TABLES: set[str] = set()
"""Every append-only table; filled when the migrations are loaded."""

_POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION hevesy_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'append-only table: %', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$
"""


class AppendOnly(Operation):
    """The migration operation made by `append_only`."""

    reversible = True
    reduces_to_sql = True

    def __init__(self, table: str) -> None:
        self.table = table
        TABLES.add(table)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (type(self).__name__, [self.table], {})

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The models do not change."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: Apps | ProjectState,
        to_state: Apps | ProjectState,
    ) -> None:
        for statement in protection(schema_editor.connection, self.table):
            schema_editor.execute(statement, None)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: Apps | ProjectState,
        to_state: Apps | ProjectState,
    ) -> None:
        on = f' ON "{self.table}"' if schema_editor.connection.vendor == "postgresql" else ""
        for name in trigger_names(schema_editor.connection, self.table):
            schema_editor.execute(f'DROP TRIGGER IF EXISTS "{name}"{on}', None)

    def describe(self) -> str:
        return f"Refuse changes and deletions in {self.table}"


def append_only(table: str) -> AppendOnly:
    """A migration operation after which the rows of `table` can be inserted and read only."""
    return AppendOnly(table)


def trigger_names(connection: BaseDatabaseWrapper, table: str) -> list[str]:
    """The triggers that protect `table` on this database."""
    kinds = (
        ["row", "truncate"]
        if connection.vendor == "postgresql"
        else ["update", "delete", "replace"]
    )
    return [f"{table}_append_only_{kind}" for kind in kinds]


def protection(connection: BaseDatabaseWrapper, table: str) -> list[str]:
    """The statements that put the triggers on `table` (a name from a migration, never from outside)."""
    if connection.vendor == "postgresql":
        row, truncate = trigger_names(connection, table)
        return [
            _POSTGRESQL_FUNCTION,
            f'CREATE OR REPLACE TRIGGER "{row}" BEFORE UPDATE OR DELETE ON "{table}"'
            " FOR EACH ROW EXECUTE FUNCTION hevesy_append_only()",
            f'CREATE OR REPLACE TRIGGER "{truncate}" BEFORE TRUNCATE ON "{table}"'
            " FOR EACH STATEMENT EXECUTE FUNCTION hevesy_append_only()",
        ]
    update, delete, replace = trigger_names(connection, table)
    refuse = f"BEGIN SELECT RAISE(ABORT, 'append-only table: {table}'); END"
    with connection.cursor() as cursor:
        key = connection.introspection.get_primary_key_column(cursor, table)
    return [
        f'CREATE TRIGGER IF NOT EXISTS "{update}" BEFORE UPDATE ON "{table}" {refuse}',
        f'CREATE TRIGGER IF NOT EXISTS "{delete}" BEFORE DELETE ON "{table}" {refuse}',
        # INSERT OR REPLACE deletes without firing the trigger above.
        f'CREATE TRIGGER IF NOT EXISTS "{replace}" BEFORE INSERT ON "{table}"'
        f' WHEN EXISTS (SELECT 1 FROM "{table}" WHERE "{key}" = NEW."{key}") {refuse}',
    ]


def missing(connection: BaseDatabaseWrapper, tables: set[str] | None = None) -> list[str]:
    """The append-only tables that lack a trigger, or have one that is switched off."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT tgname FROM pg_trigger WHERE tgenabled IN ('O', 'A')")
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        present = {row[0] for row in cursor.fetchall()}
    return [
        table
        for table in sorted(TABLES if tables is None else tables)
        if not present.issuperset(trigger_names(connection, table))
    ]


def restore_all(using: str, **_unused: Any) -> None:
    """After `migrate`: put back triggers that a rebuilt table has lost."""
    connection = connections[using]
    existing = set(connection.introspection.table_names())
    lost = [table for table in missing(connection) if table in existing]
    with connection.cursor() as cursor:
        for table in lost:
            for statement in protection(connection, table):
                cursor.execute(statement)
