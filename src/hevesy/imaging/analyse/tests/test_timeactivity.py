import numpy as np
import pytest

from hevesy.imaging.analyse.regions import Region, RegionSet
from hevesy.imaging.analyse.shapes import Rectangle, RegionRefused
from hevesy.imaging.analyse.timeactivity import analyse_curves
from hevesy.imaging.phantoms.planar import collected, decaying, paint

HALF_LIFE_S = 21_654.0
DURATION_S = np.array([2.0] * 30 + [60.0] * 4)
START_S = np.cumsum(DURATION_S) - DURATION_S


def ankles():
    """The left ankle takes up 1.8 times as much as the right per pixel; both peak at 21 s."""

    def rate(t):
        return 200.0 * np.exp(-((t - 21.0) ** 2) / 200.0) + 30.0

    left, right = Rectangle((36, 20), (12, 20)), Rectangle((12, 20), (12, 10))
    counts = collected(decaying(rate, HALF_LIFE_S), START_S, DURATION_S)
    frames = paint([(left, 1.8 * 2 * counts), (right, counts)], np.zeros(len(DURATION_S)))
    regions = (Region("left", "left_ankle", left), Region("right", "reference", right))
    return frames, RegionSet(64, 64, regions)


def test_the_two_sides_are_compared_in_flow_and_pool():
    frames, regions = ankles()

    result = analyse_curves(
        frames,
        START_S,
        DURATION_S,
        regions,
        half_life_s=HALF_LIFE_S,
        intervals_s=[(0.0, 60.0), (60.0, 300.0)],
    )

    assert result.value("left_ankle_to_reference_0_60_s") == pytest.approx(1.8)
    assert result.value("left_ankle_to_reference_60_300_s") == pytest.approx(1.8)
    assert result.value("reference_tmax_s") == pytest.approx(21.0)
    assert result.value("reference_peak_counts_per_s") == pytest.approx(230.0, rel=0.01)


def test_no_region_means_nothing_to_measure():
    with pytest.raises(RegionRefused, match="region_missing"):
        analyse_curves(
            np.ones((2, 8, 8)), [0, 1], [1, 1], RegionSet(8, 8, ()), half_life_s=HALF_LIFE_S
        )
