import hashlib
import json

import numpy as np
import pytest

from hevesy.imaging.dicomio import read_series
from hevesy.imaging.geometry import Finding, Volume
from hevesy.imaging.quantify.suv import SuvFactor, apply_suv, suv_factor
from hevesy.imaging.render.transport import body_file_name, pack_volume, quantised, unpacked


def a_volume(array, **changes):
    affine = np.diag([4.0, 4.0, 3.0, 1.0])
    affine[:3, 3] = (-100, -90, -800)
    return Volume(array=array, ijk_to_lps=affine, **({"units": "BQML", "modality": "PT"} | changes))


@pytest.fixture
def a_pet():
    rng = np.random.default_rng(5)
    activity = rng.gamma(1.0, 3000.0, size=(40, 32, 30)).astype(np.float32)
    return a_volume(
        activity, findings=(Finding("uneven_spacing", "en", "中文", {"worst_mm": 0.1}),)
    )


FACTOR = SuvFactor(per_slice=(2.5e-4,), units="BQML", method="BQML, decay START")


def test_values_come_back_within_half_a_slope_and_the_hottest_exactly(a_pet):
    packed = pack_volume(a_pet, FACTOR, mip=False)

    restored = unpacked(packed)
    assert np.abs(restored - a_pet.array).max() <= packed.header["slope"] / 2 + 1e-6
    assert restored.max() == pytest.approx(float(a_pet.array.max()), rel=1e-9)


@pytest.mark.clause("6.13")
def test_integers_travel_unchanged():
    hu = np.random.default_rng(1).integers(-3024, 3071, size=(5, 6, 7)).astype(np.int16)
    packed = pack_volume(a_volume(hu, units="HU", modality="CT"))

    np.testing.assert_array_equal(unpacked(packed), hu)
    assert packed.header["slope"] == 1
    assert packed.header["suv"] is None
    assert packed.header["mip"] is None
    assert packed.header["default_window"] == [-160, 240]


def test_header_and_bodies_fit_each_other(a_pet):
    packed = pack_volume(a_pet, FACTOR)
    header = packed.header

    json.dumps(header, allow_nan=False)
    described = [brick for level in header["levels"] for brick in level["bricks"]]
    described += [
        header["mip"],
        {"path": header["mip"]["depth_path"], "bytes": header["mip"]["bytes"]},
    ]
    assert {one["path"] for one in described} == set(packed.bodies)
    for one in described:
        body = packed.bodies[one["path"]]
        assert body.nbytes == one["bytes"]
        assert one.get("sha256", hashlib.sha256(body).hexdigest()) == (
            hashlib.sha256(body).hexdigest()
        )
    full = header["levels"][-1]
    assert full["name"] == "full"
    assert full["shape"] == [30, 32, 40]
    assert np.reshape(header["ijk_to_lps"], (4, 4)) @ (0, 0, 0, 1) == pytest.approx(
        [-100, -90, -800, 1]
    )
    assert header["findings"][0]["text_zh"] == "中文"


def test_large_volumes_are_cut_into_bricks_that_follow_each_other():
    ct = a_volume(
        np.arange(40 * 512 * 512, dtype=np.int32).reshape(40, 512, 512) % 4000,
        units="HU",
        modality="CT",
    )
    packed = pack_volume(ct)

    bricks = packed.header["levels"][1]["bricks"]
    assert len(bricks) == 5
    assert [b["k0"] for b in bricks] == [0, *[b["k1"] for b in bricks[:-1]]]
    assert bricks[-1]["k1"] == 40
    preview = packed.header["levels"][0]["bricks"]
    assert sum(b["bytes"] for b in preview) <= 1.25 * 2**20
    np.testing.assert_array_equal(unpacked(packed)[39], ct.array[39])


def test_preview_voxels_lie_in_the_middle_of_what_they_stand_for(a_pet):
    preview = pack_volume(a_pet, FACTOR, mip=False).header["levels"][0]
    assert preview["shape"] == [15, 16, 40]
    first = np.reshape(preview["ijk_to_lps"], (4, 4)) @ (0, 0, 0, 1)
    assert first[:3] == pytest.approx([-98, -88, -800])


def test_the_same_content_has_the_same_address_and_another_content_another(a_pet):
    one, same = (pack_volume(a_pet, FACTOR, mip=False).header["id"] for _ in range(2))
    changed = a_pet.array.copy()
    changed[3, 4, 5] += 500
    other = pack_volume(a_pet.with_values(changed, units="BQML"), FACTOR, mip=False).header["id"]
    assert one == same != other


def test_slices_with_factors_of_their_own_are_suv_by_the_one_factor_of_the_header(a_pet):
    factors = tuple(2.5e-4 * 1.01**k for k in range(40))
    own = SuvFactor(per_slice=factors, units="BQML", method="BQML, decay NONE")

    packed = pack_volume(a_pet, own, mip=False)

    truth = apply_suv(a_pet, own).array
    suv = unpacked(packed) * packed.header["suv"]["bw_factor"]
    assert suv.max() == pytest.approx(truth.max(), rel=1e-6)
    assert np.abs(suv - truth).max() <= truth.max() / 65534 + 2e-6


def test_the_mip_is_in_suv_where_suv_is_known(a_pet):
    known = pack_volume(a_pet, FACTOR).header["mip"]
    unknown = pack_volume(a_pet, SuvFactor((), "BQML", "", refused="weight_missing")).header["mip"]
    assert known["units"] == "SUVbw"
    assert unknown["units"] == "BQML"
    assert known["slope"] == pytest.approx(unknown["slope"] * 2.5e-4)


def test_written_files_are_the_bodies(a_pet, tmp_path):
    packed = pack_volume(a_pet, FACTOR)
    packed.write(tmp_path)

    header = json.loads((tmp_path / "header.json").read_text(encoding="utf-8"))
    assert header == packed.header
    for path, body in packed.bodies.items():
        assert (tmp_path / body_file_name(path)).read_bytes() == bytes(body)


def test_values_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="finite"):
        quantised(np.array([1.0, np.nan]))


@pytest.mark.data
@pytest.mark.clause("6.15")
def test_a_real_scan_with_slopes_of_its_own_per_slice_keeps_its_suvmax(real_dicom):
    volume = read_series((real_dicom / "pet_ct_mr/STS_001/PT_wholebody").iterdir())
    factor = suv_factor(volume.headers)
    assert len({one.rescale_slope for one in volume.slices}) > 100

    packed = pack_volume(volume, factor, mip=False)

    suv_max = unpacked(packed).max() * packed.header["suv"]["bw_factor"]
    assert suv_max == pytest.approx(float(apply_suv(volume, factor).array.max()), rel=1e-6)
