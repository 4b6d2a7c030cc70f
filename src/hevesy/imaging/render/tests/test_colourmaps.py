import subprocess
import sys

import numpy as np
import pydicom
import pytest

from hevesy.imaging.refusal import Refused
from hevesy.imaging.render.colour import HOT_IRON, PET, TABLES, coloured
from hevesy.imaging.render.colourmaps import (
    colour_map,
    colour_maps,
    groups,
    is_monotone,
    luminance,
)
from hevesy.imaging.render.colourmaps.make_tables import tables

PALETTES = {
    "hot_iron": "hotiron",
    "pet": "pet",
    "hot_metal_blue": "hotmetalblue",
    "pet_20_step": "pet20step",
    "spring": "spring",
    "summer": "summer",
    "fall": "fall",
    "winter": "winter",
}


def expanded(segments):
    """Segmented palette data of 8 bits (DICOM PS3.3 C.7.9.2), read by hand."""
    data, found, at = list(segments), [], 0
    # A last byte may only fill the data up to an even length.
    while len(found) < 256:
        opcode, length = data[at], data[at + 1]
        if opcode == 0:
            found += data[at + 2 : at + 2 + length]
            at += 2 + length
        else:
            assert opcode == 1
            begin, end = found[-1], data[at + 2]
            found += [round(begin + (end - begin) * (n + 1) / length) for n in range(length)]
            at += 3
    assert len(found) == 256
    return found


@pytest.mark.clause("6.14")
def test_there_are_more_than_eighty_different_maps_with_names_in_two_languages():
    maps = colour_maps()

    assert len(maps) >= 80
    assert len({one.table.tobytes() for one in maps.values()}) == len(maps)
    assert len({one.name_en for one in maps.values()}) == len(maps)
    assert len({one.name_zh for one in maps.values()}) == len(maps)
    assert {one.group for one in maps.values()} == set(groups())
    assert {maker for one in maps.values() for maker in one.common_at} == {
        "GE",
        "Siemens",
        "Philips",
    }
    for key, one in maps.items():
        assert (one.table.shape, one.table.dtype, one.id) == ((256, 3), np.uint8, key)
        assert one.source
        assert one.licence


@pytest.mark.data
@pytest.mark.parametrize(("key", "file"), PALETTES.items())
def test_palettes_are_bit_for_bit_those_of_the_dicom_standard(real_dicom, key, file):
    palette = pydicom.dcmread(real_dicom / f"palettes/{file}.dcm")

    for channel, colour in enumerate(("Red", "Green", "Blue")):
        plain = palette.get(f"{colour}PaletteColorLookupTableData")
        if plain is None:
            segments = palette[f"Segmented{colour}PaletteColorLookupTableData"].value
            standard = expanded(segments)
        else:
            standard = list(plain)
        assert colour_map(key).table[:, channel].tolist() == standard


def test_the_stored_tables_equal_their_sources():
    for key, table in tables().items():
        np.testing.assert_array_equal(colour_map(key).table, table, err_msg=key)


def test_the_flag_of_even_brightness_is_what_another_program_computes():
    from skimage.color import rgb2xyz

    for key, one in colour_maps().items():
        lit = rgb2xyz(one.table[:, None, :])[:, 0, 1]
        np.testing.assert_allclose(luminance(one.table), lit, atol=2e-4)
        change = np.diff(lit) * np.sign(lit[-1] - lit[0])
        if abs(change.min() + 0.004) > 1e-4:
            assert one.monotone == (lit[-1] != lit[0] and change.min() > -0.004), key


@pytest.mark.parametrize(
    ("even", "keys"),
    [
        (True, ("grey", "inverse_grey", "hot_iron", "viridis", "magma", "cividis", "cubehelix")),
        (False, ("pet", "jet", "hsv", "turbo", "twilight", "pet_rainbow", "coolwarm")),
    ],
)
def test_maps_known_to_be_even_or_not_are_told_so(even, keys):
    assert [colour_map(key).monotone for key in keys] == [even] * len(keys)


def test_steps_are_flat_and_curves_bend():
    assert len(np.unique(colour_map("grey_8_step").table, axis=0)) == 8
    assert len(np.unique(colour_map("thallium_10_step").table, axis=0)) == 10
    root = colour_map("grey_root").table[:, 0]
    np.testing.assert_array_equal(root, np.floor(np.sqrt(np.arange(256) * 255) + 0.5))
    log = colour_map("grey_log").table[:, 0].astype(float)
    np.testing.assert_allclose(log, 255 * np.log(1 + np.arange(256) / 17) / np.log(16), atol=0.51)
    assert not is_monotone(np.zeros((256, 3), dtype=np.uint8))


@pytest.mark.clause("6.13")
def test_a_picture_in_another_map_leaves_every_value_as_it_was():
    values = np.random.default_rng(2).normal(3, 2, (9, 9)).astype(np.float32)
    before = values.tobytes()

    for table in TABLES.values():
        coloured(values, 0, 7, table)

    assert values.tobytes() == before
    assert not any(table.flags.writeable for table in TABLES.values())


def test_known_names_go_on_and_unknown_ones_are_refused():
    assert TABLES["hot_iron"] is HOT_IRON
    assert TABLES["pet"] is PET
    assert colour_map("pet").as_json()["table"].startswith("AAAA")
    with pytest.raises(Refused, match="colour_map_unknown"):
        colour_map("no_such_map")


def test_listing_the_maps_loads_neither_matplotlib_nor_numba():
    program = (
        "import sys; from hevesy.imaging.render.colour import TABLES; "
        "sys.exit(', '.join({'matplotlib', 'numba', 'scipy', 'SimpleITK'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
