"""Finding examinations by many criteria, and taking the list away."""

import csv
import io

import pytest

from hevesy.foundation.audit.models import AuditEvent
from hevesy.records.exams.models import Exam
from hevesy.records.exams.testing import at
from hevesy.records.patients.models import Patient


def text_of(response):
    return response.content.decode()


@pytest.mark.clause("2.5")
def test_the_search_page_finds_by_many_criteria(desk, htmx, an_exam):
    for said in (
        {"q": "sxx"},
        {"q": an_exam.number},
        {"q": "单", "state": "scheduled"},
        {"from": "2026-11-24", "to": "2026-11-24"},
        {"basis": "registered", "from": "2026-11-24"},
        {"modality_class": an_exam.modality_class_id},
        {"tracer": an_exam.steps.get().tracer_id, "sex": "M"},
        {"age_from": "60", "age_to": "65"},
        {"words": "全身"},
    ):
        assert an_exam.number in text_of(desk.get("/registration/search/", said, **htmx)), said
    for said in (
        {"q": "nobody"},
        {"state": "published"},
        {"to": "2026-11-23"},
        {"age_to": "20"},
        {"flag": "child"},
        {"late": "1"},
        {"device": "1;drop", "state": "x", "from": "soon", "age_from": "-1", "q": "%"},
        {"q": "\x00", "words": "\x00x", "department": "\x00", "class": "\x00"},
    ):
        page = desk.get("/registration/search/", said, **htmx)
        assert page.status_code == 200
    assert an_exam.number not in text_of(desk.get("/registration/search/", {"age_to": "20"}))


@pytest.mark.clause("1.6")
def test_what_is_late_is_red_and_counted(desk, an_exam, tuesday_morning):
    Exam.objects.update(state="acquired", state_since=at(9, days=-3))

    page = text_of(desk.get("/registration/search/", {"late": "1"}))

    assert an_exam.number in page
    assert "is-red" in page


@pytest.mark.clause("2.5")
def test_the_export_is_for_few_audited_and_harmless_in_a_spreadsheet(
    desk, client_of, a_head, an_exam, the_desk
):
    names = ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "＝1+1"]
    for name in names:
        Patient.objects.filter(pk=an_exam.patient_id).update(name_zh=name)
        url = "/registration/search/export/"
        lines = b"".join(client_of(a_head).get(url, {"q": an_exam.number}).streaming_content)
        rows = list(csv.reader(io.StringIO(lines.decode("utf-8-sig"))))
        assert rows[1][2] == f"'{name}"

    assert AuditEvent.objects.filter(verb="exam.export").count() == len(names)
    assert desk.get(url, {"q": an_exam.number}).status_code == 403
