import json

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from hevesy.imaging.analyse.curves import CurveRefused, TimeActivityCurve
from hevesy.imaging.analyse.kinetics import logan, one_tissue, patlak, reference_tissue, two_tissue

DURATION_S = np.array([5.0] * 24 + [20.0] * 9 + [60.0] * 10 + [300.0] * 9)
START_S = np.cumsum(DURATION_S) - DURATION_S


def plasma_at(minutes):
    """Rises over a quarter of a minute, then falls with two half-times (kBq/mL)."""
    return (1 - np.exp(-minutes / 0.25)) * (
        60 * np.exp(-minutes / 1.5) + 12 * np.exp(-minutes / 60)
    )


def simulated(derivative, states):
    """Frame means of the sum of compartments, by an independent solver of the equations."""
    fine = np.linspace(0.0, (START_S + DURATION_S)[-1] / 60.0, 8000)
    found = solve_ivp(
        derivative,
        (0.0, fine[-1]),
        np.zeros(states),
        t_eval=fine,
        rtol=1e-9,
        atol=1e-9,
        max_step=0.2,
    )
    return fine, found.y


def curve(fine, values, name="tissue"):
    running = np.concatenate(([0.0], np.cumsum(0.5 * (values[1:] + values[:-1]) * np.diff(fine))))
    first, last = (np.interp(one / 60.0, fine, running) for one in (START_S, START_S + DURATION_S))
    means = (last - first) / (DURATION_S / 60.0)
    return TimeActivityCurve(
        name=name,
        start_s=START_S,
        duration_s=DURATION_S,
        values=means,
        variance=np.zeros_like(means),
        pixels=np.ones_like(means),
        units="kBq/mL",
        half_life_s=6586.2,
        decay_reference_s=0.0,
    )


def two_compartments(k1, k2, k3, k4, *, vb=0.0):
    def derivative(t, c):
        free, bound = c
        return [
            k1 * plasma_at(t) - (k2 + k3) * free + k4 * bound,
            k3 * free - k4 * bound,
        ]

    fine, states = simulated(derivative, 2)
    blood = plasma_at(fine)
    return curve(fine, (1 - vb) * states.sum(axis=0) + vb * blood), curve(fine, blood, "plasma")


def test_patlak_returns_the_influx_of_an_irreversible_tracer():
    tissue, plasma = two_compartments(0.1, 0.2, 0.06, 0.0)

    fit = patlak(tissue, plasma, from_s=1200.0)

    assert fit.parameters["ki_per_min"] == pytest.approx(0.1 * 0.06 / 0.26, rel=0.01)


def test_logan_returns_the_distribution_volume_of_a_reversible_tracer():
    tissue, plasma = two_compartments(0.2, 0.3, 0.15, 0.3)

    fit = logan(tissue, plasma, from_s=1800.0)

    assert fit.parameters["vt"] == pytest.approx(0.2 / 0.3 * (1 + 0.15 / 0.3), rel=0.01)


def test_compartment_fits_return_what_was_simulated():
    one, plasma = two_compartments(0.3, 0.12, 0.0, 0.0, vb=0.05)
    two, _ = two_compartments(0.12, 0.2, 0.07, 0.03, vb=0.04)
    trapped, _ = two_compartments(0.1, 0.25, 0.08, 0.0, vb=0.03)

    for fit, truth in (
        (one_tissue(one, plasma), {"k1_per_min": 0.3, "k2_per_min": 0.12, "vb": 0.05, "vt": 2.5}),
        (
            two_tissue(two, plasma),
            {"k1_per_min": 0.12, "k2_per_min": 0.2, "k3_per_min": 0.07, "k4_per_min": 0.03},
        ),
        (
            two_tissue(trapped, plasma, irreversible=True),
            {"k1_per_min": 0.1, "ki_per_min": 0.1 * 0.08 / 0.33},
        ),
    ):
        for key, value in truth.items():
            assert fit.parameters[key] == pytest.approx(value, rel=0.03, abs=0.003), (fit.model, key)
        json.dumps(fit.as_json(), allow_nan=False)


def test_the_reference_tissue_model_returns_the_binding_potential():
    # Both tissues have one compartment: the reference K1' 0.1, k2' 0.1; R1 1.2, k2 0.12, BP 2.
    def derivative(t, c):
        return [
            0.1 * plasma_at(t) - 0.1 * c[0],
            0.12 * plasma_at(t) - 0.12 / 3.0 * c[1],
        ]

    fine, states = simulated(derivative, 2)

    fit = reference_tissue(curve(fine, states[1]), curve(fine, states[0], "reference"))

    assert fit.parameters["bp_nd"] == pytest.approx(2.0, rel=0.01)
    assert fit.parameters["r1"] == pytest.approx(1.2, rel=0.01)
    assert fit.parameters["k2_per_min"] == pytest.approx(0.12, rel=0.01)


def test_twice_the_activity_everywhere_changes_no_rate():
    tissue, plasma = two_compartments(0.1, 0.2, 0.06, 0.0)

    one = patlak(tissue, plasma, from_s=1200.0)
    two = patlak(tissue.times(2.0), plasma.times(2.0), from_s=1200.0)

    assert two.parameters == pytest.approx(one.parameters)


def test_curves_of_counts_and_too_late_a_start_are_refused():
    tissue, plasma = two_compartments(0.1, 0.2, 0.06, 0.0)

    with pytest.raises(CurveRefused, match="too_few_frames"):
        patlak(tissue, plasma, from_s=1e5)
    with pytest.raises(CurveRefused, match="no_activity"):
        patlak(tissue, plasma.times(0.0), from_s=1200.0)
    counted = TimeActivityCurve("c", START_S, DURATION_S, *[np.ones(len(START_S))] * 3)
    with pytest.raises(CurveRefused, match="curves_unlike"):
        logan(counted, counted, from_s=0.0)
