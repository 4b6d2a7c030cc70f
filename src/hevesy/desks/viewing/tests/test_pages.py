"""The pages around the viewer: who may, what is compared before images are linked, and why objects were refused."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django.urls import reverse
from django.utils import timezone

from hevesy.desks.viewing.candidates import compare
from hevesy.foundation.audit.models import AuditEvent
from hevesy.records.archive.models import Refusal, Series, Study

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def text_of(response):
    return response.content.decode()


@pytest.fixture
def a_strange_study(an_exam):
    """Images of the exam's patient with a typing error in the number, a wrong sex and no accession number."""
    patient = an_exam.patient
    patient.birth_date = date(1964, 3, 8)
    patient.save()
    an_exam.weight_kg = 70
    an_exam.save()
    study = Study.objects.create(
        study_instance_uid="1.2.3", last_received_at=timezone.now(), instance_count=3,
        patient_name=f"{patient.name_latin}={patient.name_zh}", patient_id="WRONG",
        patient_sex="F" if patient.sex == "M" else "M", patient_birth_date="19640308",
        study_date=f"{timezone.localdate(an_exam.booked_for):%Y%m%d}", modalities=["PT", "CT"],
    )  # fmt: skip
    Series.objects.create(
        study=study, series_instance_uid="1.2.4", modality="PT", header={"patient_weight_kg": 82.5}
    )
    return study


def test_who_may_not_keep_pictures_is_told_so_whatever_he_sends(client_of, a_physicist):
    study = Study.objects.create(study_instance_uid="1.2.3", last_received_at=timezone.now())
    tray = reverse("viewing:key_images", args=[study.study_instance_uid])

    assert client_of(a_physicist).post(tray).status_code == 403
    assert client_of(a_physicist).post(tray, {"view_state": "{"}).status_code == 403


@pytest.mark.clause("1.8")
def test_images_and_exam_are_compared_field_by_field(an_exam, a_strange_study):
    found = [line.agrees for line in compare(a_strange_study, an_exam).lines]

    # Name, patient ID, sex, birth date, weight, exam number (not on the images), date, modality.
    assert found == [True, False, False, True, False, None, True, True]


@pytest.mark.clause("1.8")
def test_before_images_are_linked_both_sides_stand_beside_each_other(
    client_of, a_registrar, an_exam, a_strange_study
):
    desk = client_of(a_registrar)
    address = reverse("viewing:link", args=[a_strange_study.pk, an_exam.number])
    page = text_of(desk.get(reverse("viewing:unmatched_study", args=[a_strange_study.pk])))
    shown = text_of(desk.get(address, headers=HTMX))

    assert f'hx-get="{address}"' in page
    assert "82.5 kg" in shown and "70 kg" in shown and "1964-03-08" in shown
    marked = re.findall(r'<tr class="is-amber"><th scope="row">(.*?)</th>', shown)
    assert marked == ["患者编号", "性别", "体重"]
    assert "viewing/link.html" in [t.name for t in desk.get(address).templates]
    refused = desk.post(address, {"reason": " "}, headers=HTMX)
    assert refused.status_code == 422 and not Study.objects.get().exam
    done = desk.post(address, {"reason": "编号录入有误"}, headers=HTMX)
    assert done["HX-Redirect"] == reverse("viewing:unmatched")
    assert Study.objects.get().exam == an_exam
    assert AuditEvent.objects.get(verb="archive.link").details["against"] == [
        "patient_id_differs", "sex_differs",
    ]  # fmt: skip


@pytest.mark.clause("1.8")
def test_images_are_taken_off_in_a_dialog_with_a_reason(
    client_of, a_chief, a_doctor, an_exam, a_strange_study
):
    Study.objects.update(exam=an_exam)
    address = reverse("viewing:unlink", args=["1.2.3"])
    exam_page = reverse("registration:exam", args=[an_exam.number])

    chief = client_of(a_chief)
    assert f'hx-get="{address}"' in text_of(chief.get(exam_page))
    assert "<dialog" in text_of(chief.get(address, headers=HTMX))
    assert chief.post(address, {"reason": ""}, headers=HTMX).status_code == 422
    assert client_of(a_doctor).get(address).status_code == 403
    assert f'hx-get="{address}"' not in text_of(client_of(a_doctor).get(exam_page))

    assert chief.post(address, {"reason": "不是这位患者"}, headers=HTMX).status_code == 204
    assert Study.objects.get().exam is None
    assert AuditEvent.objects.get(verb="archive.unlink").details["reason"] == "不是这位患者"


@pytest.mark.parametrize(
    ("language", "words"),
    [("zh-hans", "存储空间已满"), ("en", "The storage is full. Make room, then send again.")],
)
def test_why_an_object_was_not_taken_in_stands_there_in_words(
    client_of, a_registrar, language, words
):
    Refusal.objects.create(kind="refused", reason="disk_full")
    desk = client_of(a_registrar)
    desk.cookies["django_language"] = language

    page = text_of(desk.get(reverse("viewing:refusals")))

    assert words in page and "disk_full" not in page
