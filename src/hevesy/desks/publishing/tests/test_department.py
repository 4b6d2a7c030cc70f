"""The department publishes, takes back with a reason, and sees who read what."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from hevesy.foundation.accounts.models import User
from hevesy.records.reports.models import Publication, Report

ClientOf = Callable[[User], Client]
MANAGE = "/publishing/manage/"


@pytest.fixture
def desk(a_chief: User, client_of: ClientOf) -> Client:
    return client_of(a_chief)


def listed(desk: Client, shelf: str, **asked: str) -> str:
    return desk.get(MANAGE, {"list": shelf, **asked}).content.decode()


@pytest.mark.clause("7.1")
def test_an_audited_report_waits_is_published_and_taken_back(
    an_audited_report: Report, desk: Client, a_clinician: User, client_of: ClientOf
) -> None:
    number = an_audited_report.exam.number
    clinic = client_of(a_clinician)
    row = f'id="report-{an_audited_report.pk}"'
    assert row in listed(desk, "waiting") and row not in listed(desk, "published")

    desk.post(reverse("publishing:publish", args=[number]))

    assert row in listed(desk, "published") and row not in listed(desk, "waiting")
    assert clinic.get(reverse("publishing:report", args=[number])).status_code == 200

    desk.post(reverse("publishing:withdraw", args=[number]), {"reason": "患者信息待核"})

    assert row in listed(desk, "withdrawn") and row not in listed(desk, "published")
    assert "患者信息待核" in listed(desk, "withdrawn", exam=number)
    assert "肺癌" not in clinic.get(reverse("publishing:report", args=[number])).content.decode()


@pytest.mark.clause("7.1")
def test_without_a_reason_nothing_is_taken_back(a_publication: Publication, desk: Client) -> None:
    number = a_publication.report.exam.number

    answer = desk.post(reverse("publishing:withdraw", args=[number]), {"reason": " "}, follow=True)

    a_publication.refresh_from_db()
    assert answer.status_code == 200 and a_publication.withdrawn_at is None


@pytest.mark.clause("7.1")
def test_the_department_sees_who_read_it_and_when(
    a_publication: Publication, desk: Client, a_clinician: User, client_of: ClientOf
) -> None:
    number = a_publication.report.exam.number
    assert a_clinician.name_zh not in listed(desk, "published", exam=number)

    client_of(a_clinician).get(reverse("publishing:report", args=[number]))

    assert a_clinician.name_zh in listed(desk, "published", exam=number)


def test_a_draft_cannot_be_published_and_a_guess_finds_nothing(
    a_report_in_work: Report, desk: Client
) -> None:
    for number in (a_report_in_work.exam.number, "PT26-99999", "a%00b"):
        assert desk.post(f"/publishing/manage/{number}/publish/").status_code == 404
    assert not Publication.objects.exists()


@pytest.mark.parametrize("role", ["a_doctor", "a_clinician", "a_student", "a_secadmin"])
def test_others_do_not_publish(
    request: pytest.FixtureRequest, an_audited_report: Report, client_of: ClientOf, role: str
) -> None:
    browser = client_of(request.getfixturevalue(role))
    address = reverse("publishing:publish", args=[an_audited_report.exam.number])

    assert browser.get(MANAGE).status_code == 403
    assert browser.post(address).status_code == 403
    assert not Publication.objects.exists()
