import numpy as np
import pytest

from hevesy.imaging.analyse.curves import CurveRefused
from hevesy.imaging.analyse.regions import Region, RegionSet
from hevesy.imaging.analyse.shapes import Ellipse, Rectangle, RegionRefused
from hevesy.imaging.analyse.stimulated import analyse_gallbladder, analyse_salivary
from hevesy.imaging.phantoms.planar import collected, decaying, paint

HALF_LIFE_S = 21_654.0
DURATION_S = np.full(40, 30.0)
START_S = 30.0 * np.arange(40)
STIMULUS_S = 900.0


def emptying(fraction, level):
    """A gland that fills until the stimulus, then drops at once to what is left of `level`."""
    return lambda t: np.where(
        t < STIMULUS_S, level * np.minimum(t / STIMULUS_S + 0.1, 1.0), level * (1.0 - fraction)
    )


def glands(fractions, *, seed=None):
    shapes = {
        "left_parotid": Ellipse((48, 20), (6, 8)),
        "right_parotid": Ellipse((16, 20), (6, 8)),
        "left_submandibular": Ellipse((42, 44), (5, 4)),
        "right_submandibular": Ellipse((22, 44), (5, 4)),
    }
    organs = [
        (shapes[role], collected(decaying(emptying(part, 40.0), HALF_LIFE_S), START_S, DURATION_S))
        for role, part in fractions.items()
    ]
    flat = collected(decaying(lambda t: 0.05 + 0 * t, HALF_LIFE_S), START_S, DURATION_S)
    regions = [Region(role, role, shapes[role]) for role in fractions]
    regions.append(Region("BG", "background", Rectangle((26, 4), (12, 8))))
    return paint(organs, flat, seed=seed), RegionSet(64, 64, tuple(regions))


def salivary(frames, regions, **more):
    settings = {"half_life_s": HALF_LIFE_S, "stimulus_s": STIMULUS_S} | more
    return analyse_salivary(frames, START_S, DURATION_S, regions, **settings)


def test_each_gland_empties_by_what_was_simulated():
    fractions = {"left_parotid": 0.6, "right_parotid": 0.45, "left_submandibular": 0.3}

    result = salivary(*glands(fractions))

    for role, part in fractions.items():
        assert result.value(f"{role}_excretion_percent") == pytest.approx(100 * part, abs=1e-6)
    with pytest.raises(KeyError):
        result.value("right_submandibular_excretion_percent")


def test_uptake_ratio_is_counts_per_pixel_of_gland_over_background():
    frames, regions = glands({"left_parotid": 0.5})
    pixels = regions.mask("left_parotid").sum()

    # The gland holds 40 counts/s over its pixels above 0.05 counts/s in every pixel.
    assert salivary(frames, regions).value("left_parotid_uptake_ratio") == pytest.approx(
        (40.0 / pixels + 0.05) / 0.05
    )


def test_excretion_of_noisy_glands_is_near_and_no_count_changes_it():
    frames, regions = glands({"left_parotid": 0.5}, seed=4)

    one = salivary(frames, regions)
    many = salivary(7 * frames, regions)

    measure = one.measure("left_parotid_excretion_percent")
    # Highest and lowest of many noisy frames are picked: a few SD towards more excretion.
    assert abs(measure.value - 50.0) < 5 * measure.standard_deviation
    assert many.value("left_parotid_excretion_percent") == pytest.approx(measure.value)


def test_a_gland_that_goes_on_filling_is_named():
    result = salivary(*glands({"left_parotid": -0.3}))

    assert [one.key for one in result.findings] == ["not_emptied"]


def test_salivary_refusals():
    frames, regions = glands({"left_parotid": 0.5})

    with pytest.raises(CurveRefused, match="stimulus_outside"):
        salivary(frames, regions, stimulus_s=5000.0)
    with pytest.raises(RegionRefused, match="region_missing"):
        salivary(frames, RegionSet(64, 64, regions.regions[-1:]))
    with pytest.raises(CurveRefused, match="empty_organ"):
        salivary(np.where(regions.mask("left_parotid"), 0.0, frames), regions)


def gallbladder(rate, **more):
    shape = Ellipse((20, 30), (5, 7))
    counts = collected(decaying(rate, HALF_LIFE_S), START_S, DURATION_S)
    flat = collected(decaying(lambda t: 0.2 + 0 * t, HALF_LIFE_S), START_S, DURATION_S)
    regions = RegionSet(
        64,
        64,
        (
            Region("GB", "gallbladder", shape),
            Region("liver", "background", Rectangle((30, 20), (6, 6))),
        ),
    )
    return analyse_gallbladder(
        paint([(shape, counts)], flat),
        START_S,
        DURATION_S,
        regions,
        half_life_s=HALF_LIFE_S,
        **more,
    )


def test_a_gallbladder_that_keeps_a_third_has_an_ejection_fraction_of_two_thirds():
    def rate(t):
        return 60.0 * np.where(t < 300, 1.0, np.where(t < 900, 1.0 - (t - 300) / 900, 1 / 3))

    result = gallbladder(rate, stimulus_s=300.0)

    assert result.value("gbef_percent") == pytest.approx(66.667, abs=0.01)
    assert result.value("emptiest_after_stimulus_min") == pytest.approx(10.25)
    assert result.measure("gbef_percent").within_reference is True


def test_a_gallbladder_that_only_fills_is_named():
    result = gallbladder(lambda t: 10.0 + t / 100.0)

    assert result.value("gbef_percent") == 0.0
    assert result.value("emptiest_after_stimulus_min") is None
    assert [one.key for one in result.findings] == ["not_emptied"]
