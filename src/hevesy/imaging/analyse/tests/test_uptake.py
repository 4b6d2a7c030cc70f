import json

import numpy as np
import pytest

from hevesy.imaging.analyse.brain.regions import coarse_regions, standard_grid
from hevesy.imaging.analyse.uptake import (
    analyse_amyloid,
    analyse_bone_scan_index,
    analyse_dat,
)
from hevesy.imaging.refusal import Refused

CORTEX = ("left frontal", "right frontal", "left parietal", "right parietal")


@pytest.fixture(scope="module")
def regions():
    return coarse_regions(*standard_grid(6.0))


def painted(regions, **factors):
    image = np.where(regions.brain, 2.0, 0.0)
    for label, (name, _) in regions.names.items():
        image[regions.labels == label] *= factors.get(name.replace(" ", "_"), 1.0)
    return image


def test_specific_binding_ratio_of_each_side_is_exact(regions):
    found = analyse_dat(painted(regions, left_striatum=3.5, right_striatum=2.0), regions)
    assert found.value("left_sbr") == pytest.approx(2.5)
    assert found.value("right_sbr") == pytest.approx(1.0)
    assert found.value("asymmetry_percent") == pytest.approx(100 * 1.5 / 1.75)
    json.dumps(found.as_json(), allow_nan=False)


def test_centiloid_of_florbetaben_follows_its_paper(regions):
    image = painted(regions, **{name.replace(" ", "_"): 1.6 for name in CORTEX})
    found = analyse_amyloid(image, regions, tracer="florbetaben", cortex=CORTEX)
    assert found.value("suvr") == pytest.approx(1.6)
    assert found.value("centiloid") == pytest.approx(153.4 * 1.6 - 154.9)
    assert [one.key for one in found.findings] == ["not_standard"]


def test_pib_anchors_are_zero_and_a_hundred(regions):
    for suvr, centiloid in ((1.009, 0.0), (2.076, 100.0)):
        image = painted(regions, **{name.replace(" ", "_"): suvr for name in CORTEX})
        found = analyse_amyloid(image, regions, tracer="pib", cortex=CORTEX)
        assert found.value("centiloid") == pytest.approx(centiloid, abs=0.05)


def test_ratios_without_a_reference_or_a_tracer_are_refused(regions):
    with pytest.raises(Refused, match="empty_reference"):
        analyse_dat(np.zeros(regions.labels.shape), regions)
    with pytest.raises(Refused, match="no tracer"):
        analyse_amyloid(painted(regions), regions, tracer="fdg", cortex=CORTEX)
    with pytest.raises(Refused, match="no region"):
        analyse_dat(painted(regions), regions, left="left putamen")


def test_bone_scan_index_weighs_involved_area_by_the_skeleton():
    image = np.ones((20, 20))
    pelvis, femur, lesions = (np.zeros((20, 20), bool) for _ in range(3))
    pelvis[:10, :10] = femur[10:, 10:] = True
    lesions[:5, :10] = lesions[10:, 10:12] = lesions[15, 0] = True

    found = analyse_bone_scan_index(image, {"pelvis": pelvis, "left_femur": femur}, lesions)

    assert found.value("bsi_percent") == pytest.approx(0.5 * 7.5 + 0.2 * 8.9)
    keys = [one.key for one in found.findings]
    assert keys == ["research", "lesion_outside", "table_not_checked"]


def test_overlapping_or_unknown_bones_are_refused():
    one = np.ones((4, 4), bool)
    with pytest.raises(Refused, match="overlap"):
        analyse_bone_scan_index(one, {"pelvis": one, "ribs": one}, one)
    with pytest.raises(Refused, match="no bone"):
        analyse_bone_scan_index(one, {"tail": one}, one)
