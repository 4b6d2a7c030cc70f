"""The pages of the front desk, as a browser asks for them."""

import json
from datetime import date

import pytest

from hevesy.foundation.stations import qr
from hevesy.records.exams.models import Exam, SlotHold
from hevesy.records.exams.testing import at
from hevesy.records.patients.actions import register_patient
from hevesy.records.patients.models import Merge, Patient

PERSON = {"name_zh": "陈建国", "sex": "M", "birth_date": "1964-03-08", "phone": "13800006621"}
REQUEST = {"source": "outpatient", "priority": "2", "clinical_diagnosis": "肺占位"}


def text_of(response):
    return response.content.decode()


@pytest.mark.clause("2.2")
def test_a_new_person_is_registered_booked_and_received(desk, an_fdg_item, a_pet_ct):
    found = desk.get("/registration/new/", {"q": "陈建国"})
    assert "陈建国" in text_of(found)

    registered = desk.post("/registration/patients/new/", PERSON)
    patient = Patient.objects.get()
    assert registered.url == f"/registration/patients/{patient.pk}/book/"

    page = desk.get(f"/registration/patients/{patient.pk}/book/", {"item": an_fdg_item.pk})
    assert "10:00" in text_of(page)
    booked = desk.post(
        f"/registration/patients/{patient.pk}/book/",
        REQUEST
        | {
            "item": an_fdg_item.pk,
            "weight_kg": "62",
            "slot": f"{a_pet_ct.pk}@{at(10).isoformat()}",
        },
    )
    exam = Exam.objects.get()
    assert booked.url == f"/registration/exams/{exam.number}/"
    assert exam.booked_for == at(10)
    assert exam.weight_kg == 62

    opened = text_of(desk.get(booked.url))
    for shown in ("陈建国", exam.number, "已预约", "肺占位", "229.4 MBq"):
        assert shown in opened

    desk.post(f"/registration/exams/{exam.number}/arrive/")
    exam.refresh_from_db()
    assert exam.state == "arrived"


@pytest.mark.clause("2.2")
def test_without_a_time_the_request_waits_on_its_list(desk, a_patient, an_fdg_item):
    desk.post(
        f"/registration/patients/{a_patient.pk}/book/",
        REQUEST | {"item": an_fdg_item.pk, "later": "1"},
    )

    waiting = text_of(desk.get("/registration/waiting/"))
    assert "单雄信" in waiting
    assert "排期" in waiting


def test_a_taken_time_is_said_with_the_next_free_one_and_nothing_typed_is_lost(
    desk, an_exam, another_patient, a_pet_ct
):
    answer = desk.post(
        f"/registration/patients/{another_patient.pk}/book/",
        REQUEST
        | {"item": an_exam.item_id, "slot": f"{a_pet_ct.pk}@{at(10).isoformat()}", "bed": "23"},
    )

    assert answer.status_code == 409
    page = text_of(answer)
    assert "10:25" in page
    assert "肺占位" in page
    assert 'value="23"' in page
    assert Exam.objects.count() == 1


def test_a_double_click_books_once(desk, an_exam, a_pet_ct):
    answer = desk.post(
        f"/registration/patients/{an_exam.patient_id}/book/",
        REQUEST | {"item": an_exam.item_id, "slot": f"{a_pet_ct.pk}@{at(10).isoformat()}"},
    )

    assert answer.url == f"/registration/exams/{an_exam.number}/"
    assert Exam.objects.count() == 1


@pytest.mark.clause("2.2")
def test_the_chooser_answers_every_change_with_times_chain_and_dose(
    desk, htmx, a_patient, an_fdg_item, a_pet_ct
):
    url = f"/registration/patients/{a_patient.pk}/book/slots/"
    slot = f"{a_pet_ct.pk}@{at(10, 55).isoformat()}"
    said = {"item": an_fdg_item.pk, "weight_kg": "100", "slot": slot, "day": "2026-11-24"}

    fragment = text_of(desk.get(url, said, **htmx))

    assert fragment.lstrip().startswith("<section")
    assert "370" in fragment  # 3.7 MBq/kg × 100 kg
    assert "09:55" in fragment  # injection an hour before the scan
    assert "09:25" in fragment  # arrival half an hour before that
    assert "禁食 6 小时。" in fragment


@pytest.mark.parametrize("slot", ["", "x", "1@", "1@noon", "999999@2026-11-24T10:00:00+08:00"])
def test_a_garbled_time_books_nothing_wrong(desk, a_patient, an_fdg_item, slot):
    answer = desk.post(
        f"/registration/patients/{a_patient.pk}/book/",
        REQUEST | {"item": an_fdg_item.pk, "slot": slot, "confirm": "1"},
    )

    assert answer.status_code in (302, 409, 400)
    assert not SlotHold.objects.exists() or Exam.objects.get().booked_for == at(10)


def test_the_same_person_is_shown_before_a_second_record_is_made(desk, a_patient):
    again = {"name_zh": "单雄信", "sex": "M", "birth_date": "1964-03-08"}

    asked = desk.post("/registration/patients/new/", again)
    assert a_patient.patient_id in text_of(asked)
    assert Patient.objects.count() == 1

    desk.post("/registration/patients/new/", again | {"confirmed": "1"})
    assert Patient.objects.count() == 2


def test_the_id_card_is_read_while_the_form_is_filled_and_no_field_is_drawn_anew(desk, htmx):
    answer = desk.post(
        "/registration/patients/new/check/",
        {"id_card": "11010519491231002x", "name_zh": "王芳"},
        **htmx,
    )

    said = json.loads(answer.headers["HX-Trigger"])["registration:card"]
    assert said == {"id_card": "11010519491231002X", "sex": "F", "birth_date": "1949-12-31"}
    assert "<input" not in text_of(answer)
    wrong = text_of(
        desk.post("/registration/patients/new/check/", {"id_card": "110105194912310021"}, **htmx)
    )
    assert "校验码" in wrong


def test_the_day_list_shows_states_and_narrows(desk, htmx, an_exam, another_patient, the_desk):
    page = text_of(desk.get("/registration/"))
    assert an_exam.number in page
    assert "已预约" in page

    assert an_exam.number not in text_of(desk.get("/registration/", {"state": "arrived"}, **htmx))
    assert an_exam.number not in text_of(desk.get("/registration/", {"day": "2026-11-25"}, **htmx))
    assert an_exam.number in text_of(desk.get("/registration/", {"class": "pet-ct"}, **htmx))
    assert desk.get("/registration/", {"day": "yesterday", "device": "x"}).status_code == 200


def test_the_day_list_asks_a_fixed_number_of_queries(
    desk, htmx, the_desk, an_exam, an_fdg_item, django_assert_max_num_queries
):
    from hevesy.records.exams.actions import book_exam

    for n in range(6):
        patient = register_patient(the_desk, name_zh=f"患者{chr(0x4E00 + n)}", sex="F")
        book_exam(the_desk, patient=patient, item=an_fdg_item, starts_at=at(11 + n))
    desk.get("/registration/", **htmx)

    with django_assert_max_num_queries(26):
        desk.get("/registration/", **htmx)


def test_an_arrival_pressed_in_the_list_lets_the_list_refresh_and_says_so(desk, htmx, an_exam):
    answer = desk.post(
        f"/registration/exams/{an_exam.number}/arrive/", HTTP_HX_TARGET="day-list", **htmx
    )

    assert answer.status_code == 204
    told = json.loads(answer.headers["HX-Trigger"])
    assert "hv:live" in told  # bubbles from the button to the list, which reads itself anew
    assert "单雄信" in told["hv:toast"]["notices"][0]["text"]


@pytest.mark.clause("1.4")
@pytest.mark.clause("2.4")
def test_a_scanned_slip_confirms_the_arrival_and_a_second_scan_only_opens(desk, an_exam):
    code = qr.make("E", an_exam.code)

    first = desk.post("/registration/scan/", {"text": code}, HTTP_X_HEVESY_SCAN="1")
    assert first.json()["url"] == f"/registration/exams/{an_exam.number}/"
    an_exam.refresh_from_db()
    assert an_exam.state == "arrived"
    assert an_exam.timeline.last().method == "scan"

    assert desk.post("/registration/scan/", {"text": code}).status_code == 200
    assert an_exam.timeline.count() == 2
    assert desk.post("/registration/scan/", {"text": "NM1|E|FORGED|AAAA"}).status_code >= 400


def test_cancelling_asks_for_a_reason_in_a_dialog(desk, htmx, an_exam):
    url = f"/registration/exams/{an_exam.number}/move/cancel/"
    assert "<dialog" in text_of(desk.get(url, **htmx))
    assert "<form" in text_of(desk.get(url))

    desk.post(url, {"reason": ""})
    an_exam.refresh_from_db()
    assert an_exam.state == "scheduled"

    answer = desk.post(url, {"reason": "患者要求"}, **htmx)
    assert answer.headers["HX-Redirect"].endswith(f"/exams/{an_exam.number}/")
    an_exam.refresh_from_db()
    assert an_exam.state == "cancelled"


def test_another_time_is_chosen_with_the_old_one_counted_free(desk, htmx, an_exam, a_pet_ct):
    url = f"/registration/exams/{an_exam.number}/reschedule/"
    slot = f"{a_pet_ct.pk}@{at(10, 5).isoformat()}"

    assert "10:00" in text_of(desk.get(url, {"day": "2026-11-24"}, **htmx))
    desk.post(url, {"slot": slot, "confirm": "1", "reason": "堵车"})

    an_exam.refresh_from_db()
    assert an_exam.booked_for == at(10, 5)
    assert an_exam.timeline.last().reason == "堵车"


def test_the_request_is_corrected_unless_somebody_was_quicker(desk, an_exam):
    url = f"/registration/exams/{an_exam.number}/edit/"
    changes = REQUEST | {"version": an_exam.version, "weight_kg": "70.5", "bed": "12"}

    desk.post(url, changes)
    an_exam.refresh_from_db()
    assert str(an_exam.weight_kg) == "70.50"

    assert desk.post(url, changes | {"bed": "99"}).status_code == 400
    an_exam.refresh_from_db()
    assert an_exam.bed == "12"


def test_personal_data_are_corrected(desk, a_patient):
    desk.post(
        f"/registration/patients/{a_patient.pk}/edit/",
        {
            "name_zh": "单雄信",
            "sex": "M",
            "birth_date": "1964年3月9日",
            "outpatient": "MZ1",
            "version": "1",
        },
    )

    a_patient.refresh_from_db()
    assert a_patient.birth_date == date(1964, 3, 9)
    assert a_patient.identifiers.get().value == "MZ1"


@pytest.mark.clause("1.8")
def test_the_head_merges_two_records_and_undoes_it(
    tuesday_morning, client_of, a_head, a_patient, another_patient
):
    head = client_of(a_head)
    url = f"/registration/patients/{a_patient.pk}/merge/"
    assert "欧阳雪" in text_of(head.get(url, {"q": "欧阳", "alias": another_patient.pk}))

    head.post(url, {"alias": another_patient.pk, "reason": "同一人"})
    assert Merge.objects.count() == 1
    assert head.get(f"/registration/patients/{another_patient.pk}/").url.endswith(
        f"/{a_patient.pk}/"
    )

    head.post(f"/registration/merges/{Merge.objects.get().pk}/undo/")
    another_patient.refresh_from_db()
    assert another_patient.merged_into is None


SECRET_PAGES = (
    "/registration/exams/{number}/",
    "/registration/exams/{number}/edit/",
    "/registration/exams/{number}/reschedule/",
    "/registration/exams/{number}/move/cancel/",
    "/registration/patients/{pk}/",
)


@pytest.mark.parametrize("page", SECRET_PAGES)
def test_who_reads_no_clinical_content_reaches_no_patient_by_guessing(
    client_of, an_auditor, a_clinician, an_exam, page
):
    url = page.format(number=an_exam.number, pk=an_exam.patient_id)
    for user in (an_auditor, a_clinician):
        answer = client_of(user).get(url)
        assert answer.status_code in (403, 404)
        assert "单雄信" not in text_of(answer)
    assert desk_answer(client_of, url).status_code == 302


def desk_answer(client_of, url):
    from django.test import Client

    return Client().get(url)


def test_what_the_form_does_not_offer_is_not_taken(desk, an_exam, an_fdg_item, a_pet_ct):
    desk.post(
        f"/registration/exams/{an_exam.number}/edit/",
        REQUEST
        | {
            "version": an_exam.version,
            "state": "published",
            "report_state": "audited",
            "visit_state": "cancelled",
            "number": "PT26-99999",
            "patient": "999",
            "is_demo": "on",
        },
    )
    desk.post(
        "/registration/patients/new/",
        PERSON | {"patient_id": "00000001", "merged_into": "1", "is_demo": "on", "version": "7"},
    )

    exam = Exam.objects.get()
    assert (exam.state, exam.visit_state, exam.report_state) == ("scheduled", "scheduled", "")
    assert exam.number == an_exam.number
    assert not exam.is_demo
    person = Patient.objects.latest("pk")
    assert person.patient_id.startswith("NM")
    assert (person.is_demo, person.version) == (False, 1)


def test_names_are_shown_as_text_never_as_markup(desk, the_desk, an_fdg_item):
    patient = register_patient(the_desk, name_zh="<script>alert(1)</script>", sex="M")

    page = text_of(desk.get(f"/registration/patients/{patient.pk}/"))

    assert "<script>alert(1)" not in page


@pytest.mark.parametrize("number", ["PT26-99999", "' or 1=1", "..%2f..%2fetc", "%00", "x" * 300])
def test_an_unknown_number_is_not_found(desk, number):
    assert desk.get(f"/registration/exams/{number}/").status_code == 404
