import numpy as np
import pytest

from hevesy.imaging.analyse.acquired import Acquired
from hevesy.imaging.analyse.curves import CurveRefused
from hevesy.imaging.analyse.parathyroid import analyse_subtraction, analyse_washout
from hevesy.imaging.analyse.regions import Region, RegionSet
from hevesy.imaging.analyse.shapes import Rectangle

HALF_LIFE_S = 21_654.0
GLAND, NODULE = Rectangle((20, 16), (24, 20)), Rectangle((22, 30), (6, 5))
REGIONS = RegionSet(
    64,
    64,
    (
        Region("thyroid", "thyroid", GLAND),
        Region("nodule", "nodule", NODULE),
        Region("BG", "background", Rectangle((4, 48), (12, 10))),
    ),
)


def an_image(thyroid, nodule, *, background=20.0, at_s=0.0, duration_s=600.0, seed=None):
    rate = np.log(2) / HALF_LIFE_S
    decay = np.exp(-rate * at_s) * -np.expm1(-rate * duration_s) / (rate * duration_s)
    frame = np.full((64, 64), background)
    frame[GLAND.mask(64, 64)] += thyroid
    frame[NODULE.mask(64, 64)] += nodule
    frame *= decay
    if seed is not None:
        frame = np.random.default_rng(seed).poisson(frame).astype(float)
    return Acquired(frame[None], np.array([0.0]), np.array([duration_s]))


def test_washout_is_what_left_beyond_decay():
    regions = RegionSet(
        64,
        64,
        (
            Region("thyroid", "thyroid", Rectangle((34, 16), (10, 12))),
            *REGIONS.regions[1:],
        ),
    )
    early = an_image(100.0, 50.0)
    late = an_image(40.0, 80.0, at_s=7200.0, background=12.0)

    result = analyse_washout(early, late, regions, half_life_s=HALF_LIFE_S, between_s=7200.0)

    assert result.value("thyroid_washout_percent") == pytest.approx(60.0)
    # The nodule lies on the gland: 150 early, 120 late.
    assert result.value("nodule_washout_percent") == pytest.approx(20.0)
    assert result.value("nodule_to_thyroid_early") == pytest.approx(1.5)
    assert result.value("nodule_to_thyroid_late") == pytest.approx(3.0)


def test_subtraction_leaves_the_nodule_alone():
    mibi, thyroid = an_image(100.0, 60.0), an_image(40.0, 0.0, background=5.0)

    result = analyse_subtraction(mibi, thyroid, REGIONS)

    x = np.log(2) * 600.0 / HALF_LIFE_S
    assert result.value("scale") == pytest.approx(2.5)
    assert result.value("nodule_rest_counts") == pytest.approx(60.0 * 30 * -np.expm1(-x) / x)


def test_without_a_nodule_nothing_is_left_and_noise_is_as_stated():
    # Half of the gland, so that the scale k is as uncertain as the nodule itself.
    half = Region("nodule", "nodule", Rectangle((20, 16), (24, 10)))
    regions = RegionSet(64, 64, (REGIONS.regions[0], half, REGIONS.regions[2]))
    rests = [
        analyse_subtraction(
            an_image(100.0, 0.0, seed=seed), an_image(40.0, 0.0, seed=seed + 500), regions
        ).measure("nodule_rest_counts")
        for seed in range(120)
    ]

    spread = np.std([one.value for one in rests])
    assert spread == pytest.approx(np.mean([one.standard_deviation for one in rests]), rel=0.2)
    assert abs(np.mean([one.value for one in rests])) < 3 * spread / np.sqrt(len(rests))


def test_more_counts_in_the_thyroid_image_change_only_the_scale():
    mibi, thyroid = an_image(100.0, 60.0), an_image(40.0, 10.0)
    more = Acquired(5 * thyroid.frames, thyroid.start_s, thyroid.duration_s)

    one, other = (analyse_subtraction(mibi, second, REGIONS) for second in (thyroid, more))

    assert other.value("scale") == pytest.approx(one.value("scale") / 5)
    assert other.value("nodule_rest_counts") == pytest.approx(one.value("nodule_rest_counts"))


def test_images_without_a_thyroid_or_of_another_size_are_refused():
    image, flat = an_image(100.0, 60.0), an_image(0.0, 0.0)
    small = Acquired(image.frames[:, :32], image.start_s, image.duration_s)

    with pytest.raises(CurveRefused, match="no_thyroid"):
        analyse_subtraction(image, flat, REGIONS)
    with pytest.raises(CurveRefused, match="views_unlike"):
        analyse_subtraction(image, small, REGIONS)
    with pytest.raises(CurveRefused, match="no_uptake"):
        analyse_washout(image, flat, REGIONS, half_life_s=HALF_LIFE_S, between_s=7200.0)
