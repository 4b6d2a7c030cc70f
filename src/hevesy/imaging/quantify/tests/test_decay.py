from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hevesy.imaging.nuclides import half_life_s
from hevesy.imaging.quantify import decay

F18_S = half_life_s("F-18")
BEIJING = timezone(timedelta(hours=8))


def at(hour: int, minute: int, *, day: int = 3) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=BEIJING)


def test_half_of_it_is_left_after_one_half_life():
    assert decay.decayed_activity(370, elapsed_s=F18_S, half_life_s=F18_S) == pytest.approx(185)


def test_published_examples_of_an_hour_of_fluorine_and_three_hours_of_technetium():
    assert decay.decayed_activity(370, elapsed_s=3600, half_life_s=F18_S) == pytest.approx(
        253.31, abs=0.01
    )
    assert decay.decayed_activity(
        1000, elapsed_s=3 * 3600, half_life_s=half_life_s("Tc-99m")
    ) == pytest.approx(707.72, abs=0.02)


def test_a_time_before_the_assay_gives_more_and_midnight_does_not_matter():
    earlier = decay.activity_at(100, measured_at=at(0, 10), at=at(23, 40, day=2), half_life_s=F18_S)
    assert earlier == pytest.approx(100 * 2 ** (1800 / F18_S))


def test_the_same_moment_in_another_time_zone_is_the_same_moment():
    here, there = at(9, 0), at(9, 0).astimezone(UTC)
    assert decay.activity_at(100, measured_at=here, at=there, half_life_s=F18_S) == 100


def test_a_time_without_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        decay.elapsed_s(datetime(2026, 3, 3, 9, 0), at(9, 5))  # noqa: DTZ001


@pytest.mark.clause("4.2")
def test_net_activity_is_the_syringe_minus_the_residual_both_at_injection():
    net = decay.net_administered_mbq(
        assayed_mbq=Decimal("400"),
        assayed_at=at(9, 0),
        administered_at=at(9, 5),
        residual_mbq=Decimal("12"),
        residual_at=at(9, 12),
        half_life_s=F18_S,
    )
    assert net == pytest.approx(375.026, abs=0.0005)


def test_a_residual_without_a_time_or_above_the_syringe_is_refused():
    with pytest.raises(ValueError, match="time"):
        decay.net_administered_mbq(
            assayed_mbq=400,
            assayed_at=at(9, 0),
            administered_at=at(9, 5),
            residual_mbq=12,
            half_life_s=F18_S,
        )
    with pytest.raises(ValueError, match="exceeds"):
        decay.net_administered_mbq(
            assayed_mbq=10,
            assayed_at=at(9, 0),
            administered_at=at(9, 5),
            residual_mbq=12,
            residual_at=at(9, 6),
            half_life_s=F18_S,
        )


def test_draw_volume_of_the_published_example():
    vial = {"vial_mbq": 5000, "vial_ml": 10, "vial_at": at(8, 0), "half_life_s": F18_S}
    assert decay.draw_volume_ml(wanted_mbq=370, wanted_at=at(10, 0), **vial) == pytest.approx(
        1.579, abs=0.0005
    )
    with pytest.raises(ValueError, match="does not hold"):
        decay.draw_volume_ml(wanted_mbq=6000, wanted_at=at(10, 0), **vial)


@given(
    wanted=st.floats(10, 800),
    minutes=st.integers(-60, 300),
    vial=st.floats(2000, 50000),
)
def test_what_is_drawn_holds_what_was_wanted(wanted, minutes, vial):
    wanted_at = at(8, 0) + timedelta(minutes=minutes)
    parts = {"vial_mbq": vial, "vial_ml": 10, "vial_at": at(8, 0), "half_life_s": F18_S}
    concentration = decay.concentration_mbq_per_ml(at=wanted_at, **parts)
    if wanted / concentration > 10:
        return
    volume = decay.draw_volume_ml(wanted_mbq=wanted, wanted_at=wanted_at, **parts)
    assert volume * concentration == pytest.approx(wanted)


def test_average_count_time_lies_just_before_the_middle_of_the_frame():
    exact = decay.average_count_time_s(frame_duration_s=603, half_life_s=F18_S)
    assert 301.5 - 1.7 < exact < 301.5 - 1.5
    mean_rate = decay.decay_factor(elapsed_s=exact, half_life_s=F18_S)
    rate = 0.6931471805599453 / F18_S
    import math

    assert mean_rate == pytest.approx((1 - math.exp(-rate * 603)) / (rate * 603), rel=1e-12)


def test_units():
    assert decay.mbq_from_mci(10) == 370
    assert decay.mci_from_mbq(decay.mbq_from_mci(1.5)) == pytest.approx(1.5)
    assert decay.bq_from_mbq(370) == 370e6
    assert decay.mbq_from_bq(370e6) == 370


def test_effective_half_life_and_waiting_time():
    assert decay.effective_half_life_s(
        physical_half_life_s=8, biological_half_life_s=8
    ) == pytest.approx(4)
    assert decay.time_to_reach_s(from_mbq=800, to_mbq=100, half_life_s=10) == pytest.approx(30)
