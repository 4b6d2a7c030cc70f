import json
from dataclasses import replace

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hevesy.imaging.analyse.curves import CurveRefused
from hevesy.imaging.analyse.regions import Region, RegionSet
from hevesy.imaging.analyse.renogram import analyse_renogram
from hevesy.imaging.analyse.shapes import Ellipse, Mask
from hevesy.imaging.nuclides import half_life_s
from hevesy.imaging.phantoms.planar import renogram

TC99M_S = half_life_s("Tc-99m")


def analysed(phantom, **more):
    return analyse_renogram(
        phantom.frames,
        phantom.start_s,
        phantom.duration_s,
        phantom.regions,
        half_life_s=TC99M_S,
        **more,
    )


def test_both_ways_find_the_split_that_went_in():
    phantom = renogram(uptake=(0.0035, 0.0065))

    result = analysed(phantom)

    assert result.value("left_split_percent") == pytest.approx(35.0, abs=1e-6)
    assert result.value("left_split_patlak_percent") == pytest.approx(35.0, abs=1e-6)
    assert result.value("right_split_percent") == pytest.approx(65.0, abs=1e-6)
    assert result.value("right_split_patlak_percent") == pytest.approx(65.0, abs=1e-6)


def test_patlak_rutland_is_not_misled_by_blood_in_one_kidney_where_the_integral_is():
    phantom = renogram(uptake=(0.005, 0.005))
    frames = phantom.frames.copy()
    blood, left = (phantom.regions.mask(role) for role in ("blood", "left_kidney"))
    extra = frames[:, blood].sum(axis=1) - frames[:, 60, 2] * blood.sum()
    frames[:, left] += (0.2 * extra / left.sum())[:, None]

    result = analysed(replace(phantom, frames=frames))

    assert result.value("left_split_patlak_percent") == pytest.approx(50.0, abs=0.2)
    assert result.value("left_split_percent") > 51.0


def test_the_split_of_a_noisy_study_lies_within_its_stated_uncertainty():
    deviations = []
    for seed in range(30):
        measure = analysed(renogram(seed=seed)).measure("left_split_percent")
        deviations.append((measure.value - 40.0) / measure.standard_deviation)

    assert np.std(deviations) == pytest.approx(1.0, abs=0.35)
    assert abs(np.mean(deviations)) < 0.6


def test_peak_and_drainage_are_those_of_the_phantom():
    phantom = renogram(transit_s=(150.0, 240.0), emptying_s=(200.0, 500.0))

    result = analysed(phantom)

    for index, side in enumerate(("left", "right")):
        assert 60 * result.value(f"{side}_tmax_min") == pytest.approx(
            phantom.truth["tmax_s"][index], abs=5.1
        )
        assert result.value(f"{side}_retention_20_min_over_max") == pytest.approx(
            phantom.truth["retention_over_max"][index], rel=0.02
        )


def test_output_efficiency_is_what_has_left_of_what_was_taken_up():
    phantom = renogram()

    result = analysed(phantom, output_s=phantom.truth["output_efficiency_s"])

    for index, side in enumerate(("left", "right")):
        assert result.value(f"{side}_output_efficiency_percent") == pytest.approx(
            phantom.truth["output_efficiency_percent"][index], abs=0.1
        )


def test_half_times_from_the_peak_are_those_that_went_in():
    halves_s = (290.0, 415.0)
    phantom = renogram(transit_s=(180.0, 240.0), drain_from_s=(180.0, 240.0), emptying_s=halves_s)

    result = analysed(phantom)

    for side, half_s in zip(("left", "right"), halves_s, strict=True):
        assert result.value(f"{side}_half_time_min") == pytest.approx(half_s / 60, rel=0.01)
    assert not [one for one in result.findings if one.key == "half_not_reached"]


def test_half_times_from_the_diuretic_are_those_that_went_in():
    halves_s = (260.0, 380.0)
    phantom = renogram(drain_from_s=(600.0, 600.0), emptying_s=halves_s)

    result = analysed(phantom, diuretic_s=600.0)

    for side, half_s in zip(("left", "right"), halves_s, strict=True):
        assert result.value(f"{side}_diuretic_half_time_min") == pytest.approx(
            half_s / 60, rel=0.01
        )


def test_residual_activity_is_a_share_of_the_second_minute():
    phantom = renogram(
        transit_s=(180.0, 180.0), drain_from_s=(300.0, 600.0), emptying_s=(300.0, 450.0)
    )

    result = analysed(phantom)

    # Even uptake until 180 s: over the second minute the kidney holds half of its peak on average.
    # At 1195 s, the middle of the last frame, (1195 - drain) / half-time halvings have passed.
    for side, drain_s, half_s in (("left", 300.0, 300.0), ("right", 600.0, 450.0)):
        expected = 2 ** (-(1195.0 - drain_s) / half_s) / 0.5
        assert result.value(f"{side}_nora") == pytest.approx(expected, rel=1e-3)


def test_a_kidney_that_does_not_drain_has_no_half_time():
    result = analysed(renogram(emptying_s=(60.0, 1e9)))

    assert result.value("right_half_time_min") is None
    assert [one.values["side"] for one in result.findings if one.key == "half_not_reached"] == [
        "right"
    ]


def test_a_kidney_barely_above_background_is_named():
    result = analysed(renogram(uptake=(0.00002, 0.006)))

    assert "low_kidney_to_background" in [one.key for one in result.findings]


@settings(max_examples=5)
@given(st.floats(0.1, 50.0))
def test_more_counts_change_no_ratio(factor):
    phantom = renogram()

    one = analysed(phantom)
    more = analysed(replace(phantom, frames=phantom.frames * factor))

    assert [m.value for m in more.measures] == pytest.approx([m.value for m in one.measures])


def test_a_series_that_ends_before_the_uptake_interval_is_refused():
    phantom = renogram()

    with pytest.raises(CurveRefused, match="interval_not_covered"):
        analyse_renogram(
            phantom.frames[:30],
            phantom.start_s[:30],
            phantom.duration_s[:30],
            phantom.regions,
            half_life_s=TC99M_S,
        )


@pytest.mark.data
def test_the_simulated_study_in_a_body_gives_its_split_within_two_points(real_dicom):
    folder = real_dicom / "derived/renogram_sim"
    truth = json.loads((folder / "truth.json").read_text())
    frames = pydicom.dcmread(folder / "dynamic.dcm").pixel_array
    duration = np.array([1.5] * 40 + [20.0] * 60)

    regions = []
    for role, key in (("left", "L"), ("right", "R")):
        x, y, a, b, turn = truth["kidney_rois_mm"][key]
        kidney = _in_pixels(x, y, a, b, turn, grow=1.0)
        ring = _in_pixels(x, y, a, b, turn, grow=1.45).mask(128, 128)
        ring &= ~_in_pixels(x, y, a, b, turn, grow=1.2).mask(128, 128)
        regions += [Region(role, f"{role}_kidney", kidney)]
        regions += [Region(f"{role} ring", f"{role}_background", Mask.of(ring))]
    result = analyse_renogram(
        frames,
        np.cumsum(duration) - duration,
        duration,
        RegionSet(128, 128, tuple(regions)),
        half_life_s=TC99M_S,
    )

    assert result.value("left_split_percent") == pytest.approx(
        truth["split_uptake_percent"]["L"], abs=2.0
    )
    # The left kidney is obstructed, the right one drains.
    assert result.value("left_half_time_min") is None
    assert result.value("right_half_time_min") is not None


def _in_pixels(x, y, a, b, turn, *, grow):
    return Ellipse(
        (63.5 + x / 4.0, 63.5 + y / 4.0), (grow * a / 4.0, grow * b / 4.0), np.degrees(turn)
    )
