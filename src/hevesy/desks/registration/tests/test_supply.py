"""Supply against need: both decayed to the same moment."""

from datetime import timedelta

import pytest

from hevesy.desks.registration.supply import Wish, supply
from hevesy.records.doses.models import Batch
from hevesy.records.exams.models import ExamStep
from hevesy.records.exams.testing import at

HALF_LIFE_MIN = 6586.2 / 60


@pytest.fixture
def a_batch(tuesday_morning, fdg):
    """10 GBq of FDG at 08:00, usable until 18:00."""
    return Batch.objects.create(
        number="FDG-1124-1",
        tracer=fdg,
        state="recorded",
        activity_mbq=10_000,
        reference_at=at(8),
        volume_ml=10,
        expires_at=at(18),
    )


@pytest.fixture
def the_eye(actor_with):
    """Somebody who sees doses."""
    return actor_with("doses.view", "exams.view")


@pytest.mark.clause("2.2")
def test_what_the_vial_holds_and_what_others_need_are_decayed_to_the_injection(
    the_eye, a_batch, an_exam
):
    ExamStep.objects.filter(exam=an_exam).update(planned_activity_mbq=300)  # injected at 09:00

    found = supply(the_eye, a_batch.tracer, [Wish(at(8, 30), 250.0)], at(8), at(17))

    half_an_hour = 0.5 ** (30 / HALF_LIFE_MIN)
    assert found.available_mbq == pytest.approx(10_000 * half_an_hour)
    assert found.others_mbq == pytest.approx(300 / half_an_hour)
    assert found.enough
    by_time = dict(found.need_with)
    assert by_time[at(8)] == pytest.approx((250 / half_an_hour + 300 / half_an_hour**2) / 1000)
    assert by_time[at(9, 10)] == 0


def test_a_time_at_which_too_little_is_left_is_said(the_eye, a_batch, an_exam):
    found = supply(the_eye, a_batch.tracer, [Wish(at(17, 50), 300.0)], at(8), at(18))
    assert found.available_mbq == pytest.approx(10_000 * 0.5 ** (590 / HALF_LIFE_MIN))
    assert not found.enough

    expired = supply(the_eye, a_batch.tracer, [Wish(at(18, 10), 1.0)], at(8), at(18))
    assert expired.available_mbq == 0


def test_without_a_batch_or_the_right_nothing_is_claimed(the_eye, actor_with, a_batch):
    wish = [Wish(at(9), 250.0)]
    assert supply(actor_with("exams.view"), a_batch.tracer, wish, at(8), at(17)) is None
    assert supply(the_eye, a_batch.tracer, [], at(8), at(17)) is None
    Batch.objects.update(reference_at=at(8) - timedelta(days=1))
    assert supply(the_eye, a_batch.tracer, wish, at(8), at(17)) is None


def test_the_booking_page_draws_the_curves(client_of, a_registrar, a_batch, a_patient, an_fdg_item):
    page = client_of(a_registrar).get(
        f"/registration/patients/{a_patient.pk}/book/",
        {"item": an_fdg_item.pk, "weight_kg": "62", "day": "2026-11-24"},
    )

    text = page.content.decode()
    assert 'class="supply"' in text
    assert "余量足够" in text
    assert "229.4" in text
