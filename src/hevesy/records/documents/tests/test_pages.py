"""Who may make paper and who may read it again, through the addresses of the browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.accounts.models import User
from hevesy.foundation.audit.models import AuditEvent
from hevesy.foundation.files.queries import open_file
from hevesy.records.documents.models import Document
from hevesy.records.exams.models import Exam
from hevesy.records.reports.actions import withdraw_report
from hevesy.records.reports.models import Publication

ClientOf = Callable[[User], Client]


def body_of(response: object) -> bytes:
    return b"".join(response)  # type: ignore[call-overload]


@pytest.mark.clause("2.3", "2.4")
@pytest.mark.parametrize("paper", ["slip", "exam_label"])
def test_the_desk_makes_paper_and_sees_the_bytes_that_were_kept(
    an_exam: Exam, a_registrar: User, client_of: ClientOf, paper: str
) -> None:
    desk = client_of(a_registrar)

    made = desk.post(reverse(f"documents:{paper}", args=[an_exam.number]))

    document = Document.objects.get()
    assert made["Location"] == f"/documents/{document.pk}/" and document.kind == paper
    shown = desk.get(made["Location"])
    with open_file(document.file) as stream:
        assert body_of(shown) == stream.read()
    assert shown["Content-Type"] == "application/pdf"
    assert shown["Content-Disposition"].startswith("inline; ")
    assert "no-store" in shown["Cache-Control"] and shown["X-Content-Type-Options"] == "nosniff"
    assert AuditEvent.objects.filter(verb="document.open", subject_id=document.pk).exists()


def test_htmx_goes_to_the_paper_instead_of_swapping_it_in(
    an_exam: Exam, a_registrar: User, client_of: ClientOf
) -> None:
    made = client_of(a_registrar).post(
        reverse("documents:slip", args=[an_exam.number]), headers={"HX-Request": "true"}
    )

    assert made.status_code == 204
    assert made["HX-Redirect"] == f"/documents/{Document.objects.get().pk}/"


def test_a_second_copy_is_the_same_paper_and_counts(
    an_exam: Exam, a_registrar: User, client_of: ClientOf
) -> None:
    desk = client_of(a_registrar)
    desk.post(reverse("documents:slip", args=[an_exam.number]))
    document = Document.objects.get()

    desk.post(reverse("documents:again", args=[document.pk]))

    document.refresh_from_db()
    assert document.print_count == 2 and Document.objects.count() == 1


def test_a_file_name_never_breaks_the_header(
    an_exam: Exam, a_registrar: User, client_of: ClientOf
) -> None:
    desk = client_of(a_registrar)
    desk.post(reverse("documents:slip", args=[an_exam.number]))
    document = Document.objects.get()
    document.file.name = 'a"\r\nSet-Cookie: x=1; 单据.pdf'
    document.file.save()

    shown = desk.get(reverse("documents:open", args=[document.pk]))

    assert "\r" not in shown["Content-Disposition"] and "Set-Cookie" not in shown.headers
    body_of(shown)


def test_slips_are_for_those_who_print(
    an_exam: Exam, a_registrar: User, a_clinician: User, an_auditor: User, client_of: ClientOf
) -> None:
    client_of(a_registrar).post(reverse("documents:slip", args=[an_exam.number]))
    document = Document.objects.get()

    for person in (a_clinician, an_auditor):
        browser = client_of(person)
        opened = browser.get(reverse("documents:open", args=[document.pk]))
        missing = browser.get(reverse("documents:open", args=[999_999]))
        assert opened.status_code == missing.status_code == 404
        assert browser.get(f"/files/{document.file_id}/").status_code == 404
        assert browser.post(reverse("documents:slip", args=[an_exam.number])).status_code == 403
    assert Document.objects.count() == 1


@pytest.mark.clause("7.1", "7.2")
def test_a_clinician_reads_the_pdf_of_a_report_while_it_is_published(
    a_publication: Publication,
    a_clinician: User,
    a_doctor: User,
    a_nurse: User,
    a_chief: User,
    actor_for: Callable[[User], Actor],
    client_of: ClientOf,
) -> None:
    assert a_publication.document is not None
    address = reverse("documents:open", args=[a_publication.document.pk])
    file = f"/files/{a_publication.document.file_id}/"
    for person in (a_clinician, a_doctor):
        for url in (address, file):
            assert body_of(client_of(person).get(url)).startswith(b"%PDF-")
    assert client_of(a_nurse).get(address).status_code == 404

    withdraw_report(actor_for(a_chief), a_publication.report, reason="患者信息待核")

    for url in (address, file):
        assert client_of(a_clinician).get(url).status_code == 404
    assert body_of(client_of(a_doctor).get(address)).startswith(b"%PDF-")


def test_a_number_that_is_none_is_not_found(a_registrar: User, client_of: ClientOf) -> None:
    desk = client_of(a_registrar)

    for number in ("PT26-99999", "a%00b", "..%2F..", "x" * 300):
        assert desk.post(f"/documents/slip/{number}/").status_code == 404
        assert desk.post(f"/documents/dose-label/{number}/").status_code == 404
