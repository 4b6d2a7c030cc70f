import numpy as np
import pytest

from hevesy.imaging.phantoms import bronchial_carcinoma, make_fdg_phantom
from hevesy.imaging.quantify.roi import Ellipse, ellipse_statistics
from hevesy.imaging.render import rotating_mip


@pytest.fixture(scope="module")
def a_phantom():
    return make_fdg_phantom(7)


def mean_suv(phantom, centre, radius_mm=12.0):
    circle = Ellipse(centre, (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), radius_mm, radius_mm)
    return ellipse_statistics(phantom.pet, circle).mean


def test_pet_and_ct_lie_on_each_other(a_phantom):
    pet, ct = a_phantom.pet, a_phantom.ct
    assert pet.shape_ijk == (128, 128, 340)
    assert ct.shape_ijk == (256, 256, 340)
    np.testing.assert_allclose(pet.corners_lps(), ct.corners_lps(), atol=1e-6)
    assert ct.array.dtype == np.int16
    assert pet.array.min() >= 0


def test_lesions_are_exactly_as_hot_as_the_truth_says(a_phantom):
    pet = a_phantom.pet
    k, j, i = np.indices(pet.array.shape)
    places = pet.world(np.stack((i, j, k), axis=-1))
    assert 4 <= len(a_phantom.truth["lesions"]) <= 8
    for lesion in a_phantom.truth["lesions"]:
        away = np.linalg.norm(places - lesion.centre_lps, axis=-1)
        plateau = pet.array[away <= lesion.plateau_mm]
        assert plateau.size >= 4, lesion.name
        np.testing.assert_array_equal(plateau, np.float32(lesion.suv))
        assert pet.array[away <= 1.5 * lesion.radius_mm].max() == np.float32(lesion.suv)


def test_a_disc_through_a_lesion_measures_its_suv(a_phantom):
    lesion = bronchial_carcinoma()[0]
    circle = Ellipse(lesion.centre_lps, (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), 8.0, 8.0)
    found = ellipse_statistics(a_phantom.pet, circle)
    assert found.max == np.float32(lesion.suv)
    assert found.std == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize(
    ("organ", "centre"),
    [
        ("liver", (-75.0, 20.0, -540.0)),
        ("spleen", (94.0, 44.0, -566.0)),
        ("blood", (25.0, 46.0, -450.0)),
        ("lung", (85.0, 10.0, -420.0)),
    ],
)
def test_organs_have_their_uptake(a_phantom, organ, centre):
    truth = a_phantom.truth["organ_suv"][organ]
    assert mean_suv(a_phantom, centre, 6.0) == pytest.approx(truth, rel=0.15)


def test_ct_numbers_are_those_of_the_tissue(a_phantom):
    ct = a_phantom.ct
    for name, centre, hu in (
        ("liver", (-75.0, 20.0, -540.0), 58),
        ("lung", (85.0, 10.0, -420.0), -850),
        ("air", (0.0, -200.0, -500.0), -1000),
    ):
        circle = Ellipse(centre, (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), 5.0, 5.0)
        assert ellipse_statistics(ct, circle).mean == pytest.approx(hu, abs=30), name


def test_the_brain_is_above_the_bladder_and_the_liver_on_the_right(a_phantom):
    cine = rotating_mip(a_phantom.pet, frames=4)
    front = cine.values[0]
    height, width = front.shape
    assert front[: height // 6].max() > 8
    bladder = np.unravel_index(int(front.argmax()), front.shape)
    assert 0.75 * height < bladder[0] < 0.9 * height
    assert abs(bladder[1] - width / 2) < width / 12
    liver_rows = front[int(0.53 * height) : int(0.57 * height)]
    assert liver_rows[:, : width // 2].mean() > 1.1 * liver_rows[:, width // 2 :].mean()


def test_a_seed_makes_the_same_patient_again_with_and_without_lesions(a_phantom):
    healthy = make_fdg_phantom(7, lesions=())

    for ill, well in ((a_phantom.pet, healthy.pet), (a_phantom.ct, healthy.ct)):
        changed = ill.world(np.argwhere(ill.array != well.array)[:, ::-1])
        beyond_mm = [
            np.linalg.norm(changed - lesion.centre_lps, axis=1) - lesion.radius_mm
            for lesion in a_phantom.truth["lesions"]
        ]
        # Blurring ends at four standard deviations; beyond it every bit is the same.
        assert len(changed) > 1000
        assert np.min(beyond_mm, axis=0).max() < 15
