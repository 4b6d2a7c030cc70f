"""A real PET travels to the viewer, and the numbers that come back are those of its DICOM."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from django.test import Client
from PIL import Image

from hevesy.foundation.accounts.actors import system_actor
from hevesy.foundation.accounts.models import User
from hevesy.foundation.jobs.running import drain
from hevesy.records.archive import settling
from hevesy.records.archive.ingest import receive
from hevesy.records.archive.models import Study
from hevesy.records.findings.models import KeyImage

DATA = (
    Path(os.environ.get("HEVESY_TEST_DATA", "/nowhere")) / "pet_ct_mr" / "STS_001" / "PT_wholebody"
)
FACTOR = 71_000 / 388_777_472 * 2 ** (2711 / 6588)
"""SUVbw per Bq/ml: weight, dose and decay of the header (the oracle in the data's README)."""

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.data,
    pytest.mark.skipif(
        not DATA.exists(), reason="HEVESY_TEST_DATA has no pet_ct_mr/STS_001/PT_wholebody"
    ),
]


@pytest.fixture
def a_study(monkeypatch: pytest.MonkeyPatch) -> Study:
    """A slab of the real whole-body PET around its hottest lesion, received, settled and prepared."""
    monkeypatch.setattr(settling, "QUIET_S", 0.0)
    archive = system_actor("a test", "archive.store")
    for path in slices():
        receive(path, by=archive)
    drain()
    return Study.objects.get()


def slices() -> list[Path]:
    headers = [
        (path, pydicom.dcmread(path, stop_before_pixels=True)) for path in sorted(DATA.iterdir())
    ]
    headers.sort(key=lambda pair: float(pair[1].ImagePositionPatient[2]))
    return [path for path, _header in headers[70:90]]


@pytest.fixture
def browser(a_doctor: User) -> Client:
    client = Client()
    client.force_login(a_doctor)
    return client


def header_of(browser: Client, study: Study) -> dict[str, Any]:
    manifest = browser.get(f"/viewing/studies/{study.study_instance_uid}/manifest.json").json()
    (series,) = manifest["series"]
    assert series["role"] == "PET" and series["volume"]["status"] == "ready"
    header: dict[str, Any] = browser.get(series["volume"]["header_url"]).json()
    return header


@pytest.mark.clause("6.15", "8.2")
def test_the_voxels_arrive_and_are_those_of_the_dicom(a_study: Study, browser: Client) -> None:
    header = header_of(browser, a_study)
    full = next(level for level in header["levels"] if level["name"] == "full")
    pieces = [
        b"".join(browser.get(brick["url"], headers={"Accept-Encoding": "identity"}))
        for brick in full["bricks"]
    ]

    ni, nj, nk = full["shape"]
    values = np.frombuffer(b"".join(pieces), "<i2").reshape(nk, nj, ni) * header["slope"]
    true = np.stack([_values(path) for path in slices()])
    assert values.shape == true.shape
    assert np.abs(values - true).max() <= true.max() / 65534 * 1.01
    assert header["suv"]["bw_factor"] == pytest.approx(FACTOR, rel=1e-5)


@pytest.mark.clause("6.15", "8.3")
def test_a_region_has_the_suv_of_its_voxels(a_study: Study, browser: Client) -> None:
    header = header_of(browser, a_study)
    true = np.stack([_values(path) for path in slices()]) * FACTOR
    k, j, i = np.unravel_index(int(true.argmax()), true.shape)
    matrix = np.array(header["ijk_to_lps"]).reshape(4, 4)
    centre = (matrix @ [i, j, k, 1])[:3]
    asked = {
        "volume_id": header["id"],
        "kind": "ellipse",
        "centre_lps": list(centre),
        "axis_u": [1, 0, 0],
        "axis_v": [0, 1, 0],
        "radius_u_mm": 12.0,
        "radius_v_mm": 8.0,
    }

    answer = browser.post("/viewing/measure/", asked, content_type="application/json").json()

    spacing = abs(matrix[0, 0])
    rows, columns = np.mgrid[: true.shape[1], : true.shape[2]]
    inside = ((columns - i) * spacing / 12) ** 2 + ((rows - j) * spacing / 8) ** 2 <= 1
    region = true[k][inside]
    assert answer["units"] == "SUVbw" and answer["voxels"] == len(region)
    assert answer["max"] == pytest.approx(region.max(), rel=1e-4)
    assert answer["mean"] == pytest.approx(region.mean(), rel=1e-3)


def test_a_body_is_compressed_once_and_never_sent_twice(a_study: Study, browser: Client) -> None:
    url = header_of(browser, a_study)["levels"][0]["bricks"][0]["url"]

    first = browser.get(url, headers={"Accept-Encoding": "gzip"})
    again = browser.get(url, headers={"If-None-Match": first["ETag"]})

    content_id = header_of(browser, a_study)["id"]
    for path in ("preview/99", "../../etc/passwd", "%2e%2e%2fetc%2fpasswd", "stored"):
        assert browser.get(f"/viewing/volumes/{content_id}/{path}").status_code == 404
    assert first["Content-Encoding"] == "gzip" and "immutable" in first["Cache-Control"]
    assert again.status_code == 304


@pytest.mark.parametrize(
    "path", ["preview/99", "../../etc/passwd", "%2e%2e%2fetc%2fpasswd", "stored"]
)
def test_a_path_names_a_body_and_nothing_else(a_study: Study, browser: Client, path: str) -> None:
    content_id = header_of(browser, a_study)["id"]

    assert browser.get(f"/viewing/volumes/{content_id}/{path}").status_code == 404


@pytest.mark.clause("6.5")
def test_a_key_image_is_kept_with_its_view_and_can_be_taken_back(
    a_study: Study, browser: Client, tmp_path: Path
) -> None:
    picture = tmp_path / "view.png"
    Image.new("RGB", (64, 48), (200, 30, 30)).save(picture)
    address = f"/viewing/studies/{a_study.study_instance_uid}/key-images/"
    with picture.open("rb") as stream:
        state = json.dumps({"layout": "3x3", "centre_lps": [1, 2, 3]})
        kept = browser.post(address, {"image": stream, "caption": "右肺上叶", "view_state": state})

    assert kept.status_code == 201 and kept.json()["view_state"]["centre_lps"] == [1, 2, 3]
    shown = Image.open(io.BytesIO(b"".join(browser.get(kept.json()["url"]))))
    assert shown.size == (64, 48)
    browser.post(kept.json()["remove_url"])
    assert browser.get(address).json()["images"] == [] and KeyImage.objects.count() == 1


def test_what_is_no_picture_is_refused_and_a_clinician_sees_nothing(
    a_study: Study, browser: Client, a_clinician: User, tmp_path: Path
) -> None:
    address = f"/viewing/studies/{a_study.study_instance_uid}/key-images/"
    for content in (b"<svg onload=alert(1)>", b"\x89PNG\r\n\x1a\n" + b"x" * 100):
        sent = tmp_path / "x.png"
        sent.write_bytes(content)
        with sent.open("rb") as stream:
            assert browser.post(address, {"image": stream}).status_code == 422
    assert not KeyImage.objects.exists()
    client = Client()
    client.force_login(a_clinician)

    assert (
        client.get(f"/viewing/studies/{a_study.study_instance_uid}/manifest.json").status_code
        == 403
    )


def _values(path: Path) -> Any:
    dataset = pydicom.dcmread(path)
    return dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
