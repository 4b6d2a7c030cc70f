from itertools import pairwise

import numpy as np
import pytest

from hevesy.imaging.geometry import Volume
from hevesy.imaging.refusal import Refused
from hevesy.imaging.render.colourmaps import colour_maps
from hevesy.imaging.render.couch import without_couch
from hevesy.imaging.render.raycast import cast, turned_view
from hevesy.imaging.render.tissues import glow_looks, tissue_looks, tissues_of

# Values that textbooks agree on, and the look that shows them.
_TYPICAL_HU = {"bone": 700, "lung": -850, "fat": -90, "soft_tissue": 50, "vessel": 300}


@pytest.mark.clause("6.21")
def test_every_tissue_has_names_a_source_and_ranges_apart():
    looks = tissue_looks()

    for key, look in looks.items():
        assert look.name_en, key
        assert any("\u4e00" <= letter <= "\u9fff" for letter in look.name_zh), key
        assert look.source, key
        ends = sorted((one.low, one.high) for one in look.steps)
        assert all(a[1] < b[0] for a, b in pairwise(ends)), key
    for key, hu in _TYPICAL_HU.items():
        assert any(one.low <= hu <= one.high for one in looks[key].steps), key
    assert not any(one.low <= 50 <= one.high for one in looks["bone"].steps)


def test_every_look_of_a_pet_has_a_colour_map_that_exists():
    pet = Volume(np.ones((2, 2, 2), np.float32), np.eye(4), "SUVbw", "PT")

    for look in glow_looks().values():
        assert look.colour_map in colour_maps()
        assert look.glow(pet).window == look.window_suv
        assert look.glow(pet, window=(1.0, 2.0)).window == (1.0, 2.0)


def test_of_two_tissues_that_share_values_the_first_named_shows():
    array = np.full((12, 12, 12), -1000, np.int16)
    array[3:9, 3:9, 3:9] = 320
    volume = Volume(array, np.diag([3.0, 3.0, 3.0, 1.0]), "HU", "CT")

    def middle(*keys):
        return cast(volume, turned_view(volume, 0), tissues_of(keys)).picture[6, 6].astype(int)

    bone_first, vessel_first = middle("bone", "vessel"), middle("vessel", "bone")
    assert np.ptp(bone_first) < 60
    assert vessel_first[0] - vessel_first[2] > 100


def test_an_unknown_tissue_is_refused_and_an_edited_table_is_used(tmp_path):
    own = tmp_path / "looks.toml"
    own.write_text(
        '[stone]\nname_en = "Stone"\nname_zh = "结石"\nsource = "site"\nchecked = true\n'
        "steps = [[300, 900, [1, 2, 3], 0.5]]\n[glow]\n",
        encoding="utf-8",
    )

    assert tissues_of(["stone"], own)[0].colour == (1, 2, 3)
    with pytest.raises(Refused, match="unknown_tissue"):
        tissues_of(["stone"])


@pytest.mark.clause("6.21")
def test_the_couch_goes_and_patient_arms_and_lungs_stay():
    # A trunk with a lung, an arm beside it, and a couch 4 mm thick below, 2 mm voxels.
    array = np.full((30, 100, 120), -1000, np.int16)
    trunk = np.s_[:, 20:70, 30:90]
    array[trunk] = 40
    array[:, 30:60, 40:60] = -850
    arm = np.s_[:, 35:50, 8:23]
    array[arm] = 40
    couch = np.s_[:, 78:80, 5:115]
    array[couch] = 100
    ct = Volume(array, np.diag([2.0, 2.0, 2.0, 1.0]), "HU", "CT")

    found, taken_ml = without_couch(ct)

    np.testing.assert_array_equal(found.array[trunk], array[trunk])
    # An arm with square corners, which is none, may lose them.
    assert (found.array[arm] == 40).mean() > 0.99
    assert (found.array[couch] == -1000).all()
    assert taken_ml == pytest.approx(30 * 2 * 110 * 0.008, rel=0.2)
