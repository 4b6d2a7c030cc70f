"""A phantom of known resolution has the recoveries of the closed form, and EARL's verdict."""

import json

import numpy as np
import pytest

from hevesy.imaging.commands import main
from hevesy.imaging.quantify.sphere_model import blurred_sphere
from hevesy.imaging.quantify.tests.pet_scans import PetScan

BACKGROUND, SPHERE = 2000.0, 20_000.0
# Steps of 4 mm from the middle, close to the ring of the phantom (57.2 mm), 60 degrees apart.
PLACES = {37: (14, 0), 28: (7, 12), 22: (-7, 12), 17: (-14, 0), 13: (-7, -12), 10: (7, -12)}


@pytest.fixture
def earl(capsys):
    def run(*arguments):
        status = main(["analyse", "earl", *map(str, arguments), "--json"])
        return status, json.loads(capsys.readouterr().out)

    return run


def fraction(mm, fwhm_mm, away_mm):
    return blurred_sphere(away_mm, radius_mm=mm / 2, fwhm_mm=fwhm_mm)


def phantom(folder, fwhm_mm, *, missing=(), scale=1.0):
    """Spheres in a warm body with a cold insert in its middle and air around, 4 mm voxels."""
    k, j, i = np.indices((24, 48, 48)) - np.array([12, 24, 24]).reshape(3, 1, 1, 1)
    across = 4.0 * np.hypot(j, i)
    values = np.where((across <= 92) & (across > 22), BACKGROUND, 0.0)
    for mm, (x, y) in PLACES.items():
        away = 4.0 * np.sqrt((i - x) ** 2 + (j - y) ** 2 + k**2)
        if mm not in missing:
            values += (SPHERE - BACKGROUND) * fraction(mm, fwhm_mm, away)
    folder.mkdir()
    slopes = [SPHERE * 1.2 / 30_000] * 24
    for dataset in PetScan().written(values * scale, slopes=slopes):
        dataset.save_as(folder / f"{dataset.SOPInstanceUID}.dcm", enforce_file_format=True)
    return folder


def expected(mm, fwhm_mm):
    """Recovery a50 and max of one sphere by itself, on the same grid."""
    k, j, i = np.indices((15, 15, 15)) - 7
    away = 4.0 * np.sqrt(i**2 + j**2 + k**2)
    values = BACKGROUND + (SPHERE - BACKGROUND) * fraction(mm, fwhm_mm, away)
    return values[
        values >= 0.5 * (values.max() + BACKGROUND)
    ].mean() / SPHERE, values.max() / SPHERE


TRUE = ("--sphere-bq-per-ml", SPHERE, "--background-bq-per-ml", BACKGROUND)


@pytest.mark.clause("6.15")
@pytest.mark.parametrize(("fwhm_mm", "passed"), [(6.0, True), (9.0, False)])
def test_the_spheres_are_found_and_have_the_recovery_of_the_closed_form(
    earl, tmp_path, fwhm_mm, passed
):
    image = phantom(tmp_path / "pet", fwhm_mm)

    status, told = earl(image, *TRUE)

    found = {one["key"]: one for one in told["measures"]}
    assert status == 0
    for mm in PLACES:
        a50, largest = expected(mm, fwhm_mm)
        assert found[f"recovery_a50_{mm}mm"]["value"] == pytest.approx(a50, abs=2e-3)
        assert found[f"recovery_max_{mm}mm"]["value"] == pytest.approx(largest, abs=2e-3)
    assert found["background_recovery"]["value"] == pytest.approx(1, abs=0.02)
    a50, _ = told["verdicts"]
    limits = {mm: found[f"recovery_a50_{mm}mm"] for mm in PLACES}
    assert a50["value"] == all(one["within_reference"] for one in limits.values())
    assert a50["spheres"][-1]["passed"] == passed
    assert (a50["standard"], a50["checked"]) == ("standards_2", False)


def test_wrong_fillings_and_missing_spheres_are_refused_and_a_wrong_calibration_is_doubted(
    earl, tmp_path
):
    whole = phantom(tmp_path / "pet", 6.0)
    five = phantom(tmp_path / "five", 6.0, missing=(17,))
    off = phantom(tmp_path / "off", 6.0, scale=1.15)

    for call in ((whole, "--sphere-bq-per-ml", 9000, *TRUE[2:]), (five, *TRUE)):
        status, told = earl(*call)
        assert (status, told["reason"]) == (1, "spheres_not_found")
    _, told = earl(off, *TRUE, "--standard", "standards_1")

    assert [one["key"] for one in told["findings"]] == ["background_off"]
    assert earl(whole, *TRUE[:2], *("--background-bq-per-ml", 30_000))[1]["reason"] == (
        "bad_quantities"
    )
