"""Pictures of stored frames go through the stages of PS3.4 N.2; windows are compared with pydicom's."""

import io

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread, examples
from pydicom.dataset import Dataset
from pydicom.pixels import apply_rescale, apply_windowing

from hevesy.imaging.dicomio import ImageRefused
from hevesy.imaging.render.stored import Viewport, Voi, render_stored_frame, stored_picture


@pytest.fixture
def a_slice(make_slice):
    """Stored values 0 to 15 in four rows, rescaled to -1024 + 100 n."""

    def make(**attributes):
        values = np.arange(16, dtype="<i2").reshape(4, 4)
        stated = {"RescaleSlope": 100, "RescaleIntercept": -1024, "PixelSpacing": [1, 1]}
        return make_slice(rows=4, columns=4, PixelData=values.tobytes(), **stated | attributes)

    return make


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_a_window_is_that_of_pydicom(function):
    dataset = dcmread(examples.get_path("ct"))
    dataset.WindowCenter, dataset.WindowWidth = 40, 400
    dataset.VOILUTFunction = function
    values = apply_rescale(dataset.pixel_array, dataset)
    theirs = apply_windowing(values, dataset)
    # Their values span what the stored bits can hold, ours black to white.
    low, high = (
        apply_rescale(np.array([stored]), dataset)[0]
        for stored in ((-(2**15), 2**15 - 1) if dataset.PixelRepresentation else (0, 2**16 - 1))
    )

    picture = stored_picture(dataset, 0)

    expected = (theirs - low) / (high - low) * 255
    assert np.abs(picture - expected).max() <= 0.51
    assert picture.std() > 20


def test_the_window_asked_for_comes_before_that_of_the_header(a_slice):
    dataset = a_slice(WindowCenter=0, WindowWidth=10)

    picture = stored_picture(dataset, 0, voi=Voi(-1024, 2000, "LINEAR_EXACT"))

    assert picture.ravel()[[0, 5, 15]].tolist() == [128, 191, 255]


def test_without_any_window_the_whole_range_is_shown(a_slice):
    picture = stored_picture(a_slice(), 0)

    assert picture.ravel().tolist() == [round(n * 255 / 15) for n in range(16)]


def test_what_is_stored_white_for_the_lowest_value_is_shown_so(a_slice):
    picture = stored_picture(a_slice(PhotometricInterpretation="MONOCHROME1"), 0)

    assert picture[0, 0] == 255 and picture[3, 3] == 0


def test_a_table_of_the_header_is_followed(a_slice):
    table = Dataset()
    table.LUTDescriptor = [4, -1024, 8]
    table.LUTData = [0, 51, 102, 255]
    dataset = a_slice(RescaleSlope=1, VOILUTSequence=[table])

    picture = stored_picture(dataset, 0)

    assert picture.ravel().tolist() == [0, 51, 102] + [255] * 13


def test_each_frame_of_an_enhanced_object_has_its_own_window(make_slice):
    dataset = make_slice(
        rows=2, columns=2, NumberOfFrames=2, PixelData=np.full((2, 2, 2), 100, "<i2").tobytes()
    )
    groups = []
    for center in (0, 200):
        voi, group = Dataset(), Dataset()
        voi.WindowCenter, voi.WindowWidth = center, 100
        group.FrameVOILUTSequence = [voi]
        groups.append(group)
    dataset.PerFrameFunctionalGroupsSequence = groups

    assert stored_picture(dataset, 0).max() == 255
    assert stored_picture(dataset, 1).max() == 0


def test_colour_by_a_palette_and_by_samples():
    palette = dcmread(examples.get_path("palette_color"))
    samples = dcmread(examples.get_path("rgb_color"))

    shown = stored_picture(palette, 0)

    index = palette.pixel_array[200, 300]
    descriptor = palette.RedPaletteColorLookupTableDescriptor
    red = np.frombuffer(palette.RedPaletteColorLookupTableData, "<u2")[index - descriptor[1]]
    assert shown.shape == (palette.Rows, palette.Columns, 3)
    assert shown[200, 300, 0] == red >> 8
    np.testing.assert_array_equal(stored_picture(samples, 0), samples.pixel_array)


def opened(dataset, **wish):
    return Image.open(io.BytesIO(render_stored_frame(dataset, 0, **wish)))


@pytest.mark.parametrize(
    ("media_type", "kind"), [("image/jpeg", "JPEG"), ("image/png", "PNG"), ("image/gif", "GIF")]
)
def test_a_picture_is_a_file_of_the_kind_asked_for(a_slice, media_type, kind):
    image = opened(a_slice(), media_type=media_type)

    assert image.format == kind and image.size == (4, 4)


def test_a_picture_fits_into_its_viewport_and_keeps_its_shape(a_slice):
    tall = a_slice(PixelSpacing=[2.0, 1.0])

    assert opened(tall).size == (4, 8)
    assert opened(tall, viewport=Viewport(40, 40)).size == (20, 40)
    assert opened(a_slice(PixelSpacing=[1.0, 2.0]), viewport=Viewport(40, 40)).size == (40, 20)


def test_a_viewport_cuts_out_and_turns_over(a_slice):
    png = {"media_type": "image/png"}

    part = np.asarray(opened(a_slice(), viewport=Viewport(2, 2, 1, 1, 2, 2), **png))
    turned = np.asarray(opened(a_slice(), viewport=Viewport(4, 4, 0, 0, -4, 4), **png))

    whole = stored_picture(a_slice(), 0)
    np.testing.assert_array_equal(part, whole[1:3, 1:3])
    np.testing.assert_array_equal(turned, whole[:, ::-1])


def test_a_viewport_beyond_the_image_shows_its_last_pixel(a_slice):
    assert opened(a_slice(), viewport=Viewport(3, 3, 99, 99, 5, 5)).size == (3, 3)


@pytest.mark.parametrize(
    ("width", "function"), [(0.5, "LINEAR"), (0, "SIGMOID"), (-1, "LINEAR_EXACT")]
)
def test_a_window_without_width_is_an_error(width, function):
    with pytest.raises(ValueError, match="width"):
        Voi(0, width, function)


def test_a_broken_table_of_the_header_is_a_refusal(a_slice):
    table = Dataset()
    table.LUTDescriptor = [4, 0, 8]
    dataset = a_slice(VOILUTSequence=[table])

    with pytest.raises(ImageRefused, match="undecodable"):
        stored_picture(dataset, 0)
