"""The model over whole arrays is the compiled one; it never mixes arrays of two places."""

import numpy as np
import pytest

from hevesy.imaging.device import gpu, processor
from hevesy.imaging.phantoms.spect import Ellipsoid, sphere
from hevesy.imaging.reconstruct.arrays import ArrayProjector
from hevesy.imaging.reconstruct.collimators import Collimator
from hevesy.imaging.reconstruct.iterate import osem
from hevesy.imaging.reconstruct.projector import Projector
from hevesy.imaging.reconstruct.tests.conftest import simulated
from hevesy.imaging.reconstruct.tests.far import elsewhere
from hevesy.imaging.refusal import Refused

LEHR = Collimator("LEHR", hole_mm=1.11, length_mm=24.1, intrinsic_mm=3.8)
BODIES = [Ellipsoid((0, 0, 0), (110, 80, 60), 1.0, 0.0154), sphere((45, -25, 10), 30, activity=5.0)]


@pytest.fixture(scope="module")
def phantom():
    """An acquisition of a body with a hot sphere, its axis off the middle, and its attenuation."""
    places = simulated(BODIES, views=12, size=24, rows=7, pixel_mm=12.0, axis_px=0.7)
    chance = np.random.default_rng(0)
    return places, chance.uniform(0, 0.02, places.image_shape).astype(np.float32)


def models(phantom, *, attenuated=True, blurred=True, arrays=None):
    """The compiled model and the one over arrays."""
    places, mu = phantom
    how = {"mu_per_mm": mu if attenuated else None, "collimator": LEHR if blurred else None}
    return Projector(places, **how), ArrayProjector(places, arrays=arrays or processor(), **how)


@pytest.mark.parametrize("attenuated", [False, True])
@pytest.mark.parametrize("blurred", [False, True])
def test_both_models_project_alike_forth_and_back(phantom, attenuated, blurred):
    compiled, arrays = models(phantom, attenuated=attenuated, blurred=blurred)
    chance = np.random.default_rng(1)
    image = chance.uniform(0, 1, phantom[0].image_shape).astype(np.float32)

    planes, image_again = compiled.forward(image), arrays.forward(image)
    np.testing.assert_allclose(image_again, planes, rtol=0, atol=2e-6 * planes.max())
    back, back_again = compiled.back(planes), arrays.back(planes)
    np.testing.assert_allclose(back_again, back, rtol=0, atol=2e-6 * back.max())


def test_the_adjoint_over_arrays_is_exact(phantom):
    _, model = models(phantom)
    chance = np.random.default_rng(2)
    image = chance.uniform(0, 1, phantom[0].image_shape).astype(np.float32)
    planes = chance.uniform(0, 1, phantom[0].counts.shape).astype(np.float32)

    forth = np.vdot(model.forward(image).astype(float), planes.astype(float))

    assert forth == pytest.approx(np.vdot(image.astype(float), model.back(planes)), rel=1e-5)


def iterated(model, phantom):
    scatter = np.full_like(phantom[0].counts, 0.02 * phantom[0].counts.mean())
    return osem(model, iterations=4, subsets=3, scatter=scatter)


def assert_alike(found, truth):
    """What docs/imaging/reconstruction.md states: a hundred-thousandth of the maximum."""
    difference = np.abs(found.image - truth.image).max() / truth.image.max()
    assert difference < 1e-5
    assert found.log_likelihood == pytest.approx(truth.log_likelihood, rel=1e-6)


def test_both_models_lead_to_one_image(phantom):
    compiled, arrays = models(phantom)

    assert_alike(iterated(arrays, phantom), iterated(compiled, phantom))


def test_no_array_of_the_processor_meets_one_of_a_gpu(phantom):
    _, near = models(phantom)
    _, far = models(phantom, arrays=elsewhere())
    with pytest.raises(TypeError):
        far.forward(np.ones(phantom[0].image_shape, dtype=np.float32))

    found = iterated(far, phantom)

    assert type(found.image) is np.ndarray
    assert np.array_equal(found.image, iterated(near, phantom).image)


def test_a_gpu_leads_to_the_same_image(phantom):
    try:
        arrays = gpu()
    except Refused as refusal:
        pytest.skip(f"no GPU: {refusal.detail}")
    compiled, on_gpu = models(phantom, arrays=arrays)

    assert_alike(iterated(on_gpu, phantom), iterated(compiled, phantom))
