import json

import numpy as np
import pytest

from hevesy.imaging.analyse.outcome import (
    CurvePanel,
    ImagePanel,
    Line,
    Measure,
    Outcome,
    Reference,
    reference,
)
from hevesy.imaging.analyse.plots import picture, write_picture
from hevesy.imaging.analyse.regions import Region, RegionSet
from hevesy.imaging.analyse.shapes import Rectangle
from hevesy.imaging.refusal import Refused


def an_outcome(**more):
    line = Line(np.array([0.0, 1.0]), np.array([1.0, 2.0]), "left kidney", "左肾")
    regions = RegionSet(8, 8, (Region("L", "left", Rectangle((2, 2), (3, 3))),))
    panels = (
        CurvePanel("Renogram", "肾图", "t (min)", "counts/s", (line, line)),
        ImagePanel("Sum", "总和", np.ones((8, 8)), regions),
    )
    return Outcome(
        **{
            "study": "s",
            "measures": (Measure("a_percent", float("nan"), "%", "A", "甲"),),
            "method": "m",
            "decay": "d",
            "version": "hevesy-s/1",
            "source": "x",
            "panels": panels,
            **more,
        }
    )


def test_json_never_holds_a_number_that_is_none():
    text = json.dumps(an_outcome().as_json(), allow_nan=False)

    assert json.loads(text)["measures"][0]["value"] is None


@pytest.mark.parametrize(
    ("value", "within"), [(44.9, False), (45.0, True), (55.1, False), (None, None)]
)
def test_a_value_is_judged_by_its_reference_range(value, within):
    measure = Measure("a", value, "%", "A", "甲", Reference(45.0, 55.0, "x", True))

    assert measure.within_reference is within


def test_a_site_may_keep_its_own_table_but_not_without_sources(tmp_path):
    table = tmp_path / "ranges.toml"
    table.write_text('[muga.ef]\nlow = 52\nsource = "ours"\nchecked = true\n[muga.er]\nlow = 1\n')

    assert reference("muga", "ef", table=table) == Reference(52.0, None, "ours", True)
    assert reference("muga", "other", table=table) is None
    with pytest.raises(Refused, match="bad_table"):
        reference("muga", "er", table=table)


def test_a_plot_is_the_same_every_time_and_speaks_chinese():
    first, again = (picture(an_outcome(), language="zh") for _ in range(2))

    assert first == again
    assert "左肾" in first.decode()
    assert picture(an_outcome(), kind="png").startswith(b"\x89PNG")


def test_a_plot_of_another_kind_is_refused(tmp_path):
    with pytest.raises(Refused, match="picture_kind"):
        write_picture(an_outcome(), tmp_path / "a.gif")
    with pytest.raises(Refused, match="nothing_to_plot"):
        picture(an_outcome(panels=()))
