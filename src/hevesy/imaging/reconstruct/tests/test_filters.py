import numpy as np
import pytest

from hevesy.imaging.reconstruct.filters import Filter, parse_filter
from hevesy.imaging.refusal import Refused


@pytest.mark.parametrize(
    ("text", "frequency", "amplitude"),
    [
        ("butterworth:0.4:5", 0.4, 1 / np.sqrt(2)),
        ("butterworth:0.4:5", 0.8, 1 / np.sqrt(1 + 2**10)),
        ("hann:0.5", 0.25, 0.5),
        ("hann:0.5", 0.6, 0.0),
        ("hamming:0.5", 0.25, 0.54),
        ("cosine:0.5", 0.25, np.cos(np.pi / 4)),
        ("shepp-logan:0.5", 0.5, 2 / np.pi),
        ("none", 3.0, 1.0),
    ],
)
def test_windows_have_the_amplitude_of_their_formula(text, frequency, amplitude):
    window = parse_filter(text)

    assert float(window.response(frequency)) == pytest.approx(amplitude, abs=1e-12)
    assert float(window.response(0.0)) == 1.0


def test_a_gaussian_widens_a_point_to_its_width():
    image = np.zeros((31, 31, 31), np.float32)
    image[15, 15, 15] = 1.0

    smooth = Filter("gaussian", fwhm_mm=20.0).applied(image, pixel_mm=4.0, slice_mm=5.0)

    offset = np.arange(31) - 15
    across = (smooth.sum(axis=(1, 2)) * (offset * 4.0) ** 2).sum()
    along = (smooth.sum(axis=(0, 1)) * (offset * 5.0) ** 2).sum()
    assert np.sqrt([across, along]) * 2.3548 == pytest.approx([20.0, 20.0], rel=0.01)


def test_a_butterworth_of_three_dimensions_lets_a_slow_wave_pass_and_halves_the_power_at_cutoff():
    y = np.arange(60)
    # Twelve voxels of 5 mm per wave: a sixth of a cycle per cm, in the middle of the volume.
    wave = np.cos(2 * np.pi * y / 12.0).astype(np.float32)
    image = np.ascontiguousarray(np.broadcast_to(wave[:, None, None], (60, 40, 40)))

    at = Filter("butterworth", cutoff_per_cm=1 / 6, order=4).applied(
        image, pixel_mm=5.0, slice_mm=5.0
    )
    far = Filter("butterworth", cutoff_per_cm=0.5, order=4).applied(
        image, pixel_mm=5.0, slice_mm=5.0
    )

    assert at[24:36, 20, 20].max() == pytest.approx(1 / np.sqrt(2), abs=0.03)
    assert far[24:36, 20, 20].max() == pytest.approx(1.0, abs=0.01)


def test_a_constant_image_stays_constant():
    image = np.full((20, 20, 12), 3.0, np.float32)

    for text in ("gaussian:12", "butterworth:0.3:5", "hann:0.4"):
        smooth = parse_filter(text).applied(image, pixel_mm=4.0, slice_mm=4.0)
        np.testing.assert_allclose(smooth, 3.0, rtol=1e-5)


@pytest.mark.parametrize("text", ["fancy:3", "hann:-1", "gaussian", "hann:a", "hann:0.4:2"])
def test_what_is_no_filter_is_refused(text):
    with pytest.raises(Refused, match="bad_setting"):
        parse_filter(text)


def test_order_and_cutoff_are_shown():
    assert parse_filter("butterworth:0.45:7").text == "butterworth 0.45 cycles/cm, order 7"
