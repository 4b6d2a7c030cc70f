import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from scipy.ndimage import gaussian_filter

from hevesy.imaging.phantoms.torso import random_pose
from hevesy.imaging.register.metric import information
from hevesy.imaging.register.prepare import Prepared
from hevesy.imaging.register.search import Images, Level, NothingInCommon, _Samples


def clouds(*sizes, seed=3, mm=8.0):
    """Two smooth pictures of one thing in other greys; no sample leaves the moving one by a small turn."""
    rng = np.random.default_rng(seed)
    one = gaussian_filter(rng.normal(size=sizes), 2.0).astype(np.float32)
    one = (one - one.min()) / np.ptp(one)
    everywhere = np.ones(sizes, dtype=bool)
    inner = np.pad(everywhere[6:-6, 6:-6, 6:-6], 6)
    origin = np.array((-50.0, -60.0, -70.0))
    other = np.abs(one - 0.4) + rng.normal(0, 0.005, sizes).astype(np.float32)
    return (
        Prepared(one, inner, inner, origin, mm, "CT"),
        Prepared(other.astype(np.float32), everywhere, everywhere, origin, mm, "MR"),
    )


def test_mutual_information_of_equal_shares_is_the_logarithm_of_their_number():
    same = information(np.diag(np.full(8, 5.0)))[0]
    apart = information(np.outer(np.arange(1.0, 9.0), np.arange(2.0, 10.0)))[0]

    assert same == pytest.approx(np.log(8), abs=1e-12)
    assert apart == pytest.approx(0.0, abs=1e-12)


def test_slopes_are_those_of_small_steps():
    images = Images(*clouds(26, 24, 22))
    samples = _Samples(images, 0.9, 5)
    place = random_pose(2)
    place[:3, 3] *= 0.2

    slopes = samples.climb(place)[1]

    for row in range(3):
        for column in range(4):
            # The map about the centre of the samples: a number of its linear part also shifts.
            step, size = np.zeros((4, 4)), 1e-3 if column == 3 else 2e-5
            step[row, column] = size
            if column < 3:
                step[row, 3] = -size * images.centre[column]
            up, down = (samples.value(place + sign * step)[0] for sign in (1, -1))
            assert slopes[row, column] == pytest.approx(
                (up - down) / (2 * size), rel=0.03, abs=2e-5
            )


def test_the_metric_is_that_of_simpleitk():
    fixed, moving = clouds(30, 28, 26)
    place = random_pose(4)
    place[:3, 3] *= 0.1
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(numberOfHistogramBins=36)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetInitialTransform(
        sitk.AffineTransform(place[:3, :3].ravel().tolist(), place[:3, 3].tolist())
    )
    pictures = []
    for side in (fixed, moving):
        picture = sitk.GetImageFromArray(side.values)
        picture.SetSpacing([side.spacing_mm] * 3)
        picture.SetOrigin(side.origin_mm.tolist())
        pictures.append(picture)
    mask = sitk.GetImageFromArray(fixed.seen.astype(np.uint8))
    mask.CopyInformation(pictures[0])
    method.SetMetricFixedMask(mask)

    ours = Images(fixed, moving).mutual_information(place)

    # SimpleITK leaves four of its fixed bins empty, and takes its ranges from another region.
    assert ours == pytest.approx(-method.MetricEvaluate(*pictures), rel=0.05)


def test_a_climb_ends_at_the_same_place_to_the_last_bit():
    images = Images(*clouds(28, 28, 28))
    start = np.eye(4)
    start[:3, 3] = (6.0, -5.0, 4.0)
    level = Level(8.0, 0.8, 4.0, 0.02, 60)

    ends = [images.climbed(start, level, seed=9).fixed_to_moving for _ in range(2)]

    assert np.array_equal(*ends)
    assert np.abs(ends[0] - np.eye(4)).max() < 0.5


def test_samples_that_see_nothing_are_refused():
    images = Images(*clouds(16, 16, 16))
    far = np.eye(4)
    far[0, 3] = 500.0

    with pytest.raises(NothingInCommon):
        images.mutual_information(far)


def test_an_affine_climb_finds_scale_and_shear():
    fixed, moving = clouds(32, 32, 32)
    images = Images(fixed, moving)
    start = np.eye(4)
    start[:3, :3] += ((0.03, 0.02, 0.0), (0.0, -0.03, 0.0), (0.01, 0.0, 0.02))
    start[:3, 3] = images.centre - start[:3, :3] @ images.centre
    level = Level(8.0, 1.0, 2.0, 0.01, 150)

    end = images.climbed(start, level, seed=1, affine=True).fixed_to_moving

    np.testing.assert_allclose(end[:3, :3], np.eye(3), atol=0.004)
