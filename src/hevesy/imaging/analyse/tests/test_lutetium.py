import json

import numpy as np
import pytest

from hevesy.imaging.analyse.lutetium import (
    RecoveryCurve,
    RegionActivities,
    analyse_therapy,
    fit_region,
)
from hevesy.imaging.nuclides import half_life_s
from hevesy.imaging.refusal import Refused

PHYSICAL_H = half_life_s("Lu-177") / 3600
HOURS = np.array([4.0, 24.0, 96.0, 168.0])


def falling(amplitude, half_life_h, time=HOURS):
    return amplitude * 0.5 ** (time / half_life_h)


def fit(activity, model, time=HOURS, sd=None):
    return fit_region(
        RegionActivities("kidney", time, activity, sd),
        model=model,
        physical_half_life_h=PHYSICAL_H,
        injected_mbq=7400.0,
    )


def test_one_falling_part_integrates_to_a_over_lambda():
    found = fit(falling(200.0, 52.0), "mono")
    assert found.half_lives_h[0] == pytest.approx(52.0, rel=1e-6)
    assert found.tia_mbq_h == pytest.approx(200.0 * 52.0 / np.log(2), rel=1e-6)
    assert found.tiac_h == pytest.approx(found.tia_mbq_h / 7400)
    assert found.extrapolated == pytest.approx(0.5 ** (168 / 52), rel=1e-5)


def test_two_falling_parts_are_told_apart():
    time = np.array([1.0, 4.0, 24.0, 48.0, 96.0, 168.0])
    found = fit(falling(150.0, 6.0, time) + falling(80.0, 60.0, time), "bi", time)
    assert found.half_lives_h == pytest.approx((60.0, 6.0), rel=1e-3)
    assert found.tia_mbq_h == pytest.approx((150 * 6 + 80 * 60) / np.log(2), rel=1e-4)


def test_uptake_and_washout_are_told_apart():
    found = fit(falling(100.0, 70.0) - falling(100.0, 5.0), "uptake")
    assert found.half_lives_h == pytest.approx((70.0, 5.0), rel=1e-3)
    assert found.tia_mbq_h == pytest.approx(100 * (70 - 5) / np.log(2), rel=1e-4)


def test_no_region_outlives_the_physical_half_life():
    found = fit(falling(50.0, 2 * PHYSICAL_H), "mono")
    assert found.half_lives_h[0] <= PHYSICAL_H * (1 + 1e-9)
    assert found.at_physical


def test_the_stated_deviation_is_the_scatter_of_repeated_therapies():
    rng = np.random.default_rng(3)
    truth = falling(200.0, 52.0)
    sd = 0.05 * truth
    runs = [fit(truth + sd * rng.standard_normal(4), "mono", sd=sd) for _ in range(150)]
    scatter = np.std([one.tia_mbq_h for one in runs])
    stated = np.mean([one.tia_sd_mbq_h for one in runs])
    assert stated == pytest.approx(scatter, rel=0.2)


def test_small_regions_are_corrected_for_recovery_and_too_small_ones_refused():
    curve = RecoveryCurve((1.0, 10.0, 100.0), (0.3, 0.6, 0.9), "site", True)
    region = RegionActivities("tumour", HOURS, falling(60.0, 60.0))
    np.testing.assert_allclose(
        region.recovered(curve, 10.0).activity_mbq, region.activity_mbq / 0.6
    )
    assert curve.at(10**1.5) == pytest.approx(0.75)
    with pytest.raises(Refused, match="smallest sphere"):
        region.recovered(curve, 0.5)


def test_a_therapy_answers_for_every_region_with_its_own_model():
    regions = [
        RegionActivities("left kidney", HOURS, falling(200.0, 52.0)),
        RegionActivities("tumour", HOURS, falling(100.0, 70.0) - falling(100.0, 5.0)),
    ]
    found = analyse_therapy(regions, injected_mbq=7400.0, models={"tumour": "uptake"})
    assert found.value("tumour_tia_mbq_h") == pytest.approx(6500 / np.log(2), rel=1e-3)
    assert found.value("left_kidney_effective_half_life_h") == pytest.approx(52.0, rel=1e-4)
    json.dumps(found.as_json(), allow_nan=False)


def test_keys_are_english_terms_and_names_of_regions_are_values():
    names = ("左肾", "Left kidney", "肿瘤 2")
    regions = [RegionActivities(name, HOURS, falling(200.0, 52.0)) for name in names]

    found = analyse_therapy(regions, injected_mbq=7400.0)

    told = {one["key"]: one["region"] for one in found.as_json()["measures"]}
    assert all(key.isascii() for key in told)
    tia = {key: name for key, name in told.items() if key.endswith("tia_mbq_h")}
    assert tia == {
        "region_1_tia_mbq_h": "左肾",
        "left_kidney_tia_mbq_h": "Left kidney",
        "region_3_tia_mbq_h": "肿瘤 2",
    }
    with pytest.raises(Refused, match="same name"):
        analyse_therapy([*regions, regions[1]], injected_mbq=7400.0)


def test_too_few_scans_for_a_model_are_refused():
    with pytest.raises(Refused, match="needs 4 scans"):
        fit(falling(200.0, 52.0)[:3], "bi", HOURS[:3])
    assert fit(falling(200.0, 52.0)[:2], "mono", HOURS[:2]).tia_sd_mbq_h is None
