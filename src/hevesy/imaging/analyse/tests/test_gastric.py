from dataclasses import replace

import numpy as np
import pytest

from hevesy.imaging.analyse.acquired import Acquired
from hevesy.imaging.analyse.curves import CurveRefused
from hevesy.imaging.analyse.gastric import analyse_gastric_emptying
from hevesy.imaging.nuclides import half_life_s
from hevesy.imaging.phantoms.planar import stomach

TC99M_S = half_life_s("Tc-99m")


def analysed(phantom, posterior, *, factor=1.0, **more):
    front = Acquired(factor * phantom.frames, phantom.start_s, phantom.duration_s, "anterior")
    back = replace(front, frames=factor * posterior, view="posterior")
    return analyse_gastric_emptying(front, back, phantom.regions, half_life_s=TC99M_S, **more)


def test_the_geometric_mean_finds_what_is_left_of_a_meal_that_moves_forward():
    phantom, posterior = stomach(half_time_min=80.0, shape_b=2.2)

    result = analysed(phantom, posterior)

    # Time points of the phantom: 0, 30, 60, 120, 180, 240 min.
    for key, index in (("0_5h", 1), ("1h", 2), ("2h", 3), ("3h", 4), ("4h", 5)):
        assert result.value(f"retention_percent_{key}") == pytest.approx(
            phantom.truth["retention_percent"][index], abs=1e-6
        )
    assert result.value("half_time_min") == pytest.approx(80.0, rel=1e-4)


@pytest.mark.parametrize(("shape_b", "half_time_min"), [(2.2, 80.0), (3.0, 110.0)])
def test_the_lag_phase_ends_where_the_meal_leaves_fastest(shape_b, half_time_min):
    result = analysed(*stomach(half_time_min=half_time_min, shape_b=shape_b))

    # Siegel 1988: the lag ends at the inflection of 1 - (1 - e^(-k t))^b, found here on the curve.
    k = -np.log(1 - 0.5 ** (1 / shape_b)) / half_time_min
    t = np.arange(0.0, 240.0, 0.01)
    steepest = t[np.argmin(np.gradient(1 - (1 - np.exp(-k * t)) ** shape_b, t))]
    assert steepest > 20.0
    assert result.value("lag_min") == pytest.approx(steepest, abs=0.1)


def test_a_meal_that_leaves_fastest_at_once_has_no_lag_phase():
    assert analysed(*stomach(shape_b=0.9)).value("lag_min") == 0.0


def test_one_view_alone_would_be_wrong():
    phantom, posterior = stomach()

    result = analysed(phantom, posterior)
    front = result.curves[0].rate

    assert 100 * front[2] / front[0] > phantom.truth["retention_percent"][2] + 20


def test_half_of_the_meal_has_gone_at_the_half_time():
    phantom, posterior = stomach(minutes=(0.0, 30.0, 90.0, 120.0), half_time_min=90.0)

    result = analysed(phantom, posterior)

    assert result.inputs["retention_percent"][2] == pytest.approx(50.0, abs=1e-6)
    assert result.value("half_time_min") == pytest.approx(90.0, rel=1e-4)


def test_a_noisy_retention_lies_within_its_stated_uncertainty():
    deviations = []
    for seed in range(0, 80, 2):
        phantom, posterior = stomach(seed=seed)
        one = analysed(phantom, posterior).measure("retention_percent_2h")
        truth = phantom.truth["retention_percent"][3]
        deviations.append((one.value - truth) / one.standard_deviation)

    assert np.std(deviations) == pytest.approx(1.0, abs=0.35)
    assert abs(np.mean(deviations)) < 0.5


@pytest.mark.parametrize(
    ("half_time_min", "key", "within"),
    [(200.0, "4h", False), (200.0, "2h", False), (80.0, "4h", True), (10.0, "1h", False)],
)
def test_slow_and_fast_emptying_are_outside_the_consensus_limits(half_time_min, key, within):
    result = analysed(*stomach(half_time_min=half_time_min))

    measure = result.measure(f"retention_percent_{key}")
    assert measure.within_reference is within
    assert measure.reference.checked


def test_more_counts_change_no_percentage():
    phantom, posterior = stomach()

    one, two = analysed(phantom, posterior), analysed(phantom, posterior, factor=2.0)

    assert [m.value for m in two.measures] == pytest.approx([m.value for m in one.measures])


def test_a_half_time_beyond_the_last_image_and_a_rising_curve_are_named():
    phantom, posterior = stomach(half_time_min=400.0)
    late = analysed(phantom, posterior)
    swallowed = np.array([1.0, 1.5, 1.0, 1.0, 1.0, 1.0])[:, None, None]
    backwards = analysed(replace(phantom, frames=swallowed * phantom.frames), swallowed * posterior)

    assert "half_time_extrapolated" in [one.key for one in late.findings]
    assert "retention_rises" in [one.key for one in backwards.findings]


def test_an_empty_stomach_is_refused_and_three_points_are_not_fitted():
    phantom, posterior = stomach(minutes=(0.0, 60.0, 120.0))

    assert analysed(phantom, posterior).value("half_time_min") is None
    with pytest.raises(CurveRefused, match="no_meal"):
        analysed(replace(phantom, frames=np.ones_like(phantom.frames)), posterior)
