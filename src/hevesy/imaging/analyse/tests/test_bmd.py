import json

import pytest

from hevesy.imaging.analyse.bmd import analyse_bmd, read_references, who_class
from hevesy.imaging.refusal import Refused

WITH_AGES = """
[[reference]]
key = "site"
site = "lumbar spine"
sex = "M"
origin = "site"
device = "site"
young = { mean = 1.1, sd = 0.11 }
ages = [[40, 1.0, 0.10], [60, 0.9, 0.14]]
source = "made up for the test"
checked = false
"""


@pytest.mark.clause("2.1")
def test_t_is_the_distance_from_the_young_mean_in_young_sds():
    found = analyse_bmd(0.956 - 2.5 * 0.120, reference="cn_female_total_hip", sex="F", age_years=70)
    assert found.value("t_score") == pytest.approx(-2.5)
    assert found.inputs["class"] == "osteoporosis"
    assert found.value("z_score") is None
    assert "no_z" in [one.key for one in found.findings]
    json.dumps(found.as_json(), allow_nan=False)


def test_z_lies_straight_between_the_rows_of_the_table(tmp_path):
    table = tmp_path / "bmd.toml"
    table.write_text(WITH_AGES)
    found = analyse_bmd(0.83, reference="site", sex="M", age_years=50, table=table)
    assert found.value("z_score") == pytest.approx((0.83 - 0.95) / 0.12)
    assert found.value("t_score") == pytest.approx((0.83 - 1.1) / 0.11)


@pytest.mark.parametrize(
    ("t", "kind"),
    [
        (-0.99, "normal"),
        (-1.0, "normal"),
        (-1.1, "low_bone_mass"),
        (-2.4, "low_bone_mass"),
        (-2.46, "osteoporosis"),
        (-2.5, "osteoporosis"),
    ],
)
def test_classes_follow_the_world_health_organisation(t, kind):
    assert who_class(t) == kind


def test_a_fracture_makes_osteoporosis_severe():
    assert who_class(-2.6, fragility_fracture=True) == "severe_osteoporosis"
    assert who_class(-1.6, fragility_fracture=True) == "low_bone_mass"


def test_a_young_man_is_judged_by_z_and_gets_no_t(tmp_path):
    table = tmp_path / "bmd.toml"
    table.write_text(WITH_AGES)
    found = analyse_bmd(0.79, reference="site", sex="M", age_years=40, table=table)
    assert found.value("t_score") is None
    assert found.inputs["class"] == "below_expected_range"


def test_references_that_do_not_fit_are_refused(tmp_path):
    table = tmp_path / "bmd.toml"
    table.write_text(WITH_AGES.replace("sd = 0.11", "sd = 0.0"))
    with pytest.raises(Refused, match="above zero"):
        read_references(table)
    with pytest.raises(Refused, match="other_sex"):
        analyse_bmd(0.9, reference="cn_female_total_hip", sex="M", age_years=70)
    with pytest.raises(Refused, match="bad_bmd"):
        analyse_bmd(967.0, reference="cn_female_total_hip", sex="F", age_years=70)


def test_every_shipped_reference_names_its_source():
    for one in read_references().values():
        assert one.source
        assert 0.5 < one.young_mean < 1.5
