from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from hevesy.imaging.geometry import Volume
from hevesy.imaging.phantoms.torso import make_torso, random_pose
from hevesy.imaging.register import RegistrationRefused, register
from hevesy.imaging.register.matrices import (
    inverse,
    is_rigid,
    moved,
    rotation_degrees,
    stretch,
)

# An eighth of the voxels of the real setting: seconds become tenths. The soak runs the real one.
QUICK = {"finest_mm": 8.0}
POSE = random_pose(5)


@pytest.fixture(scope="module")
def a_torso():
    return make_torso(5)


@pytest.fixture(scope="module")
def a_pet(a_torso):
    return a_torso.pet(coarser=1.8)


@pytest.fixture(scope="module")
def a_ct(a_torso):
    return a_torso.ct(POSE, coarser=4.0)


@pytest.fixture(scope="module")
def an_alignment(a_pet, a_ct):
    told = []
    found = register(a_pet, a_ct, progress=lambda *step: told.append(step), **QUICK)
    return found, told


def worst_mm(found, pose, torso):
    back = moved(found.moving_to_fixed, moved(pose, torso.targets_lps))
    return float(np.linalg.norm(back - torso.targets_lps, axis=1).max())


@pytest.mark.clause("6.10")
def test_a_foreign_ct_is_brought_onto_the_pet(a_torso, an_alignment):
    found, told = an_alignment

    assert worst_mm(found, POSE, a_torso) < 2.0
    assert found.accepted
    assert found.label == "aligned (rigid)"
    assert is_rigid(found.moving_to_fixed)
    assert [gate.key for gate in found.gates] == [
        "overlap", "mutual_information_gain", "consistency",
    ]  # fmt: skip
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)


def test_the_same_seed_gives_the_same_matrix_however_many_threads(a_pet, a_ct, monkeypatch):
    found = []
    for threads in ("1", "3"):
        monkeypatch.setenv("HEVESY_THREADS", threads)
        found.append(register(a_pet, a_ct, initial=inverse(POSE), **QUICK).moving_to_fixed)

    np.testing.assert_array_equal(*found)


def test_a_foreign_mr_is_brought_onto_the_pet_from_where_a_person_left_it(a_torso, a_pet):
    mr = a_torso.mr(POSE, coarser=3.0)
    by_hand = inverse(POSE)
    by_hand[:3, 3] += (12.0, -9.0, 15.0)

    found = register(a_pet, mr, initial=by_hand, **QUICK)

    assert worst_mm(found, POSE, a_torso) < 4.0
    assert found.accepted


def test_the_order_in_which_voxels_are_stored_changes_nothing(a_pet, a_ct, an_alignment):
    turned = a_ct.ijk_to_lps.copy()
    turned[:3, 3] = a_ct.world((a_ct.shape_ijk[0] - 1, 0, a_ct.shape_ijk[2] - 1))
    turned[:3, 0] *= -1
    turned[:3, 2] *= -1
    flipped = replace(a_ct, array=a_ct.array[::-1, :, ::-1], ijk_to_lps=turned)

    found = register(a_pet, flipped, **QUICK)
    straight = an_alignment[0]

    # Coarse voxels may begin at the other end of the stack: the copies differ by a fraction of one.
    apart = inverse(straight.moving_to_fixed) @ found.moving_to_fixed
    assert rotation_degrees(apart) < 0.2
    assert np.linalg.norm(moved(apart, a_ct.centre_lps) - a_ct.centre_lps) < 0.5


def test_volumes_of_one_frame_of_reference_are_not_moved(a_pet, a_ct):
    pet, ct = (replace(v, frame_of_reference_uid="1.2.3") for v in (a_pet, a_ct))

    found = register(pet, ct)

    np.testing.assert_array_equal(found.moving_to_fixed, np.eye(4))
    assert found.label == "hardware aligned"
    assert found.accepted
    assert found.as_json()["mutual_information_nat"] is None


def test_a_volume_that_already_lies_right_stays(a_torso):
    ct, again = a_torso.ct(coarser=4.0), a_torso.ct(coarser=4.0, own=True)

    rigid = register(ct, again, **QUICK)

    assert np.linalg.norm(rigid.moving_to_fixed[:3, 3]) < 0.3
    assert rotation_degrees(rigid.moving_to_fixed) < 0.2
    assert rigid.accepted


def test_affine_that_stretches_beyond_belief_is_not_accepted(a_torso):
    ct = a_torso.ct(coarser=4.0)
    longer = ct.ijk_to_lps.copy()
    longer[2] *= 1.12
    stretched = replace(ct, ijk_to_lps=longer)

    found = register(ct, stretched, method="affine", initial=np.eye(4), **QUICK)

    assert 0.06 < stretch(found.moving_to_fixed)[0] < 0.12
    assert not found.accepted
    assert "affine_scale" in [gate.key for gate in found.gates if not gate.passed]


def test_a_deformation_is_labelled_as_for_display_beside_a_rigid_matrix(a_torso):
    ct, again = a_torso.ct(coarser=4.0), a_torso.ct(coarser=4.0, own=True)

    found = register(ct, again, method="deformable", initial=np.eye(4), **QUICK)

    assert is_rigid(found.moving_to_fixed)
    assert found.method == "deformable"
    assert found.accepted
    assert found.label == "deformable, for display"
    assert found.deformation.offset_mm.shape[-1] == 3
    # The bodies are the same: half of a voxel of the grid that is bent.
    assert 0.0 < found.as_json()["largest_deformation_mm"] < 8.0


@pytest.mark.soak
def test_a_bend_of_twelve_millimetres_is_followed_where_a_rigid_matrix_cannot(a_torso):
    # The middle of the torso lies up to 12 mm farther back in the second volume, the ends do not.
    straight, targets = a_torso.ct(coarser=4.0), a_torso.targets_lps
    to_lps = straight.ijk_to_lps
    k, j, i = np.indices(straight.array.shape).astype(np.float64)
    middle = float(straight.world((0, 0, straight.array.shape[0] / 2))[2])

    def bend_mm(z):
        return 12.0 * np.exp(-((z - middle) ** 2) / (2 * 80.0**2))

    rows = j - bend_mm(to_lps[2, 2] * k + to_lps[2, 3]) / to_lps[1, 1]
    bent = map_coordinates(straight.array.astype(np.float32), (k, rows, i), order=1, mode="nearest")

    found = register(
        straight, replace(straight, array=bent), method="deformable", initial=np.eye(4)
    )

    truth = targets + np.outer(bend_mm(targets[:, 2]), (0.0, 1.0, 0.0))
    field = found.deformation
    places = ((targets - field.origin_mm) / field.spacing_mm).T[::-1]
    offsets = np.stack(
        [map_coordinates(field.offset_mm[..., a], places, order=1) for a in range(3)]
    )
    off_mm = [
        np.linalg.norm(moved(found.fixed_to_moving, start) - truth, axis=1).mean()
        for start in (targets, targets + offsets.T)
    ]
    assert found.accepted
    assert off_mm[0] > 2.0
    assert off_mm[1] < off_mm[0] / 2


CHEST = ((-150.0, -110.0, 0.0), (150.0, 110.0, 200.0))
# At 8 mm a chest alone holds too few voxels to be found; with the upper abdomen it is enough.
CHEST_AND_LIVER = ((-150.0, -110.0, -100.0), (150.0, 110.0, 150.0))


def test_a_region_alone_decides_when_asked(a_torso, a_pet, a_ct, an_alignment):
    whole = an_alignment[0]

    near = whole.moving_to_fixed
    found = register(a_pet, a_ct, region_lps=CHEST_AND_LIVER, initial=near, **QUICK)

    assert worst_mm(found, POSE, a_torso) < 2.0
    assert found.accepted
    assert found.mutual_information_nat != pytest.approx(whole.mutual_information_nat, rel=0.01)
    assert found.overlap > 0.8


@pytest.mark.soak
def test_a_region_at_the_real_setting_is_accepted(a_torso):
    found = register(a_torso.pet(), a_torso.ct(POSE), region_lps=CHEST)

    assert found.accepted
    assert worst_mm(found, POSE, a_torso) < 2.0


def test_noise_is_never_accepted(a_pet):
    rng = np.random.default_rng(1)
    blob = np.zeros((40, 40, 50))
    blob[5:-5, 5:-5, 5:-5] = rng.uniform(200.0, 900.0, (30, 30, 40))
    noise = Volume(blob.astype(np.float32), np.diag((8.0, 8.0, 8.0, 1.0)), "US", "MR")

    found = register(a_pet, noise, **QUICK)

    assert not found.accepted
    assert found.label == "check alignment"
    assert found.as_json()["reasons"]


def block(value, shape=(20, 20, 20), modality="CT"):
    return Volume(np.full(shape, value, np.float32), np.diag((8.0, 8.0, 8.0, 1.0)), "HU", modality)


def test_a_head_is_looked_for_along_the_whole_of_a_patient():
    # Ten centimetres of ball, 60 cm above the middle of a 2 m long body of the same stuff.
    z, y, x = np.indices((125, 20, 20)) * 16.0
    body = np.where(np.hypot(x - 152, y - 152) < 100, 40.0, -1000.0)
    bone = np.hypot(np.hypot(x - 130, y - 160), z - 1600) < 70
    body[bone] = 300.0
    body += np.random.default_rng(2).normal(0, 10, body.shape)
    long = Volume(body.astype(np.float32), np.diag((16.0, 16.0, 16.0, 1.0)), "HU", "CT")
    short = replace(long, array=long.array[90:111])

    found = register(long, short, finest_mm=16.0)

    shift = found.moving_to_fixed[:3, 3]
    np.testing.assert_allclose(shift, (0.0, 0.0, 90 * 16.0), atol=8.0)


def far_away():
    far = np.eye(4)
    far[0, 3] = 5000.0
    return far


@pytest.mark.parametrize(
    ("moving", "options", "reason"),
    [
        (block(5.0), {}, "constant"),
        (block(5.0, shape=(1, 20, 20)), {}, "one_slice"),
        (None, {"initial": far_away()}, "no_overlap"),
        (None, {"initial": np.diag((-1.0, 1.0, 1.0, 1.0))}, "not_rigid"),
        (None, {"initial": np.diag((1.1, 1.0, 1.0, 1.0))}, "not_rigid"),
        (None, {"initial": np.full((4, 4), np.nan)}, "not_rigid"),
        (None, {"method": "affine"}, "affine_only_ct"),
        (None, {"method": "magic"}, "unknown_method"),
        (None, {"region_lps": ((900.0, 900.0, 0.0), (950.0, 950.0, 9.0))}, "region_empty"),
    ],
)
def test_what_cannot_be_registered_is_refused_by_name(a_pet, a_ct, moving, options, reason):
    with pytest.raises(RegistrationRefused) as refusal:
        register(a_pet, moving or a_ct, **options, **QUICK)

    assert refusal.value.key == reason


def test_not_a_number_and_thin_air_are_refused(a_pet):
    broken = block(0.0)
    values = broken.array.copy()
    values[3, 3, 3] = np.nan
    air = block(-1000.0).array + np.random.default_rng(1).normal(0, 9, (20, 20, 20))

    for array, reason in ((values, "not_finite"), (air, "no_body")):
        with pytest.raises(RegistrationRefused) as refusal:
            register(a_pet, replace(broken, array=array), **QUICK)
        assert refusal.value.key == reason
