import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hevesy.imaging.analyse.acquired import Acquired
from hevesy.imaging.analyse.regions import Region, RegionSet
from hevesy.imaging.analyse.shapes import Rectangle
from hevesy.imaging.analyse.thyroid import (
    Counted,
    camera_uptake,
    lobe_volume_ml,
    probe_uptake,
    therapy_activity_mbq,
)
from hevesy.imaging.nuclides import half_life_s
from hevesy.imaging.refusal import Refused

I131_S = half_life_s("I-131")
TC99M_S = half_life_s("Tc-99m")
DAY_S = 86_400.0


def test_uptake_by_probe_worked_by_hand():
    # A day leaves 2^(-1/8.0207) = 0.91721 of the capsule: 100 (9000 - 1200) / (30200 - 200) / that.
    result = probe_uptake(
        neck=Counted(9000),
        thigh=Counted(1200),
        capsule=Counted(30_200),
        room=Counted(200),
        half_life_s=I131_S,
        capsule_to_neck_s=DAY_S,
        hours=24.0,
    )

    assert result.inputs["decay_factor"] == pytest.approx(0.91721, abs=1e-5)
    assert result.value("uptake_percent") == pytest.approx(28.347, abs=1e-3)
    assert result.measure("uptake_percent").within_reference is True


@given(st.floats(0.0, 30 * DAY_S), st.floats(0.01, 0.99))
def test_the_uptake_that_was_simulated_is_found_at_any_time(elapsed_s, uptake):
    left = 2 ** (-elapsed_s / I131_S)
    result = probe_uptake(
        neck=Counted(1e6 * left * uptake + 900),
        thigh=Counted(900),
        capsule=Counted(1e6 + 300),
        room=Counted(300),
        half_life_s=I131_S,
        capsule_to_neck_s=elapsed_s,
    )

    assert result.value("uptake_percent") == pytest.approx(100 * uptake)


def test_probe_counts_scatter_as_stated():
    rng = np.random.default_rng(1)
    found = []
    for _ in range(300):
        neck, thigh, capsule, room = rng.poisson([3000, 600, 10_100, 100])
        result = probe_uptake(
            neck=Counted(neck),
            thigh=Counted(thigh),
            capsule=Counted(capsule),
            room=Counted(room),
            half_life_s=I131_S,
            capsule_to_neck_s=0.0,
        )
        found.append(result.measure("uptake_percent"))

    spread = np.std([one.value for one in found])
    assert spread == pytest.approx(np.mean([one.standard_deviation for one in found]), rel=0.15)


def a_gland(counts, *, at_s=1200.0, duration_s=300.0):
    """A gland that held `counts` per second at injection, on a background of 3 per pixel."""
    rate = np.log(2) / TC99M_S
    decayed = counts * np.exp(-rate * at_s) * -np.expm1(-rate * duration_s) / rate
    frame = np.full((32, 32), 3.0)
    frame[10:20, 12:20] += decayed / 80
    regions = RegionSet(
        32,
        32,
        (
            Region("gland", "thyroid", Rectangle((12, 10), (8, 10))),
            Region("BG", "background", Rectangle((4, 24), (5, 5))),
        ),
    )
    return Acquired(frame[None], np.array([0.0]), np.array([duration_s])), regions


def test_the_camera_finds_two_percent_of_the_syringe_whenever_each_was_counted():
    image, regions = a_gland(200.0)
    full, empty = (10_600.0 * 2 ** (600 / TC99M_S), 600.0 * 2 ** (-900 / TC99M_S))

    result = camera_uptake(
        image,
        regions,
        full=Counted(60 * (full + 5)),
        empty=Counted(60 * (empty + 5)),
        camera_background=Counted(60 * 5.0),
        half_life_s=TC99M_S,
        full_to_injection_s=600.0,
        injection_to_empty_s=900.0,
    )

    assert result.value("uptake_percent") == pytest.approx(2.0, rel=1e-9)
    assert result.measure("uptake_percent").within_reference is True


def test_an_uptake_above_all_that_was_given_is_named():
    image, regions = a_gland(200.0)

    result = camera_uptake(
        image, regions, full=Counted(9000), empty=Counted(60), half_life_s=TC99M_S
    )

    assert [one.key for one in result.findings] == ["impossible_uptake"]


def test_swapped_syringes_and_negative_counts_are_refused():
    image, regions = a_gland(200.0)

    with pytest.raises(Refused, match="bad_standard"):
        camera_uptake(image, regions, full=Counted(1), empty=Counted(2), half_life_s=TC99M_S)
    with pytest.raises(Refused, match="bad_counts"):
        Counted(-1.0)


def test_volume_and_activity_are_those_of_the_formulas():
    # pi/6 x 5 x 2 x 2 = 10.472 mL; 10.472 g x 3.7 MBq/g / 0.5 = 77.49 MBq.
    assert lobe_volume_ml(5.0, 2.0, 2.0) == pytest.approx(10.47198, abs=1e-5)
    assert therapy_activity_mbq(
        mass_g=10.47198, mbq_per_g=3.7, uptake_percent=50.0
    ) == pytest.approx(77.4926, abs=1e-3)
    with pytest.raises(Refused, match="bad_uptake"):
        therapy_activity_mbq(mass_g=10.0, mbq_per_g=3.7, uptake_percent=0.0)
