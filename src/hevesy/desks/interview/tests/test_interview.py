"""The interview page: questions of the item, several interviews, what changed (clauses 5.2-5.5, 4.1)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.urls import reverse

from hevesy.foundation.stations import qr
from hevesy.foundation.ui import slots
from hevesy.records.catalogue.models import InterviewTemplate
from hevesy.records.exams.actions import book_exam, mark_arrived
from hevesy.records.exams.models import Exam, Interview
from hevesy.records.exams.testing import at
from hevesy.records.patients.actions import register_patient

pytestmark = [pytest.mark.django_db, pytest.mark.clause("5.2")]


@pytest.fixture
def arrived(tuesday_morning, the_desk, an_fdg_item):
    """`arrived("陈建国", "M")`: a patient who waits for the interview."""

    def make(name="陈建国", sex="M"):
        patient = register_patient(the_desk, name_zh=name, sex=sex, birth_date=date(1990, 3, 5))
        count = Exam.objects.count()
        exam = book_exam(
            the_desk,
            patient=patient,
            item=an_fdg_item,
            starts_at=at(10) + timedelta(minutes=40 * count),
        )
        return mark_arrived(the_desk, exam)

    return make


@pytest.fixture
def desk(an_interviewer, client_of):
    return client_of(an_interviewer)


def page_of(exam):
    return reverse("interview:exam", args=[exam.number])


def test_the_items_own_questions_are_asked(arrived, desk):
    page = desk.get(page_of(arrived())).content.decode()
    for text in ("体重", "kg", "血糖", "mmol/L", "听力障碍", "完成问诊"):
        assert text in page
    assert "妊娠" not in page
    assert "妊娠" in desk.get(page_of(arrived("李梦琪", "F"))).content.decode()


def test_answers_go_onto_the_examination(arrived, desk, an_interviewer):
    exam = arrived("李梦琪", "F")
    answer = desk.post(
        page_of(exam),
        {
            "weight_kg": "51.2",
            "glucose_mmol_l": "5,4",
            "fasting_h": "14",
            "pregnancy": "1",
            "deaf": "true",
        },
    )
    assert answer.status_code == 302
    exam.refresh_from_db()
    assert (exam.state, exam.pregnancy, exam.flags) == ("interviewed", 1, ["deaf"])
    assert float(exam.weight_kg) == 51.2 and float(exam.glucose_mmol_l) == 5.4
    interview = Interview.objects.get()
    assert interview.interviewer == an_interviewer and interview.answers["deaf"] is True
    assert f"saved={exam.number}" in answer.url
    assert "data-draft-done" in desk.get(answer.url).content.decode()


def test_wrong_and_missing_answers_come_back_with_what_was_typed(arrived, desk):
    exam = arrived()
    answer = desk.post(page_of(exam), {"weight_kg": "", "glucose_mmol_l": "540", "fasting_h": "14"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="540"' in page and 'value="14"' in page and "data-faults" in page
    assert page.count("is-bad") >= 2
    assert not Interview.objects.exists()


@pytest.mark.clause("5.3")
def test_a_second_interview_shows_who_when_and_what_changed(arrived, desk, an_interviewer):
    exam = arrived()
    desk.post(page_of(exam), {"weight_kg": "70", "glucose_mmol_l": "12.4"})
    page = desk.get(page_of(exam)).content.decode()
    assert 'value="70"' in page and 'value="12.4"' in page
    desk.post(page_of(exam), {"weight_kg": "70", "glucose_mmol_l": "8.9"})
    page = desk.get(page_of(exam)).content.decode()
    assert "第 2 次问诊" in page and "第 1 次问诊" in page and an_interviewer.name_zh in page
    assert '<del class="hv-rev">12.4 mmol/L</del> <ins class="hv-rev">8.9 mmol/L</ins>' in page
    assert Interview.objects.count() == 2
    exam.refresh_from_db()
    assert float(exam.glucose_mmol_l) == 8.9


def test_the_last_examinations_answers_stand_beside_the_questions(
    arrived, desk, the_desk, an_fdg_item
):
    first = arrived()
    desk.post(page_of(first), {"weight_kg": "72.5"})
    second = book_exam(the_desk, patient=first.patient, item=an_fdg_item, starts_at=at(14))
    mark_arrived(the_desk, second)
    page = desk.get(page_of(second)).content.decode()
    assert "上次 72.5 kg" in page and first.number in page


def test_changing_the_template_leaves_old_answers_alone(arrived, desk):
    exam = arrived()
    desk.post(page_of(exam), {"weight_kg": "70"})
    template = InterviewTemplate.objects.get(code="core")
    template.questions = [{**template.questions[0], "label_zh": "净重"}]
    template.version += 1
    template.save()
    interview = Interview.objects.get()
    assert interview.questions[0]["label_zh"] == "体重" and interview.template_version == 1
    page = desk.get(page_of(exam)).content.decode()
    assert "净重" in page and "<dt>体重</dt>" in page


@pytest.mark.clause("4.1")
def test_others_read_the_interview_in_a_panel(arrived, desk, a_technologist, rf):
    exam = arrived()
    desk.post(page_of(exam), {"weight_kg": "70", "deaf": "true"})
    request = rf.get("/")
    request.user = a_technologist
    panel = slots.render("exam.panels", request, Exam.objects.get(pk=exam.pk), place="side")
    assert "听力障碍" in panel and "70 kg" in panel


@pytest.mark.clause("5.4")
def test_scanning_the_slip_opens_the_interview(arrived, desk):
    exam = arrived()
    url = reverse("interview:scan")
    answer = desk.post(url, {"text": qr.make("E", exam.code)}, headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"] == page_of(exam)
    assert desk.post(url, {"text": qr.make("U", "ABCDEF")}).status_code == 400


@pytest.mark.clause("5.5")
def test_the_list_has_the_call_panel_and_the_order_of_the_queue(arrived, desk):
    from hevesy.records.catalogue.models import Room
    from hevesy.records.queues.actions import follow
    from hevesy.records.queues.seeding import seed

    Room.objects.create(code="interview-1", name_zh="问诊室", name_en="x", kind="interview")
    seed()
    first, second = arrived("甲"), arrived("乙")
    follow(second)
    follow(first)
    page = desk.get(reverse("interview:home")).content.decode()
    assert reverse("calling:panel", args=["interview"]) in page
    assert "I001" in page and "待问诊" in page


def test_the_list_costs_the_same_for_four_patients_as_for_one(
    arrived, desk, django_assert_max_num_queries
):
    arrived("甲")
    desk.get(reverse("interview:rows"))
    for name in "乙丙丁":
        arrived(name)
    with django_assert_max_num_queries(14):
        desk.get(reverse("interview:rows"))


def test_who_may_not_interview_does_not(arrived, a_doctor, client_of):
    exam = arrived()
    client = client_of(a_doctor)
    assert client.get(reverse("interview:home")).status_code == 403
    assert client.post(page_of(exam), {"weight_kg": "70"}).status_code == 403


def test_before_the_arrival_nothing_is_recorded(arrived, desk, the_desk):
    from hevesy.records.exams.actions import take_arrival_back

    exam = arrived()
    take_arrival_back(the_desk, exam, "误点")
    assert desk.post(page_of(exam), {"weight_kg": "70"}).status_code == 409
    assert "现在不能问诊" in desk.get(page_of(exam)).content.decode()
