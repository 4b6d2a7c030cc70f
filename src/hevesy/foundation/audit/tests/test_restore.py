"""Transactional tests start from the migrated database though audit rows cannot be deleted."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from hevesy.foundation.accounts.actors import system_actor
from hevesy.foundation.audit.actions import record
from hevesy.foundation.audit.models import AuditEvent
from hevesy.foundation.audit.triggers import missing


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", [1, 2])
def test_each_transactional_test_finds_no_rows_of_the_last_one(turn: int) -> None:
    assert not AuditEvent.objects.exists()
    assert missing(connection) == []

    with transaction.atomic():
        record(system_actor("test"), "exam.book")

    assert AuditEvent.objects.count() == 1
