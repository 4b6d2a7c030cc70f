import json

import numpy as np
import pytest
import SimpleITK

from hevesy.imaging.analyse.brain.normals import Preparation, build_normals, load_normals
from hevesy.imaging.analyse.brain.projections import surface_projections
from hevesy.imaging.analyse.brain.regions import (
    coarse_regions,
    import_atlas,
    in_standard_space,
    standard_grid,
)
from hevesy.imaging.analyse.brainz import analyse_brain_z
from hevesy.imaging.dicomio.series import read_series
from hevesy.imaging.geometry import Volume
from hevesy.imaging.phantoms.brain import make_brain
from hevesy.imaging.refusal import Refused


@pytest.fixture(scope="module")
def regions():
    return coarse_regions(*standard_grid(8.0))


@pytest.fixture(scope="module")
def members(regions):
    return [make_brain(regions, seed=n) for n in range(24)]


@pytest.fixture(scope="module")
def normals(regions, members):
    return build_normals(members, regions, tracer="FDG")


def test_a_member_and_a_new_normal_brain_lie_within_one_sd(regions, members, normals):
    stranger = make_brain(regions, seed=99)
    for image in (members[3], stranger):
        found = analyse_brain_z(image, regions, normals)
        assert found.value("brain_mean_abs_z") < 1.0
    assert all(0.6 < one < 1.3 for one in normals.left_out)


def test_a_region_lowered_by_three_sd_is_found_on_its_own_side(regions, normals):
    name = "left parietal"
    inside = regions.mask(name) & normals.valid
    relative = float((normals.sd / normals.mean)[inside].mean())
    plain = make_brain(regions, seed=None)
    sick = np.where(regions.mask(name), plain * (1 - 3 * relative), plain)

    found = analyse_brain_z(sick, regions, normals)

    z = {one.key: one.value for one in found.measures if one.key.endswith("_z")}
    assert min(z, key=z.get) == "left_parietal_z"
    assert -3.6 < z["left_parietal_z"] < -1.8
    assert abs(z["right_parietal_z"]) < 1.0
    json.dumps(found.as_json(), allow_nan=False)


def test_the_z_map_does_not_depend_on_dose_or_units(regions, members, normals):
    one = analyse_brain_z(members[0], regions, normals).value("pons_z")
    assert analyse_brain_z(members[0] * 731, regions, normals).value("pons_z") == pytest.approx(one)


def test_leaving_one_out_equals_building_without_it(regions, members):
    whole = build_normals(members, regions, tracer="FDG")
    without = build_normals(members[1:], regions, tracer="FDG")
    prepared = Preparation().prepared(members[0], regions)
    z = without.z(prepared)[whole.valid]
    assert whole.left_out[0] == pytest.approx(np.abs(z).mean(), rel=1e-6)


def test_an_ill_brain_among_the_normals_is_named(regions, members):
    ill = make_brain(regions, seed=5, uptake={"right temporal": 0.3, "right parietal": 0.3})
    found = build_normals([*members, ill], regions, tracer="FDG")
    assert 24 in found.outliers


def test_a_database_is_kept_and_another_file_refused(regions, normals, tmp_path):
    path = tmp_path / "normals.npz"
    checksum = normals.save(path)
    again = load_normals(path, sha256=checksum)
    np.testing.assert_allclose(again.mean, normals.mean, rtol=1e-6)
    assert again.preparation == normals.preparation
    with pytest.raises(Refused, match="wrong_checksum"):
        load_normals(path, sha256="0" * 64)


def test_fewer_than_twenty_normals_are_refused(regions, members):
    with pytest.raises(Refused, match="at least 20"):
        build_normals(members[:19], regions, tracer="FDG")


def test_left_is_where_x_of_the_patient_grows():
    shape, affine = standard_grid(8.0)
    found = coarse_regions(shape, affine)
    k, j, i = (axis.mean() for axis in np.nonzero(found.mask("left temporal")))
    lps = affine @ (i, j, k, 1.0)
    assert lps[0] > 30
    assert abs(lps[1]) < 40


def test_a_deviation_shows_in_the_views_that_face_it_and_not_in_the_others(regions):
    z = np.where(regions.mask("left temporal"), -4.0, 0.0)
    views = surface_projections(z, regions.brain, 8.0)
    assert views["left lateral"].min() == -4
    assert views["right lateral"].min() == 0
    assert views["left medial"].shape == views["left lateral"].shape


def test_a_moved_patient_comes_back_by_the_matrix_of_the_registration(regions, members):
    shift = np.eye(4)
    shift[:3, 3] = (9.0, -14.0, 6.0)
    moved = Volume(members[0], shift @ regions.ijk_to_lps, "BQML", "PT")
    shape = members[0].shape

    back = in_standard_space(moved, shape, regions.ijk_to_lps, patient_from_standard=shift)

    np.testing.assert_allclose(back, members[0], rtol=1e-5)


def test_an_atlas_of_the_site_is_imported_by_its_checksum(regions, tmp_path):
    import hashlib

    image = SimpleITK.GetImageFromArray(regions.labels.astype(np.int16))
    image.SetSpacing((8.0, 8.0, 8.0))
    image.SetOrigin(tuple(regions.ijk_to_lps[:3, 3]))
    atlas, names = tmp_path / "atlas.nii.gz", tmp_path / "names.toml"
    SimpleITK.WriteImage(image, str(atlas))
    rows = "\n".join(f'{n} = ["{a}", "{b}"]' for n, (a, b) in regions.names.items())
    names.write_text(f'source = "site"\nchecked = true\n[names]\n{rows}\n', "utf-8")
    checksum = hashlib.sha256(atlas.read_bytes()).hexdigest()
    grid = {"shape": regions.labels.shape, "ijk_to_lps": regions.ijk_to_lps}

    found = import_atlas(atlas, sha256=checksum, names=names, **grid)

    np.testing.assert_array_equal(found.labels, regions.labels)
    with pytest.raises(Refused, match="checksum"):
        import_atlas(atlas, sha256="1" * 64, names=names, **grid)


@pytest.mark.data
def test_coarse_regions_lie_on_the_averages_of_real_brains(real_dicom):
    folder = real_dicom / "derived" / "brain_pet_mr_spm"
    found = coarse_regions(*standard_grid(4.0))
    for files in (sorted((folder / "PT").iterdir()), [folder / "NM_HMPAO_recon.dcm"]):
        shape, affine = standard_grid(4.0)
        image = in_standard_space(read_series(files), shape, affine)
        image = image / image[found.brain].mean()

        bright = image > 0.5 * np.quantile(image, 0.999)
        assert (bright & found.brain).sum() > 0.8 * bright.sum()
        for name in ("left thalamus", "right thalamus", "posterior cingulate and precuneus"):
            assert image[found.mask(name)].mean() > 1.2, name
        for name in ("frontal", "parietal", "temporal", "cerebellum", "striatum"):
            left, right = (image[found.mask(f"{side} {name}")].mean() for side in ("left", "right"))
            assert left == pytest.approx(right, rel=0.07), name
