from dataclasses import replace

import numpy as np
import pytest

from hevesy.imaging.analyse.gfr import Patient, Syringe, analyse_gates_gfr, read_gates_table
from hevesy.imaging.analyse.regions import Region, RegionSet
from hevesy.imaging.analyse.shapes import Rectangle
from hevesy.imaging.refusal import Refused

FOREVER_S = 1e15


def an_example():
    """Left 40 000 net counts of 60 pixels, right 50 000, in the third minute."""
    frames = np.full((3, 32, 32), 20.0)
    left, right = Rectangle((4, 8), (6, 10)), Rectangle((20, 8), (6, 10))
    frames[2, 8:18, 4:10] += 40_000 / 60
    frames[2, 8:18, 20:26] += 50_000 / 60
    regions = RegionSet(
        32,
        32,
        (
            Region("L", "left_kidney", left),
            Region("R", "right_kidney", right),
            Region("BG", "background", Rectangle((12, 24), (5, 5))),
        ),
    )
    return frames, [0.0, 60.0, 120.0], [60.0] * 3, regions


def gfr(**changes):
    settings = {
        "full": Syringe(2_600_000),
        "empty": Syringe(100_000),
        "patient": Patient(weight_kg=60.0, height_cm=165.0, age_years=50.0),
        "half_life_s": FOREVER_S,
    }
    return analyse_gates_gfr(*an_example(), **(settings | changes))


def test_gates_worked_by_hand():
    # Depth (Tonnesen): right 13.3 x 60/165 + 0.7 = 5.5364 cm, left 13.2 x 60/165 + 0.7 = 5.5 cm.
    # e^(0.153 x 5.5) = 2.31991, e^(0.153 x 5.5364) = 2.33286. Net syringe 2 500 000.
    # Left 40 000 x 2.31991 / 2 500 000 = 3.71186 %, right 50 000 x 2.33286 / 2 500 000 = 4.66572 %.
    # GFR = 9.8127 x 8.37758 - 6.82519 = 75.3815 mL/min; surface 0.007184 x 60^0.425 x 165^0.725.
    result = gfr()

    assert result.value("left_depth_cm") == pytest.approx(5.5)
    assert result.value("right_depth_cm") == pytest.approx(5.53636, abs=1e-5)
    assert result.value("left_uptake_percent") == pytest.approx(3.71186, abs=2e-4)
    assert result.value("right_uptake_percent") == pytest.approx(4.66572, abs=2e-4)
    assert result.value("gfr_ml_per_min") == pytest.approx(75.3815, abs=3e-3)
    assert result.value("body_surface_m2") == pytest.approx(1.6585, abs=1e-3)
    assert result.value("gfr_ml_per_min_per_1_73_m2") == pytest.approx(
        75.3815 * 1.73 / result.value("body_surface_m2"), abs=4e-3
    )
    assert result.value("left_gfr_ml_per_min") + result.value(
        "right_gfr_ml_per_min"
    ) == pytest.approx(result.value("gfr_ml_per_min"))


@pytest.mark.parametrize(
    ("depth", "left_cm", "right_cm"),
    [
        # 60 kg, 165 cm, 50 years: kg / cm = 0.363636.
        # Taylor 1993 (J Nucl Med 34:1766): left 16.17 x 0.363636 + 0.027 x 50 - 0.94 = 6.29,
        # right 15.13 x 0.363636 + 0.022 x 50 + 0.077 = 6.678818.
        ("taylor1993", 6.29, 6.678818),
        # Li Qian (Chinese adults, CT): left 16.772 x 0.363636 + 0.01025 x 50 + 0.224 = 6.835409,
        # right 15.449 x 0.363636 + 0.009637 x 50 + 0.782 = 6.881668.
        ("li_qian", 6.835409, 6.881668),
    ],
)
def test_other_formulas_of_depth_worked_by_hand(depth, left_cm, right_cm):
    result = gfr(depth=depth)

    assert result.value("left_depth_cm") == pytest.approx(left_cm, abs=1e-6)
    assert result.value("right_depth_cm") == pytest.approx(right_cm, abs=1e-6)
    assert result.value("left_uptake_percent") == pytest.approx(1.6 * np.exp(0.153 * left_cm))
    assert result.value("right_uptake_percent") == pytest.approx(2.0 * np.exp(0.153 * right_cm))


def test_twice_the_counts_everywhere_give_the_same_gfr():
    frames, start, duration, regions = an_example()

    doubled = analyse_gates_gfr(
        2 * frames,
        start,
        duration,
        regions,
        full=Syringe(5_200_000),
        empty=Syringe(200_000),
        patient=Patient(60.0, 165.0, 50.0),
        half_life_s=FOREVER_S,
    )

    assert doubled.value("gfr_ml_per_min") == pytest.approx(gfr().value("gfr_ml_per_min"))


def test_a_measured_depth_goes_before_the_formula():
    result = gfr(measured_depth_cm=(7.0, 7.0))

    assert result.value("left_uptake_percent") == pytest.approx(1.6 * np.exp(0.153 * 7.0))
    assert result.inputs["depth"] == "measured"


def test_a_syringe_counted_one_half_life_before_injection_had_twice_the_counts():
    now = gfr(half_life_s=21_654.0)
    earlier = gfr(
        half_life_s=21_654.0,
        full=replace(Syringe(2_600_000), counts=5_200_000, start_s=-21_654.0),
        empty=Syringe(200_000, start_s=-21_654.0),
    )

    assert earlier.value("gfr_ml_per_min") == pytest.approx(now.value("gfr_ml_per_min"))


def test_a_doubtful_table_and_a_tiny_uptake_are_named():
    result = gfr(full=Syringe(250_000_000))

    assert {one.key for one in result.findings} == {"below_regression", "table_not_checked"}


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"empty": Syringe(2_600_000)}, "bad_syringe"),
        ({"full": Syringe(1.0, duration_s=0.0)}, "bad_syringe"),
        ({"regression": "none"}, "bad_table"),
        ({"depth": "none"}, "bad_table"),
    ],
)
def test_what_cannot_be_computed_is_refused(change, key):
    with pytest.raises(Refused) as refused:
        gfr(**change)

    assert refused.value.key == key


def test_an_impossible_patient_and_a_table_without_sources_are_refused(tmp_path):
    with pytest.raises(Refused, match="bad_patient"):
        Patient(weight_kg=60.0, height_cm=1.65)
    table = tmp_path / "own.toml"
    table.write_text("attenuation_per_cm = 0.153\n[regression.own]\nslope = 9.0\nintercept = 0.0\n")
    with pytest.raises(Refused, match="bad_table"):
        read_gates_table(table)
