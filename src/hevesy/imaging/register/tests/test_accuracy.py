"""Affine and deformable registration against deformations that are known in closed form."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from hevesy.imaging.phantoms.torso import make_torso
from hevesy.imaging.register import Registration, register
from hevesy.imaging.register.deformable import deformed
from hevesy.imaging.register.matrices import inverse, moved, stretch
from hevesy.imaging.register.prepare import prepared

# Between the 8 mm of other tests and the 4 mm of practice: scales of 3 % are 5 mm at the skin.
QUICK = {"finest_mm": 6.0}
SHIFT_MM = (6.0, -4.0, 9.0)
STRETCHED = np.array(((1.03, 0, 0), (0, 0.97, 0), (0, 0, 1.04)))
SHEARED = np.array(((1.02, 0.03, 0), (0.03, 0.98, -0.02), (0, -0.02, 1.03)))


@pytest.fixture(scope="module")
def a_torso():
    return make_torso(5)


def affine_case(torso, linear, coarser):
    """A CT, another of the same body whose geometry went through a matrix, and that matrix."""
    true = np.eye(4)
    true[:3, :3], true[:3, 3] = linear, SHIFT_MM
    other = torso.ct(coarser=coarser, own=True)
    return torso.ct(coarser=coarser), replace(other, ijk_to_lps=true @ other.ijk_to_lps), true


def worst_mm(found, true, torso):
    back = moved(found.moving_to_fixed, moved(true, torso.targets_lps))
    return float(np.linalg.norm(back - torso.targets_lps, axis=1).max())


@pytest.mark.parametrize("linear", [STRETCHED, SHEARED])
def test_a_known_affine_matrix_is_found_and_accepted(a_torso, linear):
    fixed, moving, true = affine_case(a_torso, linear, coarser=2.0)

    found = register(fixed, moving, method="affine", initial=np.eye(4), **QUICK)

    assert worst_mm(found, true, a_torso) < 3.0
    assert found.accepted
    assert found.label == "aligned (affine)"
    # Half a percent is 0.8 mm at the side of this body.
    np.testing.assert_allclose(found.moving_to_fixed[:3, :3] @ linear, np.eye(3), atol=0.015)
    assert stretch(found.moving_to_fixed) == pytest.approx(stretch(inverse(true)), abs=0.01)


@pytest.mark.soak
@pytest.mark.parametrize("seed", [6, 7, 8])
def test_a_known_affine_matrix_is_found_at_the_real_setting(seed):
    torso = make_torso(seed)
    fixed, moving, true = affine_case(torso, STRETCHED, coarser=1.3)

    found = register(fixed, moving, method="affine")

    assert worst_mm(found, true, torso) < 2.0
    assert found.accepted


def bend(points, most_mm):
    """A breath: `most_mm` at the dome of the liver, dying away over 6 to 9 cm."""
    away = (points - np.array((-30.0, 0.0, -20.0))) / np.array((90.0, 80.0, 60.0))
    return np.exp(-0.5 * (away**2).sum(axis=-1))[..., None] * np.array(most_mm)


def bent(volume, most_mm):
    """The volume as it looks after `bend`: its value at y is that of y + bend(y) before."""
    points = volume.world(np.indices(volume.array.shape)[::-1].transpose(1, 2, 3, 0))
    source = volume.index(points + bend(points, most_mm))
    values = map_coordinates(
        volume.array.astype(np.float32),
        source[..., ::-1].transpose(3, 0, 1, 2),
        order=1,
        mode="nearest",
    )
    return replace(volume, array=np.rint(values).astype(np.int16))


def places_of(points, most_mm):
    """Where points of the volume before are after it was bent: y with y + bend(y) = point."""
    answer = points.copy()
    for _ in range(60):
        answer = points - bend(answer, most_mm)
    return answer


def bent_by(deformation, points):
    """Points plus the offset that the deformation has there."""
    index = (points - np.array(deformation.origin_mm)) / deformation.spacing_mm
    offsets = [
        map_coordinates(deformation.offset_mm[..., axis], index[:, ::-1].T, order=1)
        for axis in range(3)
    ]
    return points + np.stack(offsets, axis=-1)


@pytest.mark.soak
@pytest.mark.parametrize("most_mm", [(2.0, 5.0, 16.0), (0.0, -6.0, -14.0)])
def test_a_breath_is_bent_back_to_less_than_half_of_itself(a_torso, most_mm):
    fixed = a_torso.ct(coarser=3.0)
    moving = bent(a_torso.ct(coarser=3.0, own=True), most_mm)
    # 8 mm is where the real setting bends; the rigid answer is the true one, the identity.
    pair = prepared(fixed, spacing_mm=8.0), prepared(moving, spacing_mm=8.0)

    found = deformed(Registration(np.eye(4), "rigid"), pair, pair[0].body)

    organs = a_torso.targets_lps
    true = places_of(organs, most_mm)
    before_mm = np.linalg.norm(organs - true, axis=1)
    after_mm = np.linalg.norm(bent_by(found.deformation, organs) - true, axis=1)
    assert before_mm.mean() > 3.0 and before_mm.max() > 10.0
    assert after_mm.mean() < before_mm.mean() / 2.0
    assert after_mm.max() < before_mm.max() / 2.0
    assert found.accepted and found.label == "deformable, for display"
