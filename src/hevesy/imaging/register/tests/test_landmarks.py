import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hevesy.imaging.phantoms.torso import random_pose
from hevesy.imaging.register import RegistrationRefused, register_landmarks
from hevesy.imaging.register.matrices import inverse, is_rigid, moved

PLACES = np.array(
    ((-70.0, 12.0, 110.0), (75.0, 5.0, 80.0), (0.0, 66.0, -150.0), (-60.0, -8.0, -60.0))
)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(3, 4))
def test_exact_pairs_give_back_the_motion_that_made_them(seed, count):
    pose = random_pose(seed, degrees=170.0)
    seen_elsewhere = moved(pose, PLACES[:count])

    found = register_landmarks(PLACES[:count], seen_elsewhere)

    assert found.fre_mm < 1e-9
    np.testing.assert_allclose(found.moving_to_fixed, inverse(pose), atol=1e-9)
    assert is_rigid(found.moving_to_fixed)


def test_fre_is_what_theory_says_of_the_noise_of_a_hand():
    # Sibson 1979, Fitzpatrick 1998: E[FRE^2] = (1 - 2 / n) 3 sigma^2 for noise on one side.
    rng, n, sigma_mm = np.random.default_rng(3), 10, 1.0
    places = rng.uniform(-150.0, 150.0, (n, 3))

    squares = [
        register_landmarks(places, places + rng.normal(0.0, sigma_mm, (n, 3))).fre_mm ** 2
        for _ in range(400)
    ]

    assert np.mean(squares) == pytest.approx((1 - 2 / n) * 3 * sigma_mm**2, rel=0.05)


def test_three_points_with_a_slip_stay_a_rotation():
    slipped = PLACES[:3] + np.array(((0.0, 0.0, 3.0), (0.0, -2.0, 0.0), (1.0, 0.0, 0.0)))

    found = register_landmarks(PLACES[:3], slipped)

    assert is_rigid(found.moving_to_fixed)
    assert len(found.residuals_mm) == 3
    assert found.accepted


@pytest.mark.parametrize(
    ("fixed", "moving", "reason"),
    [
        (PLACES[:2], PLACES[:2], "too_few_landmarks"),
        ([], [], "too_few_landmarks"),
        (PLACES, PLACES[:3], "unpaired_landmarks"),
        (PLACES * np.nan, PLACES, "unpaired_landmarks"),
        (np.outer((0, 1, 2, 3), (10, 20, 30)), PLACES, "collinear_landmarks"),
        (PLACES, np.tile(PLACES[0], (4, 1)), "collinear_landmarks"),
        (PLACES, PLACES * (-1.0, 1.0, 1.0), "mirrored_landmarks"),
    ],
)
def test_pairs_that_hold_no_rotation_are_refused(fixed, moving, reason):
    with pytest.raises(RegistrationRefused) as refusal:
        register_landmarks(fixed, moving)

    assert refusal.value.key == reason
    assert refusal.value.text_zh


def test_pairs_that_do_not_belong_together_are_not_accepted():
    shuffled = PLACES[[1, 0, 2, 3]] + (0.0, 0.0, 25.0)

    found = register_landmarks(PLACES, shuffled)

    assert not found.accepted
    assert found.label == "check alignment"
