"""Triggers that copy a role's exclusive group onto who holds it, so that the unique constraint judges the truth."""

from __future__ import annotations

from typing import Any

from django.db import migrations

SQLITE = [
    """
    CREATE TRIGGER accounts_roleholding_group_insert AFTER INSERT ON accounts_roleholding BEGIN
        UPDATE accounts_roleholding
        SET exclusive_group = (SELECT exclusive_group FROM accounts_role WHERE id = NEW.role_id)
        WHERE id = NEW.id;
    END
    """,
    """
    CREATE TRIGGER accounts_roleholding_group_update
    AFTER UPDATE OF role_id, exclusive_group ON accounts_roleholding
    WHEN NEW.exclusive_group <> (SELECT exclusive_group FROM accounts_role WHERE id = NEW.role_id)
    BEGIN
        UPDATE accounts_roleholding
        SET exclusive_group = (SELECT exclusive_group FROM accounts_role WHERE id = NEW.role_id)
        WHERE id = NEW.id;
    END
    """,
    """
    CREATE TRIGGER accounts_role_group_update AFTER UPDATE OF exclusive_group ON accounts_role BEGIN
        UPDATE accounts_roleholding SET exclusive_group = NEW.exclusive_group WHERE role_id = NEW.id;
    END
    """,
]
POSTGRESQL = [
    """
    CREATE FUNCTION accounts_roleholding_group() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        SELECT exclusive_group INTO NEW.exclusive_group FROM accounts_role WHERE id = NEW.role_id;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER accounts_roleholding_group BEFORE INSERT OR UPDATE ON accounts_roleholding
    FOR EACH ROW EXECUTE FUNCTION accounts_roleholding_group()
    """,
    """
    CREATE FUNCTION accounts_role_group() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE accounts_roleholding SET exclusive_group = NEW.exclusive_group WHERE role_id = NEW.id;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER accounts_role_group_update AFTER UPDATE OF exclusive_group ON accounts_role
    FOR EACH ROW EXECUTE FUNCTION accounts_role_group()
    """,
]
UNDO = {
    "sqlite": [
        "DROP TRIGGER accounts_roleholding_group_insert",
        "DROP TRIGGER accounts_roleholding_group_update",
        "DROP TRIGGER accounts_role_group_update",
    ],
    "postgresql": [
        "DROP TRIGGER accounts_roleholding_group ON accounts_roleholding",
        "DROP TRIGGER accounts_role_group_update ON accounts_role",
        "DROP FUNCTION accounts_roleholding_group()",
        "DROP FUNCTION accounts_role_group()",
    ],
}


def add(apps: Any, schema_editor: Any) -> None:
    for statement in SQLITE if schema_editor.connection.vendor == "sqlite" else POSTGRESQL:
        schema_editor.execute(statement, params=None)


def drop(apps: Any, schema_editor: Any) -> None:
    for statement in UNDO[schema_editor.connection.vendor]:
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunPython(add, drop, elidable=False)]
