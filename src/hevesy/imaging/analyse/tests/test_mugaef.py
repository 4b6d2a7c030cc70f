from dataclasses import replace

import numpy as np
import pytest

from hevesy.imaging.analyse.curves import CurveRefused
from hevesy.imaging.analyse.mugaef import (
    analyse_gated_blood_pool,
    first_harmonic,
    phase_deviation_deg,
    sectors,
)
from hevesy.imaging.analyse.shapes import Ellipse
from hevesy.imaging.phantoms.planar import beating_disc, gated_blood_pool


def analysed(phantom, **more):
    cycle_s = float(phantom.duration_s.sum())
    return analyse_gated_blood_pool(phantom.frames, cycle_s, phantom.regions, **more)


def test_the_ejection_fraction_of_a_beating_disc_is_one_minus_the_quotient_of_its_areas():
    radii = [14.0, 13.0, 11.0, 9.0, 8.0, 9.0, 11.0, 12.0, 13.0, 13.5]
    phantom = beating_disc(radii)

    result = analysed(phantom)

    pixels = phantom.truth["pixels"]
    assert result.value("ef_percent") == pytest.approx(100 * (1 - min(pixels) / max(pixels)))


def test_rates_are_those_of_the_volume_curve_and_not_of_its_gates():
    phantom = gated_blood_pool(ejection_fraction=0.62, gates=24)

    result = analysed(phantom)

    assert result.value("ef_percent") == pytest.approx(62.0, abs=1e-6)
    assert result.value("per_edv_per_s") == pytest.approx(phantom.truth["per_edv_per_s"], rel=1e-3)
    assert result.value("pfr_edv_per_s") == pytest.approx(phantom.truth["pfr_edv_per_s"], rel=1e-3)
    assert result.value("tpfr_ms") == pytest.approx(phantom.truth["tpfr_ms"], abs=1.0)


def test_a_noisy_ejection_fraction_lies_within_its_stated_uncertainty():
    found = [analysed(gated_blood_pool(seed=seed)).measure("ef_percent") for seed in range(40)]

    deviations = [(one.value - 60.0) / one.standard_deviation for one in found]
    assert np.std(deviations) == pytest.approx(1.0, abs=0.4)
    # The fullest and the emptiest of many gates are picked, which favours a high EF a little.
    assert 0.0 < np.mean(deviations) < 2.0


def test_twice_the_counts_change_nothing():
    phantom = gated_blood_pool()

    one = analysed(phantom)
    two = analysed(replace(phantom, frames=2 * phantom.frames))

    assert [m.value for m in two.measures] == pytest.approx([m.value for m in one.measures])


def test_phase_tells_when_a_pixel_is_fullest():
    gates, columns = 16, 8
    delay_deg = np.where(np.arange(columns) < 4, 30.0, 90.0)
    angle = 2 * np.pi * np.arange(0, gates, 1 / 50) / gates
    fine = 10 + 3 * np.cos(angle[:, None, None] - np.radians(delay_deg)[None, None, :])
    frames = np.broadcast_to(fine, (len(angle), 6, columns))
    # Each gate is the mean of 50 moments that begin at its start.
    binned = frames.reshape(gates, 50, 6, columns).mean(axis=1)

    amplitude, phase_deg = first_harmonic(binned)
    spread = phase_deviation_deg(phase_deg, amplitude, np.ones((6, columns), dtype=bool))

    np.testing.assert_allclose(amplitude, 3.0, rtol=1e-3)
    np.testing.assert_allclose(phase_deg[0], delay_deg, atol=0.3)
    assert spread == pytest.approx(30.0, abs=0.01)


def test_phases_on_both_sides_of_zero_are_close_to_each_other():
    phase = np.array([[358.0, 2.0]])

    assert phase_deviation_deg(phase, np.ones((1, 2)), np.ones((1, 2), bool)) == pytest.approx(2.0)


def test_sectors_share_out_the_region_and_a_still_wall_is_found():
    phantom = gated_blood_pool(ejection_fraction=0.6)
    heart = phantom.regions.mask("left_ventricle")
    parts = sectors(heart)
    frames = phantom.frames.copy()
    # Sector 3 lies above the centre; it no longer moves.
    frames[:, parts[2]] = frames[0][parts[2]]

    result = analysed(replace(phantom, frames=frames))

    assert np.array_equal(sum(part.astype(int) for part in parts), heart.astype(int))
    assert np.nonzero(parts[2])[0].max() < Ellipse((36, 34), (1, 1)).centre[1] + 1
    assert abs(result.value("sector_3_ef_percent")) < 1e-9
    assert result.value("sector_7_ef_percent") == pytest.approx(60.0, abs=0.5)


def test_a_short_last_gate_is_named():
    phantom = gated_blood_pool()
    frames = phantom.frames.copy()
    frames[-1] *= 0.7

    result = analysed(replace(phantom, frames=frames))

    assert "gate_dropout" in [one.key for one in result.findings]
    assert not analysed(phantom).findings


def test_too_few_gates_and_an_empty_ventricle_are_refused():
    phantom = gated_blood_pool()

    with pytest.raises(CurveRefused, match="bad_gating"):
        analyse_gated_blood_pool(phantom.frames[:6], 0.8, phantom.regions)
    with pytest.raises(CurveRefused, match="no_ventricle"):
        analysed(replace(phantom, frames=np.ones_like(phantom.frames)))
