import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hevesy.imaging.analyse.curves import CurveRefused, TimeActivityCurve, region_curve
from hevesy.imaging.analyse.regions import Region, RegionSet
from hevesy.imaging.analyse.shapes import Rectangle, RegionRefused


def a_curve(values, *, duration_s=10.0, start_s=None, units="counts", pixels=1.0, **more):
    values = np.array(values, dtype=float)
    duration = np.broadcast_to(np.asarray(duration_s, float), values.shape).copy()
    start = np.cumsum(duration) - duration if start_s is None else np.array(start_s, float)
    return TimeActivityCurve(
        name="a",
        start_s=start,
        duration_s=duration,
        values=values,
        variance=np.abs(values),
        pixels=np.full(values.shape, float(pixels)),
        units=units,
        **more,
    )


def test_the_background_is_subtracted_per_pixel():
    kidney, background = a_curve([1000.0, 2000.0], pixels=50), a_curve([40.0, 60.0], pixels=10)

    net = kidney.minus_background(background)

    assert net.values.tolist() == [800.0, 1700.0]
    assert net.variance.tolist() == [1000 + 25 * 40, 2000 + 25 * 60]


def test_frames_of_constant_activity_read_alike_after_decay_correction():
    half_life_s, duration = 120.0, np.array([1.0, 30.0, 300.0])
    start = np.cumsum(duration) - duration
    rate = np.log(2) / half_life_s
    decayed = 50.0 / rate * (np.exp(-rate * start) - np.exp(-rate * (start + duration)))

    corrected = a_curve(decayed, duration_s=duration).decay_corrected(half_life_s)

    np.testing.assert_allclose(corrected.rate, 50.0, rtol=1e-12)


@given(
    # Counts: no number so near to zero that decay would leave it no digits.
    st.lists(st.just(0.0) | st.floats(1e-3, 1e6), min_size=1, max_size=20),
    st.floats(10.0, 1e6),
    st.floats(-1e3, 1e3),
)
def test_correcting_for_decay_and_back_changes_nothing(values, half_life_s, reference_s):
    measured = a_curve(values)

    back = measured.decay_corrected(half_life_s, reference_s=reference_s).decay_uncorrected()

    np.testing.assert_allclose(back.values, measured.values, rtol=1e-12)
    np.testing.assert_allclose(back.variance, measured.variance, rtol=1e-12)
    assert back.half_life_s is None


def test_a_curve_is_not_corrected_for_decay_twice():
    with pytest.raises(CurveRefused, match="decay_twice"):
        a_curve([1.0]).decay_corrected(100.0).decay_corrected(100.0)


def test_the_integral_takes_parts_of_frames_and_refuses_what_was_not_acquired():
    curve = a_curve([10.0, 20.0, 30.0])

    assert curve.integral(5.0, 25.0) == pytest.approx((5 + 20 + 15, 2.5 + 20 + 7.5))
    with pytest.raises(CurveRefused, match="interval_not_covered"):
        curve.integral(20.0, 31.0)


@given(st.floats(0.0, 29.0), st.floats(0.01, 30.0))
def test_integrals_of_neighbouring_intervals_add_up(middle_s, length_s):
    curve = a_curve([10.0, 0.0, 7.0, 5.0, 3.0, 2.0])
    end_s = middle_s + length_s

    parts = curve.integral(0.0, middle_s)[0] if middle_s else 0.0
    parts += curve.integral(middle_s, end_s)[0]

    assert parts == pytest.approx(curve.integral(0.0, end_s)[0], abs=1e-9)


def test_the_running_integral_of_a_straight_line_is_its_parabola():
    mid = np.arange(5.0, 200.0, 10.0)
    curve = a_curve(mid, units="Bq/mL")

    # Frames hold the mean of the line, so that whole frames are exact and halves off by d^2/8.
    np.testing.assert_allclose(curve.running_integral(), mid**2 / 2 + 10.0**2 / 8, rtol=1e-12)


def test_frames_of_different_length_are_compared_as_rates():
    curve = a_curve([15.0, 200.0], duration_s=[1.5, 20.0])

    assert curve.rate.tolist() == [10.0, 10.0]
    assert curve.mid_s.tolist() == [0.75, 11.5]


@pytest.mark.parametrize(
    ("start_s", "duration_s"), [([0, 5], 10.0), ([0, 10], 0.0), ([10, 0], 5.0), ([0, np.nan], 5.0)]
)
def test_impossible_frame_times_are_refused(start_s, duration_s):
    with pytest.raises(CurveRefused, match="bad_frame_times"):
        a_curve([1.0, 2.0], start_s=start_s, duration_s=duration_s)


def test_a_region_counts_its_pixels_in_each_frame_and_may_move():
    frames = np.arange(3 * 8 * 8).reshape(3, 8, 8)
    first, rest = Rectangle((1, 2), (2, 2)), Rectangle((4, 4), (3, 1))
    drawn = RegionSet(
        8,
        8,
        (
            Region("lv", "ventricle", first, frames=(0, 0)),
            Region("lv", "ventricle", rest, frames=(1, 2)),
        ),
    )

    curve = region_curve(frames, [0, 1, 2], [1, 1, 1], drawn, "ventricle")

    assert curve.values.tolist() == [
        frames[0, 2:4, 1:3].sum(),
        frames[1, 4, 4:7].sum(),
        frames[2, 4, 4:7].sum(),
    ]
    assert curve.pixels.tolist() == [4, 3, 3]


def test_a_frame_without_a_region_is_refused():
    drawn = RegionSet(8, 8, (Region("lv", "lv", Rectangle((1, 2), (2, 2)), frames=(0, 1)),))

    with pytest.raises(RegionRefused, match="region_frames"):
        region_curve(np.ones((3, 8, 8)), [0, 1, 2], [1, 1, 1], drawn, "lv")
