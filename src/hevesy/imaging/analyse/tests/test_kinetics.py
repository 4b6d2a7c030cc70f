import json

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from hevesy.imaging.analyse.kinetics import (
    Frames,
    Input,
    convolved,
    fit_compartments,
    logan,
    patlak,
)
from hevesy.imaging.refusal import Refused

LENGTHS_MIN = np.array([0.25] * 8 + [0.5] * 4 + [1.0] * 6 + [5.0] * 16)
ENDS = np.cumsum(LENGTHS_MIN)
STARTS = ENDS - LENGTHS_MIN
FINE = np.concatenate((np.arange(0, 10, 0.02), np.arange(10, 90.1, 0.1)))


def feng(t):
    """Plasma after a bolus, in the shape of Feng 1993."""
    return (
        850 * t * np.exp(-4.1 * t)
        + 22 * (np.exp(-0.12 * t) - np.exp(-4.1 * t))
        + 21 * (np.exp(-0.01 * t) - np.exp(-4.1 * t))
    )


def tissue(k1, k2, k3=0.0, k4=0.0, blood=0.0):
    """Frame means of the compartment equations, solved by an integrator that knows no formula."""

    def change(t, c):
        plasma = feng(t)
        free = k1 * plasma - (k2 + k3) * c[0] + k4 * c[1]
        return [free, k3 * c[0] - k4 * c[1], (1 - blood) * (c[0] + c[1]) + blood * plasma]

    solved = solve_ivp(
        change,
        (0, 90),
        [0, 0, 0],
        t_eval=np.unique([0, *ENDS]),
        rtol=1e-9,
        atol=1e-10,
        max_step=0.2,
    )
    return Frames(STARTS, ENDS, np.diff(solved.y[2]) / LENGTHS_MIN)


@pytest.fixture(scope="module")
def plasma():
    return Input(FINE, feng(FINE))


def test_convolution_with_an_exponential_is_exact_for_a_ramp():
    t = np.array([0.0, 0.3, 1.0, 4.0])
    for k in (0.5, 1e-7):
        truth = t / k - -np.expm1(-k * t) / k**2 if k > 1e-3 else t**2 / 2
        np.testing.assert_allclose(convolved(t, t, k), truth, rtol=1e-6)


def test_patlak_returns_ki_of_an_irreversible_tissue_within_one_percent(plasma):
    found = patlak(tissue(0.1, 0.15, 0.06), plasma, from_min=40.0)
    assert found.value("ki_per_min") == pytest.approx(0.1 * 0.06 / 0.21, rel=0.01)
    json.dumps(found.as_json(), allow_nan=False)


def test_patlak_and_logan_know_no_unit_of_concentration(plasma):
    frames = tissue(0.1, 0.15, 0.06)
    larger = Frames(STARTS, ENDS, frames.tissue * 1000)
    one = patlak(frames, plasma)
    other = patlak(larger, Input(FINE, plasma.value * 1000))
    assert other.value("ki_per_min") == pytest.approx(one.value("ki_per_min"), rel=1e-9)


def test_logan_returns_the_distribution_volume(plasma):
    found = logan(tissue(0.1, 0.15, 0.06, 0.05), plasma, from_min=45.0)
    assert found.value("vt") == pytest.approx(0.1 / 0.15 * (1 + 0.06 / 0.05), rel=0.01)


def test_logan_with_a_reference_returns_the_ratio_of_distribution_volumes():
    reference = tissue(0.1, 0.12)
    target = tissue(0.09, 0.108 / 2.5)
    source = Input(
        np.concatenate(([0], reference.mid_min)), np.concatenate(([0], reference.tissue))
    )
    found = logan(target, source, from_min=45.0, reference_k2_per_min=0.12)
    assert found.value("bp_nd") == pytest.approx(1.5, rel=0.02)


def test_one_tissue_fit_returns_its_constants(plasma):
    found = fit_compartments(tissue(0.4, 0.25, blood=0.06), plasma, model="1t")
    truth = {"k1": 0.4, "k2_per_min": 0.25, "vb": 0.06, "vt": 1.6}
    for key, value in truth.items():
        assert found.value(key) == pytest.approx(value, rel=0.01), key


def test_two_tissue_fit_returns_its_constants(plasma):
    found = fit_compartments(tissue(0.1, 0.15, 0.06, 0.01, 0.05), plasma, model="2t")
    truth = {"k1": 0.1, "k2_per_min": 0.15, "k3_per_min": 0.06, "k4_per_min": 0.01, "vb": 0.05}
    for key, value in truth.items():
        assert found.value(key) == pytest.approx(value, rel=0.03), key
    assert found.value("ki_per_min") == pytest.approx(0.1 * 0.06 / 0.21, rel=0.01)


def test_the_reference_tissue_model_returns_binding_and_delivery():
    reference = tissue(0.1, 0.12)
    target = tissue(0.09, 0.108 / 2.5)
    source = Input(
        np.concatenate(([0], reference.mid_min)), np.concatenate(([0], reference.tissue))
    )
    found = fit_compartments(target, source, model="srtm")
    assert found.value("bp_nd") == pytest.approx(1.5, rel=0.02)
    assert found.value("r1") == pytest.approx(0.9, rel=0.03)


def test_curves_that_do_not_allow_an_analysis_are_refused(plasma):
    frames = tissue(0.1, 0.15)
    with pytest.raises(Refused, match="before the last frame"):
        patlak(frames, Input(np.array([0.0, 1.0, 20.0]), np.array([0.0, 5.0, 1.0])))
    with pytest.raises(Refused, match="fewer than three"):
        patlak(frames, plasma, from_min=85.0)
    with pytest.raises(Refused, match="overlap"):
        Frames(STARTS[::-1], ENDS[::-1], frames.tissue)
