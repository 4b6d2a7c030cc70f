"""Pictures over HTTP: what was asked for, drawn from the pixels that were stored (PS3.18 §8.3.5)."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.uid import RLELossless

from hevesy.foundation.audit.models import AuditEvent
from hevesy.foundation.files.store import store
from hevesy.gateways.dicomweb.tests.conftest import Program, Take, parts_of
from hevesy.records.archive.models import Instance, Study
from hevesy.records.archive.testing import a_data_set, a_file


def address(instance: Instance) -> str:
    series = instance.series
    return (
        f"studies/{series.study.study_instance_uid}/series/{series.series_instance_uid}"
        f"/instances/{instance.sop_instance_uid}"
    )


def image(answer: Any) -> Image.Image:
    assert answer.status_code == 200, answer.content
    return Image.open(BytesIO(answer.content))


@pytest.fixture
def three_frames(take: Take) -> Instance:
    """One object of 4 × 6 pixels whose frames hold 0 to 23, 100 to 123, 200 to 223."""
    values = np.arange(24, dtype="<u2").reshape(4, 6)
    pixels = np.stack([values, values + 100, values + 200])
    dataset = a_data_set(Rows=4, Columns=6, NumberOfFrames=3, PixelData=pixels.tobytes())
    return take(a_file(dataset, SOPInstanceUID="2.25.77"))


@pytest.mark.clause("12.2")
def test_an_object_is_a_picture_of_its_middle_frame(
    three_frames: Instance, program: Program
) -> None:
    asked = {"window": "112,24,linear-exact"}

    answer = program.get(f"{address(three_frames)}/rendered", asked, accept="image/png")

    drawn = np.asarray(image(answer))
    assert answer["Content-Type"] == "image/png"
    expected = np.rint((np.arange(100, 124) - 112) / 24 * 255 + 127.5).reshape(4, 6)
    assert np.abs(drawn - expected).max() <= 1


def test_without_a_preference_a_picture_is_a_jpeg(three_frames: Instance, program: Program) -> None:
    for accept in ("", "*/*", "image/*", "image/webp, image/jpeg"):
        assert image(program.get(f"{address(three_frames)}/rendered", accept=accept)).format == (
            "JPEG"
        )
    by_query = program.get(f"{address(three_frames)}/rendered", {"accept": "image/png"})
    assert image(by_query).format == "PNG"


def test_frames_are_drawn_one_alone_or_several_as_parts(
    three_frames: Instance, program: Program
) -> None:
    asked = {"window": "112,24,linear-exact"}

    one = program.get(f"{address(three_frames)}/frames/1/rendered", asked, accept="image/png")
    both = program.get(f"{address(three_frames)}/frames/3,1/rendered", asked, accept="image/png")

    assert np.asarray(image(one)).max() == 0
    parts = parts_of(both)
    assert [kind for kind, _content in parts] == ["image/png", "image/png"]
    white, black = (np.asarray(Image.open(BytesIO(content))) for _kind, content in parts)
    assert white.min() == 255 and black.max() == 0
    assert program.get(f"{address(three_frames)}/frames/4/rendered").status_code == 404


def test_a_compressed_object_is_drawn_like_an_open_one(take: Take, program: Program) -> None:
    pixels = np.random.default_rng(3).integers(0, 4000, (16, 16), dtype="<u2")
    dataset = a_data_set(Rows=16, Columns=16, PixelData=pixels.tobytes())
    plain = take(a_file(dataset, SOPInstanceUID="2.25.71"))
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    dataset.compress(RLELossless)
    packed = take(a_file(dataset, SOPInstanceUID="2.25.72", transfer_syntax_uid=RLELossless))

    pictures = [
        program.get(f"{address(one)}/rendered", accept="image/png").content
        for one in (plain, packed)
    ]

    assert pictures[0] == pictures[1]


def test_a_picture_fits_the_viewport(three_frames: Instance, program: Program) -> None:
    answer = program.get(f"{address(three_frames)}/rendered", {"viewport": "300,300"})
    part = program.get(f"{address(three_frames)}/rendered", {"viewport": "300,300,1,1,2,2"})

    assert image(answer).size == (300, 200)
    assert image(part).size == (300, 300)


@pytest.mark.parametrize(
    "asked",
    [
        {"window": "40"},
        {"window": "40,400,cubic"},
        {"window": "40,0,linear"},
        {"window": "1e999,1,linear"},
        {"viewport": "0,10"},
        {"viewport": "99999,10"},
        {"viewport": "10"},
        {"viewport": "10,10,1,1,1,1,1"},
        {"viewport": "-1,10"},
        {"quality": "0"},
        {"quality": "101"},
        {"quality": "best"},
    ],
)
def test_what_cannot_be_drawn_as_asked_is_said_so(
    three_frames: Instance, program: Program, asked: dict[str, str]
) -> None:
    answer = program.get(f"{address(three_frames)}/rendered", asked)

    assert answer.status_code == 400 and answer.json()["error"]


def test_a_kind_of_picture_that_is_not_made_is_declined(
    three_frames: Instance, program: Program
) -> None:
    answer = program.get(f"{address(three_frames)}/rendered", accept="image/tiff")

    assert answer.status_code == 406 and "image/png" in answer.json()["error"]


def test_a_study_comes_as_a_picture_of_each_image_and_that_is_noted(
    a_study: Study, program: Program
) -> None:
    whole = parts_of(program.get("studies/2.25.1/rendered", accept="image/png"))
    series = parts_of(program.get("studies/2.25.1/series/2.25.3/rendered"))

    assert len(whole) == 5 and len(series) == 2
    assert {Image.open(BytesIO(content)).size for _kind, content in whole} == {(8, 8)}
    assert AuditEvent.objects.filter(verb="archive.retrieve").count() == 2


def test_one_damaged_image_does_not_take_the_others_with_it(
    a_study: Study, program: Program
) -> None:
    lost = Instance.objects.filter(series__series_instance_uid="2.25.3").first()
    assert lost is not None
    path = store().path(lost.path)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-40])

    parts = parts_of(program.get("studies/2.25.1/rendered"))

    assert len(parts) == 4
    alone = program.get(f"{address(lost)}/rendered")
    assert alone.status_code == 422


def test_a_thumbnail_stands_for_study_series_object_and_frame(
    a_study: Study, program: Program
) -> None:
    instance = Instance.objects.filter(series__series_instance_uid="2.25.3").first()
    assert instance is not None
    for path in (
        "studies/2.25.1",
        "studies/2.25.1/series/2.25.3",
        address(instance),
        f"{address(instance)}/frames/1",
    ):
        assert image(program.get(f"{path}/thumbnail")).size == (128, 128)
    larger = program.get("studies/2.25.1/thumbnail", {"viewport": "256,256"})
    assert image(larger).size == (256, 256)


def test_what_has_no_pixels_has_no_picture(take: Take, program: Program) -> None:
    text = take(a_file(Modality="SR", Rows=None, Columns=None, PixelData=None))

    for tail in ("rendered", "thumbnail", "frames/1/rendered"):
        assert program.get(f"{address(text)}/{tail}").status_code == 404
    assert program.get("studies/2.25.1/rendered").status_code == 404


def test_a_picture_that_the_client_still_has_is_not_drawn_again(
    three_frames: Instance, program: Program
) -> None:
    path = f"{address(three_frames)}/rendered"
    first = program.get(path)
    headers = {"Authorization": f"Bearer {program.token}", "If-None-Match": first["ETag"]}

    again = program.client.get(f"/dicom-web/{path}", headers=headers)
    wider = program.client.get(f"/dicom-web/{path}", {"viewport": "99,99"}, headers=headers)

    assert again.status_code == 304 and again.content == b""
    assert wider.status_code == 200
    assert "private" in first["Cache-Control"]


def test_pixels_that_must_not_be_opened_are_not_drawn(
    three_frames: Instance, program: Program
) -> None:
    Instance.objects.update(hindrance="too_many_pixels")

    assert program.get(f"{address(three_frames)}/rendered").status_code == 422
    assert program.get("studies/2.25.1/thumbnail").status_code == 404


def test_the_bytes_are_those_of_pydicom(take: Take, program: Program) -> None:
    values = pydicom.examples.ct
    instance = take(
        a_file(Rows=128, Columns=128, PixelRepresentation=1, PixelData=values.PixelData)
    )

    drawn = np.asarray(image(program.get(f"{address(instance)}/rendered", accept="image/png")))

    pixels = values.pixel_array.astype(float)
    expected = (pixels - pixels.min()) / (pixels.max() - pixels.min()) * 255
    assert np.abs(drawn - expected).max() <= 0.51
