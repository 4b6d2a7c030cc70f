"""The auditor's page and export."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from hevesy.foundation.accounts.actors import Actor, PermissionRefused, system_actor
from hevesy.foundation.accounts.models import User
from hevesy.foundation.audit import queries
from hevesy.foundation.audit.actions import record
from hevesy.foundation.audit.models import AuditEvent, Verification
from hevesy.foundation.audit.seals import seal_new_rows
from hevesy.foundation.jobs.models import Job

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]


@pytest.fixture
def a_trail(a_nurse: User, a_doctor: User) -> None:
    with transaction.atomic():
        record(Actor(user=a_nurse), "exam.arrive", patient_id=1)
        record(Actor(user=a_nurse), "dose.administer", patient_id=2)
        record(Actor(user=a_doctor), "report.submit", patient_id=2)
        record(system_actor("=HYPERLINK(1)"), "archive.receive", outcome="refused")


def seen(client: Client, **filters: str) -> str:
    response = client.get("/audit/", filters, headers={"HX-Request": "true"})
    assert response.status_code == 200
    return response.content.decode()


def test_the_auditor_searches_by_person_act_day_and_outcome(
    a_trail: None, an_auditor: User, client_of: ClientOf
) -> None:
    client = client_of(an_auditor)

    assert "报告：提交审核" in seen(client)
    by_person = seen(client, person="刘敏")
    assert "检查：报到" in by_person
    assert "报告：提交审核" not in by_person
    assert "检查：报到" in seen(client, verb="报到")
    assert "给药：注射" not in seen(client, verb="报到")
    assert "影像归档：接收" in seen(client, outcome="refused")
    tomorrow = (timezone.localdate() + timedelta(days=1)).isoformat()
    assert "没有符合条件的记录" in seen(client, since=tomorrow)
    assert "检查：报到" in seen(client, until=tomorrow)


def test_a_wrong_date_is_said_and_narrows_nothing(
    a_trail: None, an_auditor: User, client_of: ClientOf
) -> None:
    page = seen(client_of(an_auditor), since="yesterday")

    assert "报告：提交审核" in page
    assert "hv-note" in page


def test_patients_are_found_by_the_number_that_a_records_app_knows(
    a_trail: None, an_auditor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "_patients", [])
    queries.know_patients_by(
        lambda number: [2] if number == "P0002" else [], lambda ids: {2: "P0002"}
    )
    by = Actor(user=an_auditor)

    found = queries.events(by, queries.Filter(patient="P0002"))

    assert [event.verb for event in found] == ["report.submit", "dose.administer"]
    assert not queries.events(by, queries.Filter(patient="P0009")).exists()
    assert queries.patient_numbers(found) == {2: "P0002"}


def test_reading_the_trail_leaves_a_row_too(an_auditor: User, client_of: ClientOf) -> None:
    client = client_of(an_auditor)

    client.get("/audit/", {"person": "刘敏"})

    event = AuditEvent.objects.filter(verb="audit.read").get()
    assert event.details == {"wanted": {"person": "刘敏"}}


def test_an_export_is_whole_and_harmless_in_a_spreadsheet(
    a_trail: None, an_auditor: User, client_of: ClientOf
) -> None:
    response = client_of(an_auditor).get("/audit/export/", {"verb": "archive.receive"})

    text = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[arg-type]
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 1
    assert rows[0]["actor"] == "'=HYPERLINK(1)"
    assert rows[0]["mac"] == AuditEvent.objects.get(verb="archive.receive").mac
    assert AuditEvent.objects.filter(verb="audit.export").exists()


@pytest.mark.parametrize("person", ["a_sysadmin", "a_secadmin", "a_head", "a_nurse"])
def test_nobody_else_reads_the_trail(
    person: str, request: pytest.FixtureRequest, client_of: ClientOf
) -> None:
    user = request.getfixturevalue(person)
    client = client_of(user)

    for address in ("/audit/", "/audit/export/"):
        assert client.get(address).status_code == 403
    assert client.post("/audit/check/").status_code == 403
    with pytest.raises(PermissionRefused):
        queries.events(Actor(user=user), queries.Filter())


def test_the_banner_tells_how_far_the_trail_can_be_trusted() -> None:
    assert queries.chain_state().tone == "amber"
    Verification.objects.create(rows=0)
    assert queries.chain_state().tone == "ok"
    with transaction.atomic():
        record(system_actor("x"), "exam.book")
    seal_new_rows()
    assert queries.chain_state().tone == "ok"

    Verification.objects.create(
        rows=1, findings=[{"chain": "audit", "where": "row 5", "what": "was deleted"}]
    )

    state = queries.chain_state()
    assert state.tone == "red"
    assert state.findings == ("audit: row 5: was deleted",)


def test_the_auditor_can_have_the_chain_checked(an_auditor: User, client_of: ClientOf) -> None:
    assert client_of(an_auditor).post("/audit/check/").status_code == 302

    assert Job.objects.get().kind.endswith("verify_chains")
