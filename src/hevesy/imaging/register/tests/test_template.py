"""A template is laid on heads of other sizes whose true place is known."""

import hashlib

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

from hevesy.imaging.analyse.brain.regions import coarse_regions, import_template, standard_grid
from hevesy.imaging.geometry import Volume
from hevesy.imaging.phantoms.brain import make_brain
from hevesy.imaging.refusal import Refused
from hevesy.imaging.register.matrices import moved
from hevesy.imaging.register.template import register_to_template


def a_head(template: Volume, values, *, seed, neck=False):
    """Values on the template's grid as a patient of another size and pose: the series, and the true matrix."""
    rng = np.random.default_rng(seed)
    true = np.eye(4)
    shear = np.eye(3)
    shear[0, 1], shear[1, 2] = rng.uniform(-0.04, 0.04, 2)
    turned = Rotation.from_euler("xyz", rng.uniform(-15, 15, 3), degrees=True).as_matrix()
    true[:3, :3] = turned @ np.diag(rng.uniform(0.84, 1.08, 3)) @ shear
    true[:3, 3] = rng.uniform(-25, 25, 3)
    source = Volume(values.astype(np.float32), true @ template.ijk_to_lps, "BQML", "NM")
    corners = source.corners_lps()
    low, high = corners.min(axis=0) - 10, corners.max(axis=0) + 10
    low[2] -= 60 * neck
    grid = np.diag([3.0, 3.0, 4.0, 1.0])
    grid[:3, 3] = low
    size = np.ceil((high - low) / [3, 3, 4]).astype(int)
    k, j, i = np.indices(size[::-1])
    lps = np.stack((i, j, k), -1) @ grid[:3, :3].T + low
    seen = source.sample(lps)
    if neck:
        middle = source.corners_lps().mean(axis=0)
        inside = np.hypot(lps[..., 0] - middle[0], lps[..., 1] - middle[1]) < 55
        seen[inside & (lps[..., 2] < middle[2] - 70)] += 0.3 * seen.max()
    seen = np.maximum(seen + 0.03 * seen.max() * rng.standard_normal(seen.shape), 0)
    return Volume(seen.astype(np.float32), grid, "BQML", "NM"), true


def distances_mm(found, true, template):
    """Between where the answer and where the truth put the points of the brain."""
    inside = np.argwhere(template.array > 0.4 * template.array.max())[::53, ::-1]
    places = moved(template.ijk_to_lps, inside.astype(float))
    return np.linalg.norm(moved(found.moving_to_fixed, places) - moved(true, places), axis=1)


def test_what_is_no_head_is_not_accepted_and_the_search_comes_to_an_end():
    regions = coarse_regions(*standard_grid(4.0))
    head = Volume(make_brain(regions, seed=None).astype(np.float32), regions.ijk_to_lps, "1", "NM")
    box = np.zeros((40, 60, 60), dtype=np.float32)
    box[4:36, 25:35, 4:56] = 1.0
    plank = Volume(box, np.diag([4.0, 4.0, 4.0, 1.0]), "BQML", "NM")
    told = []

    found = register_to_template(head, plank, progress=lambda *step: told.append(step))

    assert not found.accepted
    shares = [share for share, _text in told]
    assert shares == sorted(shares) and shares[0] == 0.0 and shares[-1] == 1.0
    assert all(text for _share, text in told)


@pytest.mark.data
@pytest.mark.clause("6.10")
@pytest.mark.parametrize(("name", "modality", "neck"), [("PET", "PT", True), ("T1", "MR", False)])
def test_the_average_of_real_heads_is_found_on_a_moved_and_stretched_one(
    real_dicom, name, modality, neck
):
    path = real_dicom / "nifti_spm12_templates" / f"{name}.nii"
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    template = import_template(path, sha256=checksum, modality=modality)
    mottle = gaussian_filter(np.random.default_rng(1).standard_normal(template.array.shape), 3)
    patient, true = a_head(template, template.array * (1 + 3 * mottle), seed=11, neck=neck)
    patient = Volume(patient.array, patient.ijk_to_lps, "1", modality)

    found = register_to_template(template, patient)

    off = distances_mm(found, true, template)
    assert found.accepted, found.as_json()["reasons"]
    # A voxel of the template is 2 mm.
    assert off.mean() < 1.0 and off.max() < 2.0


def test_a_template_is_the_file_that_was_stated(tmp_path):
    path = tmp_path / "template.nii"
    path.write_bytes(b"no image")

    with pytest.raises(Refused, match="wrong_checksum"):
        import_template(path, sha256="0" * 64, modality="PT")
    with pytest.raises(Refused, match="no_image"):
        checksum = hashlib.sha256(path.read_bytes()).hexdigest()
        import_template(path, sha256=checksum, modality="PT")
