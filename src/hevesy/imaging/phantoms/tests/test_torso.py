import numpy as np
import pytest

from hevesy.imaging.phantoms.torso import make_torso, random_pose
from hevesy.imaging.register.matrices import is_rigid, moved, rotation_degrees

POSE = random_pose(2)


@pytest.fixture(scope="module")
def a_torso():
    return make_torso(2)


def test_a_seed_makes_the_same_patient_and_another_makes_another(a_torso):
    again, other = make_torso(2), make_torso(3)

    np.testing.assert_array_equal(
        a_torso.ct(POSE, coarser=8.0).array, again.ct(POSE, coarser=8.0).array
    )
    assert np.abs(a_torso.targets_lps - other.targets_lps).max() > 1.0


@pytest.mark.parametrize("seed", range(1, 31))
def test_poses_are_rigid_and_never_small(seed):
    pose = random_pose(seed)

    assert is_rigid(pose)
    assert 4.0 <= rotation_degrees(pose) < 15.0
    assert 15.0 <= np.linalg.norm(pose[:3, 3]) < 40.0


def test_another_machine_sees_the_organs_where_the_pose_puts_them(a_torso):
    names = {"liver": 3, "spleen": 4, "right kidney": 5}
    ct, mr, pet = a_torso.ct(POSE, coarser=2.0), a_torso.mr(POSE, coarser=2.0), a_torso.pet()

    places = a_torso.targets_lps[list(names.values())]

    np.testing.assert_allclose(ct.sample(moved(POSE, places)), (60.0, 50.0, 35.0), atol=25.0)
    np.testing.assert_allclose(pet.sample(places), (2.3, 1.9, 4.5), rtol=0.35)
    assert np.all(mr.sample(moved(POSE, places)) > 100.0)
    # Both lungs are dark at the moved centres and would not be so everywhere.
    lungs = a_torso.targets_lps[:2]
    assert np.all(ct.sample(moved(POSE, lungs)) < -600.0)


def test_lesions_are_hot_and_where_they_are_said_to_be(a_torso):
    pet = a_torso.pet()
    background = pet.sample(np.add(a_torso.targets_lps[7:10], (0.0, 0.0, 40.0)))

    assert np.all(pet.sample(a_torso.targets_lps[7:10]) > 2.0 * np.maximum(background, 0.5))
