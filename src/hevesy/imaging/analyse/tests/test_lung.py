from dataclasses import replace

import numpy as np
import pytest

from hevesy.imaging.analyse.acquired import Acquired
from hevesy.imaging.analyse.curves import CurveRefused
from hevesy.imaging.analyse.lung import analyse_lung_shunt, analyse_lungs
from hevesy.imaging.phantoms.planar import chest
from hevesy.imaging.refusal import Refused

FLOW = {
    "left_upper": 0.10,
    "left_middle": 0.17,
    "left_lower": 0.18,
    "right_upper": 0.05,
    "right_middle": 0.20,
    "right_lower": 0.30,
}
EVEN = dict.fromkeys(FLOW, 1 / 6)
DEPTH = {"left_upper": 6.0, "right_lower": 15.0, "right_upper": 9.0, "liver": 9.0}


def views(shares, *, depth_cm=DEPTH, **more):
    phantom, posterior = chest(shares=shares, depth_cm=depth_cm, **more)
    front = Acquired(phantom.frames, phantom.start_s, phantom.duration_s, "anterior")
    return (front, replace(front, frames=posterior, view="posterior")), phantom.regions


def test_each_third_has_the_share_that_went_in_at_any_depth():
    flow, regions = views(FLOW)

    result = analyse_lungs(flow, regions)

    for part, share in FLOW.items():
        assert result.value(f"{part}_perfusion_percent") == pytest.approx(100 * share)
    assert result.value("left_perfusion_percent") == pytest.approx(45.0)
    assert result.value("right_perfusion_percent") == pytest.approx(55.0)


def test_ventilation_over_perfusion_is_high_where_blood_is_missing():
    flow, regions = views(FLOW)
    air, _ = views(EVEN)

    result = analyse_lungs(flow, regions, ventilation=air)

    assert result.value("right_upper_vq") == pytest.approx((1 / 6) / 0.05)
    assert result.value("right_lower_vq") == pytest.approx((1 / 6) / 0.30)


def test_fev1_after_surgery_loses_the_share_of_what_is_removed():
    flow, regions = views(FLOW)

    lung = analyse_lungs(flow, regions, fev1_l=2.0, removed=["right"])
    third = analyse_lungs(flow, regions, fev1_l=2.0, removed=["right_upper", "right_middle"])

    assert lung.value("ppo_fev1_l") == pytest.approx(2.0 * 0.45)
    assert third.value("ppo_fev1_l") == pytest.approx(2.0 * 0.75)
    assert [one.key for one in third.findings] == ["thirds_are_not_lobes"]
    with pytest.raises(Refused, match="unknown_part"):
        analyse_lungs(flow, regions, fev1_l=2.0, removed=["spleen"])


def test_the_shunt_is_what_reached_the_lungs():
    shares = {name: 0.08 * share for name, share in FLOW.items()} | {"liver": 0.92}
    level, regions = views(shares, depth_cm={"liver": 9.0})
    uneven, _ = views(shares)

    assert analyse_lung_shunt(*level, regions).value("shunt_percent") == pytest.approx(8.0)
    # A lung whose parts lie at different depths reads a little high: the root of a product of
    # sums is no less than the sum of the roots.
    assert 8.0 < analyse_lung_shunt(*uneven, regions).value("shunt_percent") < 8.3


def test_noisy_shares_scatter_as_stated():
    shares = {name: 0.1 * share for name, share in FLOW.items()} | {"liver": 0.9}
    shunt, third = [], []
    for seed in range(0, 80, 2):
        flow, regions = views(shares, depth_cm={"liver": 9.0}, counts=2e5, seed=seed)
        shunt.append(analyse_lung_shunt(*flow, regions).measures[0])
        third.append(analyse_lungs(flow, regions).measure("right_upper_perfusion_percent"))

    for found, truth in ((shunt, 10.0), (third, 5.0)):
        deviations = [(one.value - truth) / one.standard_deviation for one in found]
        assert np.std(deviations) == pytest.approx(1.0, abs=0.35)
        assert abs(np.mean(deviations)) < 0.6


def test_more_counts_change_no_share():
    flow, regions = views(FLOW)
    more = tuple(replace(one, frames=3 * one.frames) for one in flow)

    one, other = analyse_lungs(flow, regions), analyse_lungs(more, regions)

    assert [m.value for m in other.measures] == pytest.approx([m.value for m in one.measures])


def test_views_of_different_size_and_empty_lungs_are_refused():
    flow, regions = views(FLOW)

    with pytest.raises(CurveRefused, match="views_unlike"):
        analyse_lungs((flow[0], replace(flow[1], frames=flow[1].frames[:, :32])), regions)
    empty = tuple(replace(one, frames=np.ones_like(one.frames)) for one in flow)
    with pytest.raises(CurveRefused, match="no_lungs"):
        analyse_lungs(empty, regions)
    with pytest.raises(CurveRefused, match="no_liver"):
        analyse_lung_shunt(*empty, regions)
