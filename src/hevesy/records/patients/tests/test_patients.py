"""Registering, finding, correcting and merging patients on the configured database."""

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hevesy.foundation.accounts.actors import PermissionRefused
from hevesy.foundation.audit.models import AuditEvent
from hevesy.records.patients.actions import (
    IdentifierTaken,
    PatientRefused,
    Stale,
    correct_patient,
    merge_patients,
    register_patient,
    unmerge,
)
from hevesy.records.patients.models import Patient
from hevesy.records.patients.queries import duplicates, search

ID_CARD = ("id_card", "", "11010519491231002X")


def names(text, by):
    return [patient.name_zh for patient in search(text, by)]


@pytest.mark.clause("2.2")
def test_a_registration_gets_a_number_and_an_alphabetic_name(the_desk):
    patient = register_patient(the_desk, name_zh=" 单 雄信 ", sex="M", birth_date=date(1964, 3, 8))

    assert patient.name_zh == "单雄信"
    assert patient.name_latin == "Shan^Xiongxin"
    assert patient.patient_id == f"NM{patient.pk:07}"
    assert AuditEvent.objects.filter(verb="patient.register", patient_id=patient.pk).exists()


def test_nobody_registers_without_the_right(actor_with):
    with pytest.raises(PermissionRefused):
        register_patient(actor_with("patients.view"), name_zh="张三", sex="M")

    assert not Patient.objects.exists()


def test_the_id_card_fills_sex_and_birth_date(the_desk):
    patient = register_patient(the_desk, name_zh="王芳", sex="", identifiers=[ID_CARD])

    assert (patient.sex, patient.birth_date) == ("F", date(1949, 12, 31))


@pytest.mark.parametrize("wrong", [{"sex": "M"}, {"sex": "F", "birth_date": date(1950, 1, 1)}])
def test_a_contradiction_with_the_id_card_is_refused_and_never_overwritten(the_desk, wrong):
    with pytest.raises(PatientRefused):
        register_patient(the_desk, name_zh="王芳", identifiers=[ID_CARD], **wrong)

    assert not Patient.objects.exists()


def test_a_number_leads_to_its_owner_instead_of_a_second_record(the_desk):
    first = register_patient(the_desk, name_zh="王芳", sex="F", identifiers=[ID_CARD])

    with pytest.raises(IdentifierTaken) as refusal:
        register_patient(the_desk, name_zh="王方", sex="F", identifiers=[ID_CARD])

    assert refusal.value.patient == first
    assert Patient.objects.count() == 1


@pytest.mark.parametrize("name", ["", "   ", "^^^", "王" * 61])
def test_a_name_that_is_none_is_refused(the_desk, name):
    with pytest.raises(PatientRefused):
        register_patient(the_desk, name_zh=name, sex="M")


@pytest.mark.clause("2.5")
@pytest.mark.parametrize(
    "text",
    [
        "单雄信",
        "雄信",
        "单",
        "信",
        "shanxiongxin",
        "shanx",
        "danxiongxin",
        "xiongxin",
        "SXX",
        "sx",
        "6621",
        "13800006621",
        "00987",
        "11010519491231002X",
        "11010519491231002x",
    ],
)
def test_one_box_finds_a_patient_by_anything(the_desk, text):
    register_patient(the_desk, name_zh="欧阳雪", sex="F", phone="13900001111")
    register_patient(
        the_desk,
        name_zh="单雄信",
        sex="F",
        phone="138 0000 6621",
        identifiers=[ID_CARD, ("outpatient", "", "MZ00987")],
    )

    assert names(text, the_desk)[0] == "单雄信"


@pytest.mark.parametrize("text", ["lvbu", "lyubu", "lübu", "lb", "吕", "LYU"])
def test_a_name_with_an_umlaut_is_found_by_every_spelling(the_desk, text):
    register_patient(the_desk, name_zh="吕布", sex="M")

    assert names(text, the_desk) == ["吕布"]


def test_letters_apart_from_each_other_are_no_match(the_desk):
    register_patient(the_desk, name_zh="张大明张", sex="M")

    assert names("明大", the_desk) == []
    assert names("张明", the_desk) == []


@pytest.mark.parametrize("text", ["", "  ", "%", "_", "'; drop table", "^", "\x00"])
def test_odd_text_finds_nobody_and_breaks_nothing(the_desk, a_patient, text):
    assert names(text, the_desk) == []


def test_a_search_asks_a_bounded_number_of_queries(
    the_desk, a_patient, django_assert_max_num_queries
):
    with django_assert_max_num_queries(9):
        search("单雄", the_desk)


@pytest.mark.parametrize(("typed", "queries"), [("s", 7), ("sx", 7), ("shan", 7), ("单", 6)])
def test_one_or_two_letters_ask_little(
    the_desk, a_patient, django_assert_num_queries, typed, queries
):
    with django_assert_num_queries(queries):
        assert names(typed, the_desk) == ["单雄信"]


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL scans small tables")
@pytest.mark.parametrize("typed", ["s", "sh", "sx", "shan", "单"])
def test_a_short_beginning_sorts_nothing(the_desk, a_patient, typed):
    with CaptureQueriesContext(connection) as asked:
        search(typed, the_desk)

    plans = []
    for query in asked.captured_queries:
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN QUERY PLAN " + query["sql"])
            plans += [row[3] for row in cursor.fetchall() if "patients_search" in query["sql"]]
    assert plans and all("COVERING INDEX" in plan for plan in plans), plans


def test_of_many_who_begin_alike_the_newest_come_first(the_desk):
    people = [
        register_patient(the_desk, name_zh=name, sex="M") for name in ("王建国", "吴建国", "王建军")
    ]

    assert search("w", the_desk) == people[::-1]
    assert search("wan", the_desk) == search("wangjian", the_desk) == [people[2], people[0]]
    assert search("wangjiang", the_desk) == [people[0]]
    assert search("wj", the_desk) == people[::-1]


def test_duplicates_are_shown_with_their_reasons(the_desk):
    certain = register_patient(the_desk, name_zh="王芳", sex="F", identifiers=[ID_CARD])
    probable = register_patient(the_desk, name_zh="王方", sex="F", birth_date=date(1950, 1, 1))
    register_patient(the_desk, name_zh="李四", sex="F", birth_date=date(1950, 1, 1))

    found = duplicates(name_zh="王方", sex="F", birth_date=date(1950, 1, 1), identifiers=[ID_CARD])

    assert [(c.patient, c.certain) for c in found] == [(certain, True), (probable, False)]
    assert all(candidate.reasons for candidate in found)


def test_a_correction_on_an_old_version_is_refused(the_desk, a_patient):
    correct_patient(the_desk, a_patient, version=1, phone="13900002222")

    with pytest.raises(Stale):
        correct_patient(the_desk, a_patient, version=1, phone="13900003333")

    a_patient.refresh_from_db()
    assert a_patient.phone == "13900002222"


def test_a_corrected_name_is_read_anew_and_found(the_desk, a_patient):
    correct_patient(the_desk, a_patient, name_zh="单雄心")

    assert names("雄信", the_desk) == []
    assert names("雄心", the_desk) == ["单雄心"]


def test_a_reading_corrected_by_hand_is_kept_and_found(the_desk, a_patient):
    patient = correct_patient(the_desk, a_patient, name_latin="Chan^Xiongxin")

    assert patient.name_latin == "Chan^Xiongxin"
    assert names("chanx", the_desk) == ["单雄信"]


@pytest.mark.clause("1.8")
def test_merged_records_are_found_as_the_survivor_until_it_is_undone(
    the_desk, a_patient, another_patient
):
    merge = merge_patients(the_desk, survivor=a_patient, alias=another_patient, reason="同一人")

    assert names("欧阳雪", the_desk) == ["单雄信"]
    with pytest.raises(PatientRefused):
        merge_patients(the_desk, survivor=a_patient, alias=another_patient, reason="again")

    unmerge(the_desk, merge)

    assert names("欧阳雪", the_desk) == ["欧阳雪"]
    assert AuditEvent.objects.filter(verb__in=["patient.merge", "patient.unmerge"]).count() == 2


def test_merging_moves_the_examinations_and_undoing_moves_them_back(
    the_desk, an_exam, another_patient
):
    owner = an_exam.patient

    merge = merge_patients(the_desk, survivor=another_patient, alias=owner, reason="同一人")
    an_exam.refresh_from_db()
    assert an_exam.patient == another_patient

    unmerge(the_desk, merge)
    an_exam.refresh_from_db()
    assert an_exam.patient == owner


def test_an_examination_number_or_its_tail_leads_to_the_patient(the_desk, an_exam):
    assert names(an_exam.number, the_desk) == ["单雄信"]
    assert names(an_exam.number[-5:], the_desk) == ["单雄信"]
