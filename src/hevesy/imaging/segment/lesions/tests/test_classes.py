"""What each tracer shows in health gets its class by name, where it lies and as it looks."""

from dataclasses import replace

import numpy as np
import pytest

from hevesy.imaging.segment.lesions.places import class_table
from hevesy.imaging.segment.lesions.report import find_lesions
from hevesy.imaging.segment.lesions.tests.torso import FDG, PSMA, SSTR, axes, person

GLANDS = ([(45, 0, -190), (-45, 0, -190)], (10, 10, 10), 7.0, 40)
GRID = person()[0]
MET = ([(84, -6, -370)], (12, 12, 12), 9.0, 40)


def painted(spots, *, uptake=FDG):
    """A person with ellipsoids (centres, radii_mm, suv, hu) put into PET and CT."""
    pet, ct = person(uptake=uptake)
    suvs, hus = pet.array.copy(), ct.array.copy()
    for centres, radii, suv, hu in spots:
        for centre in centres:
            inside = sum(
                ((axis - c) / r) ** 2 for axis, c, r in zip(axes(), centre, radii, strict=True)
            )
            hus[inside <= 1] = hu
            if suv is not None:
                suvs[inside <= 1] = suv
    return replace(pet, array=suvs), replace(ct, array=hus)


def row_at(report, centre):
    """The row whose region lies within a voxel of the place."""
    grid = GRID
    away = [
        np.linalg.norm(grid.world(row.voi.index_kji[:, ::-1]) - np.array(centre), axis=1).min()
        for row in report.rows
    ]
    assert min(away) < 6.0
    return report.rows[int(np.argmin(away))]


@pytest.mark.clause("6.16")
@pytest.mark.parametrize(
    ("key", "spots", "uptake"),
    [
        ("gland_or_muscle", [GLANDS], FDG),
        (
            "brown_fat",
            [([(50, 70, -305), (-50, 70, -305)], (16, 16, 16), None, -100),
             ([(50, 70, -305), (-50, 70, -305)], (11, 11, 11), 6.0, -100)],
            FDG,
        ),
        # A thin line down before the psoas.
        ("ureter", [([(27, 17, -722)], (4, 4, 26), 8.0, 20)], FDG),
        # A patch of a liver that takes up more than usual: 1.6 times what lies around it.
        ("liver_diffuse", [([(-75, 0, -560)], (20, 20, 20), 4.2, 60)], FDG | {"liver": 2.6}),
        ("spleen_diffuse", [([(112, 40, -525)], (30, 34, 36), 4.4, 50)], FDG),
        (
            "stomach_or_bowel",
            [([(60, -50, -640)], (12, 12, 12), 6.0, 40),
             ([(90, -50, -640)], (16, 16, 16), None, -800)],
            FDG,
        ),
    ],
)  # fmt: skip
def test_what_fdg_shows_in_health_has_its_class_and_does_not_count(key, spots, uptake):
    report = find_lesions(*painted(spots, uptake=uptake))

    hot = [one for one in spots if one[2] is not None]
    for centre in hot[0][0]:
        row = row_at(report, centre)
        assert row.class_key == key
        assert not row.included


def test_the_same_fat_on_one_side_alone_is_no_brown_fat():
    place = [(50, 70, -305)]

    report = find_lesions(
        *painted([(place, (16, 16, 16), None, -100), (place, (11, 11, 11), 6.0, -100)])
    )

    assert row_at(report, place[0]).class_key == "other"


def test_bowel_without_gas_is_a_possible_lesion():
    place = (60, -50, -640)

    report = find_lesions(*painted([([place], (12, 12, 12), 6.0, 40)]))

    assert row_at(report, place).class_key == "other"


@pytest.mark.clause("6.16")
def test_a_person_with_psma_shows_the_organs_of_psma_and_one_metastasis():
    lacrimal, bowel, ureter = (30, -60, -112), (30, -55, -640), (27, 17, -722)
    spots = [
        GLANDS,
        ([lacrimal, (-30, -60, -112)], (7, 7, 7), 8.0, 40),
        ([bowel], (16, 12, 12), 9.0, 40),
        ([ureter], (4, 4, 26), 12.0, 20),
        MET,
    ]

    report = find_lesions(*painted(spots, uptake=PSMA), tracer="PSMA")

    expected = {
        (45, 0, -190): "salivary_or_lacrimal",
        lacrimal: "salivary_or_lacrimal",
        (-75, 0, -560): "liver",
        (112, 40, -525): "spleen",
        (58, 55, -610): "kidney",
        # The right kidney of this person hangs together with the liver and goes with it.
        (-58, 55, -610): "liver",
        ureter: "ureter",
        (0, -45, -800): "bladder",
        bowel: "bowel",
        MET[0][0]: "other",
    }
    assert {place: row_at(report, place).class_key for place in expected} == expected
    assert [row.number for row in report.rows if row.included] == [row_at(report, MET[0][0]).number]


@pytest.mark.clause("6.16")
def test_a_person_with_sstr_shows_the_organs_of_sstr_and_one_metastasis():
    pituitary, adrenal = (0, -12, -110), (26, 55, -494)
    spots = [
        GLANDS,
        ([pituitary], (6, 6, 6), 6.0, 40),
        ([adrenal, (-26, 55, -494)], (9, 9, 9), 8.0, 40),
        MET,
    ]

    report = find_lesions(*painted(spots, uptake=SSTR), tracer="SSTR")

    expected = {
        pituitary: "pituitary",
        (45, 0, -190): "salivary",
        adrenal: "adrenal",
        (-75, 0, -560): "liver",
        (112, 40, -525): "spleen",
        (58, 55, -610): "kidney",
        (0, -45, -800): "bladder",
        MET[0][0]: "other",
    }
    assert {place: row_at(report, place).class_key for place in expected} == expected
    assert [row.number for row in report.rows if row.included] == [row_at(report, MET[0][0]).number]


def test_every_class_of_every_tracer_is_named_in_a_test():
    named = {
        "FDG": {"brain", "gland_or_muscle", "brown_fat", "heart", "kidney", "bladder", "ureter",
                "liver_diffuse", "spleen_diffuse", "stomach_or_bowel", "spot", "other"},
        "PSMA": {"salivary_or_lacrimal", "liver", "spleen", "kidney", "ureter", "bladder", "bowel",
                 "other"},
        "SSTR": {"pituitary", "salivary", "liver", "spleen", "adrenal", "kidney", "bladder",
                 "other"},
    }  # fmt: skip

    for tracer, keys in named.items():
        assert {row.key for row in class_table(tracer).rows} == keys
