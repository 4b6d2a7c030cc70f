"""J16: whatever is done to audit rows by SQL, `verify` names the row."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone, translation

from hevesy.foundation.accounts.actors import system_actor
from hevesy.foundation.audit import seals, verification
from hevesy.foundation.audit.actions import record
from hevesy.foundation.audit.canonical import row_mac
from hevesy.foundation.audit.models import AuditEvent, AuditSeal
from hevesy.foundation.audit.triggers import missing, restore_all, trigger_names

pytestmark = pytest.mark.django_db
TABLE = "audit_auditevent"
A_JOB = system_actor("test")


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.fixture(autouse=True)
def anchors_of_this_test(tmp_path: Path, settings: object) -> None:
    settings.ANCHORS = tmp_path / "anchors"  # type: ignore[attr-defined]


@pytest.fixture
def sealed_rows() -> list[int]:
    """Numbers of nine rows in three seals."""
    numbers: list[int] = []
    for _seal in range(3):
        numbers += [write().pk for _row in range(3)]
        assert seals.seal_new_rows() is not None
    return numbers


def write(verb: str = "exam.book", **details: object) -> AuditEvent:
    with transaction.atomic():
        return record(A_JOB, verb, patient_id=7, **(details or {"weight_kg": 70.5}))


def tamper(statement: str, *parameters: object) -> None:
    """Run SQL as somebody who owns the database: the triggers are dropped first."""
    on = f' ON "{TABLE}"' if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        for name in trigger_names(connection, TABLE):
            cursor.execute(f'DROP TRIGGER IF EXISTS "{name}"{on}')
        cursor.execute(statement, parameters)
    restore_all("default")


def findings() -> list[str]:
    return [str(finding) for finding in verification.verify().findings]


def test_an_untouched_chain_is_whole(sealed_rows: list[int]) -> None:
    write()  # the newest row may still wait for its seal

    outcome = verification.verify()

    assert outcome.ok, outcome.findings
    assert outcome.rows == 9


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_auditevent SET verb = 'x'",
        "DELETE FROM audit_auditevent",
        "UPDATE audit_auditseal SET count = 0",
        "DELETE FROM audit_auditseal",
    ],
)
def test_the_database_refuses_to_change_or_delete(sealed_rows: list[int], statement: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute(statement)


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="INSERT OR REPLACE is of SQLite")
def test_sqlite_refuses_to_replace_a_row(sealed_rows: list[int]) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute(
            "INSERT OR REPLACE INTO audit_auditevent SELECT * FROM audit_auditevent"
        )


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="TRUNCATE is of PostgreSQL")
def test_postgresql_refuses_to_truncate(sealed_rows: list[int]) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute("TRUNCATE audit_auditevent")


def test_a_changed_row_is_named(sealed_rows: list[int]) -> None:
    tamper("UPDATE audit_auditevent SET actor_name = 'somebody else' WHERE id = %s", sealed_rows[4])

    assert findings() == [f"audit: row {sealed_rows[4]}: was changed"]


def test_changed_details_are_named(sealed_rows: list[int]) -> None:
    tamper(
        "UPDATE audit_auditevent SET details = %s WHERE id = %s",
        json.dumps({"weight_kg": 71.5}),
        sealed_rows[0],
    )

    assert findings() == [f"audit: row {sealed_rows[0]}: was changed"]


def test_a_forged_time_is_named(sealed_rows: list[int]) -> None:
    tamper(
        "UPDATE audit_auditevent SET at = %s WHERE id = %s",
        timezone.now() - timedelta(days=1),
        sealed_rows[8],
    )

    assert findings() == [f"audit: row {sealed_rows[8]}: was changed"]


@pytest.mark.parametrize("position", [0, 4, 8])
def test_a_deleted_row_is_named(sealed_rows: list[int], position: int) -> None:
    tamper("DELETE FROM audit_auditevent WHERE id = %s", sealed_rows[position])

    assert findings() == [f"audit: row {sealed_rows[position]}: was deleted"]


def copy_row(number: int, to: int, mac: str) -> None:
    tamper(
        "INSERT INTO audit_auditevent (id, node, at, actor_kind, actor_id, actor_name, channel,"
        " station, address, verb, outcome, subject_type, subject_id, patient_id, details, mac)"
        " SELECT %s, node, at, actor_kind, actor_id, actor_name, channel, station, address, verb,"
        " outcome, subject_type, subject_id, patient_id, details, %s FROM audit_auditevent"
        " WHERE id = %s",
        to,
        mac,
        number,
    )


def test_a_forged_row_is_named_and_never_sealed(sealed_rows: list[int]) -> None:
    forged = sealed_rows[-1] + 1
    copy_row(sealed_rows[0], forged, "0" * 64)

    assert findings() == [f"audit: row {forged}: was inserted, not written by Hevesy"]
    assert seals.seal_new_rows() is None


def test_a_row_copied_with_its_mac_is_refused_by_the_database(sealed_rows: list[int]) -> None:
    original = AuditEvent.objects.get(pk=sealed_rows[0])

    with pytest.raises(DatabaseError), transaction.atomic():
        copy_row(original.pk, sealed_rows[-1] + 1, original.mac)


def test_two_exchanged_rows_are_noticed(sealed_rows: list[int]) -> None:
    first, second = sealed_rows[3], sealed_rows[4]
    with transaction.atomic():
        tamper("UPDATE audit_auditevent SET id = 900000 WHERE id = %s", first)
        tamper("UPDATE audit_auditevent SET id = %s WHERE id = %s", first, second)
        tamper("UPDATE audit_auditevent SET id = %s WHERE id = 900000", second)

    assert findings() == [
        f"audit: rows {sealed_rows[3]} to {sealed_rows[5]}: were exchanged or replaced"
    ]


def test_a_genuine_row_of_a_transaction_that_committed_late_is_sealed_later(
    sealed_rows: list[int],
) -> None:
    gap = AuditEvent.objects.get(pk=write().pk)
    after = write()
    tamper("DELETE FROM audit_auditevent WHERE id = %s", gap.pk)
    assert seals.seal_new_rows() is not None
    gap.save(force_insert=True)

    assert verification.verify().ok
    late = seals.seal_new_rows()

    assert late is not None
    assert (late.ranges, late.last_id) == ([[gap.pk, gap.pk]], after.pk)
    assert verification.verify().ok


def test_a_cut_off_tail_is_found_by_the_anchor(sealed_rows: list[int]) -> None:
    last = AuditSeal.objects.get(number=3)
    seals.anchor(last)
    tamper("DELETE FROM audit_auditevent WHERE id >= %s", last.first_id)
    cut_seal(3)

    assert findings() == [
        "audit: seal 3: is anchored outside of the database but missing in it: the tail was cut off"
    ]


def test_a_missing_seal_in_the_middle_is_named(sealed_rows: list[int]) -> None:
    cut_seal(2)

    assert "audit: seal 3: the seal before it is missing" in findings()


def cut_seal(number: int) -> None:
    on = ' ON "audit_auditseal"' if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        for name in trigger_names(connection, "audit_auditseal"):
            cursor.execute(f'DROP TRIGGER "{name}"{on}')
        cursor.execute("DELETE FROM audit_auditseal WHERE number = %s", [number])
    restore_all("default")


def test_missing_triggers_are_reported_and_put_back(sealed_rows: list[int]) -> None:
    on = f' ON "{TABLE}"' if connection.vendor == "postgresql" else ""
    connection.cursor().execute(f'DROP TRIGGER "{trigger_names(connection, TABLE)[0]}"{on}')
    assert findings() == [f"database: {TABLE}: the triggers that refuse changes are gone"]

    restore_all("default")

    assert missing(connection) == []


def test_two_like_acts_of_one_microsecond_are_two_rows() -> None:
    with time_machine.travel(timezone.now(), tick=False):
        first, second = write(), write()
    seals.seal_new_rows()

    assert first.at == second.at and first.mac != second.mac
    assert verification.verify().ok


def test_a_row_from_before_the_nonce_still_verifies_and_may_not_lose_it(
    sealed_rows: list[int],
) -> None:
    with transaction.atomic():
        old = record(A_JOB, "exam.book", patient_id=7)
    tamper("DELETE FROM audit_auditevent WHERE id = %s", old.pk)
    old.nonce = None
    old.mac = row_mac(old)
    old.save(force_insert=True)
    seals.seal_new_rows()
    assert verification.verify().ok

    tamper("UPDATE audit_auditevent SET nonce = NULL WHERE id = %s", sealed_rows[2])

    assert findings() == [f"audit: row {sealed_rows[2]}: was changed"]


def test_every_kind_of_detail_is_the_same_after_reading_it_back() -> None:
    details = {
        "integer": 12345678901234567890123,
        "small": 1.5e-07,
        "large": 1e22,
        "half": 0.5,
        "whole": 3.0,
        "nul": "a\x00b",
        "text": "单老师 \\u0041 “引号”",
        "nested": {"b": [1, None, True], "a": timezone.now()},
        "nan": float("nan"),
    }
    write(**details)
    seals.seal_new_rows()

    assert verification.verify().ok


def test_a_registered_chain_is_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    checks: dict[str, Callable[[], list[verification.Finding]]] = {}
    monkeypatch.setattr(verification, "CHECKS", checks)
    verification.register(
        "reports", lambda: [verification.Finding("reports", "version 3", "was changed")]
    )

    with pytest.raises(CommandError, match=r"1 findings; the first: reports: version 3"):
        call_command("verify")


def test_the_command_says_that_all_is_well(
    sealed_rows: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("verify")

    assert "9 audit rows" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("numbers", "ranges"),
    [([5], [[5, 5]]), ([1, 2, 3, 7, 9, 10], [[1, 3], [7, 7], [9, 10]])],
)
def test_ranges(numbers: list[int], ranges: list[list[int]]) -> None:
    assert seals.as_ranges(numbers) == ranges
    assert seals.covered_by([ranges]) == set(numbers)
