import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hevesy.imaging.analyse.regions import Region, RegionSet, read_regions
from hevesy.imaging.analyse.shapes import Ellipse, Mask, Polygon, Rectangle, RegionRefused


def a_set(*regions, rows=32, columns=40):
    return RegionSet(rows, columns, regions)


def test_a_rectangle_of_whole_numbers_holds_width_times_height_pixels():
    inside = Rectangle((3, 5), (6, 4)).mask(32, 40)

    assert inside.sum() == 24
    assert inside[5:9, 3:9].all()


def test_two_polygons_along_one_edge_share_no_pixel_and_leave_none_out():
    left = Polygon(((2, 2), (10, 2), (14, 20), (2, 20))).mask(32, 40)
    right = Polygon(((10, 2), (30, 2), (30, 20), (14, 20))).mask(32, 40)
    both = Rectangle((2, 2), (28, 18)).mask(32, 40)

    assert not (left & right).any()
    assert np.array_equal(left | right, both)


def test_the_area_of_a_turned_ellipse_is_pi_a_b():
    inside = Ellipse((50, 50), (30, 12), 33).mask(101, 101)

    assert inside.sum() == pytest.approx(np.pi * 30 * 12, rel=0.01)
    assert np.array_equal(inside, inside[::-1, ::-1])


@given(st.integers(0, 2**32 - 1))
def test_a_painted_region_comes_back_from_its_runs(seed):
    painted = np.random.default_rng(seed).random((9, 13)) < 0.4
    painted[4, 4] = True

    assert np.array_equal(Mask.of(painted).mask(9, 13), painted)


def test_a_set_comes_back_from_its_file(tmp_path):
    drawn = a_set(
        Region("L", "left_kidney", Polygon(((2, 2), (9, 3), (5, 9))), view="posterior"),
        Region("R", "right_kidney", Ellipse((20, 10), (5, 3), 20.0), frames=(0, 4)),
        Region("BG", "background", Rectangle((1, 1), (4, 4))),
        Region("B", "bladder", Mask(((3, 4, 5), (4, 4, 5)))),
    )
    file = tmp_path / "regions.json"
    file.write_text(json.dumps(drawn.as_json()), "utf-8")

    assert read_regions(file) == drawn


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"schema": "other"}, "bad_regions"),
        ({"rows": 0}, "bad_regions"),
        ({"rows": True}, "bad_regions"),
        ({"regions": [{"role": "a", "shape": {"kind": "circle"}}]}, "bad_regions"),
        ({"regions": [{"shape": {"kind": "rectangle"}}]}, "bad_regions"),
        ({"regions": [{"role": "a", "shape": {"kind": "mask", "runs": [[0, 1]]}}]}, "bad_regions"),
        (
            {
                "regions": [
                    {
                        "role": "a",
                        "shape": {"kind": "rectangle", "corner": [0, "x"], "size": [1, 1]},
                    }
                ]
            },
            "bad_regions",
        ),
        (
            {
                "regions": [
                    {
                        "role": "a",
                        "shape": {"kind": "rectangle", "corner": [35, 0], "size": [9, 9]},
                    }
                ]
            },
            "region_outside",
        ),
        (
            {
                "regions": [
                    {
                        "role": "a",
                        "shape": {"kind": "ellipse", "centre": [5.5, 5.5], "radii": [0.2, 0.2]},
                    }
                ]
            },
            "region_empty",
        ),
        (
            {
                "regions": [
                    {
                        "role": "a",
                        "frames": [5, 2],
                        "shape": {"kind": "rectangle", "corner": [1, 1], "size": [9, 9]},
                    }
                ]
            },
            "bad_regions",
        ),
    ],
)
def test_a_faulty_file_is_refused_by_name(change, key):
    good = a_set(Region("a", "a", Rectangle((1, 1), (3, 3)))).as_json()

    with pytest.raises(RegionRefused) as refused:
        RegionSet.from_json(good | change)

    assert refused.value.key == key


def test_a_missing_and_a_doubled_region_are_refused_by_role():
    box = Rectangle((1, 1), (3, 3))
    drawn = a_set(Region("one", "heart", box), Region("two", "heart", box))

    with pytest.raises(RegionRefused, match="region_ambiguous"):
        drawn.one("heart")
    with pytest.raises(RegionRefused, match="region_missing"):
        drawn.one("lung")


def test_a_region_of_the_asked_for_view_goes_before_one_for_every_view():
    everywhere = Region("s", "stomach", Rectangle((1, 1), (3, 3)))
    behind = Region("sp", "stomach", Rectangle((5, 5), (3, 3)), view="posterior")

    assert a_set(everywhere, behind).one("stomach", view="posterior") == behind
    assert a_set(everywhere, behind).one("stomach", view="anterior") == everywhere


def test_images_of_another_matrix_are_refused():
    with pytest.raises(RegionRefused, match="region_matrix"):
        a_set().fits(64, 64)
