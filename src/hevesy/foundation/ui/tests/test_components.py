"""Components and filters: what they print, and that nothing a stranger typed becomes markup."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.template import Context, Template, engines
from django.template.backends.django import Template as BackendTemplate
from django.utils import translation

from hevesy.foundation.ui.chips import Chip
from hevesy.foundation.ui.drawings import (
    Chart,
    Series,
    Span,
    Timeline,
    TimelineRow,
    Tree,
    TreeNode,
    draw_chart,
    draw_timeline,
    draw_tree,
)
from hevesy.foundation.ui.templatetags import kit, moving

EVIL = '"><script>alert(1)</script>'
EVIL_QUOTED = '" onmouseover="alert(1)" x="'
NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


def render(source: str, **context: object) -> str:
    from django_cotton.compiler_regex import CottonCompiler

    backend = engines["django"]
    template: BackendTemplate = backend.from_string(CottonCompiler().process(source))  # type: ignore[assignment]
    return str(template.render(dict(context)))


@pytest.mark.parametrize(
    "source",
    [
        "<c-ui.name :name='evil' />",
        "<c-ui.state key='ok' icon='check' word='{{ evil }}' title='{{ evil }}' />",
        "<c-ui.button :data-x='evil' title='{{ evil }}'>{{ evil }}</c-ui.button>",
        "<c-ui.field name='a' label='{{ evil }}' value='{{ evil }}' :data-x='evil' help='{{ evil }}' />",
        "<c-ui.patient :name='evil' same-name='{{ evil }}' allergy='{{ evil }}' :facts='facts' />",
        "<c-ui.todo :title='evil' line='{{ evil }}' when='{{ evil }}' />",
        "<c-ui.tile head='a' :big='evil' :facts='facts' />",
        "<c-ui.live-field label='{{ evil }}' :value='evil' />",
        "<c-ui.note title='{{ evil }}' :data-x='evil'>{{ evil }}</c-ui.note>",
        "<c-ui.uptake :start='start' name='{{ evil }}' />",
        "<c-ui.card title='{{ evil }}' sub='{{ evil }}' :id='evil'>x</c-ui.card>",
        "<c-ui.suv-chip trust='none' reason='{{ evil }}' />",
    ],
)
@pytest.mark.parametrize("evil", [EVIL, EVIL_QUOTED], ids=["tag", "quotes"])
def test_what_a_stranger_typed_stays_text(source: str, evil: str) -> None:
    html = render(source, evil=evil, facts=[(evil, evil)], start=NOON)

    assert "<script" not in html
    assert ' onmouseover="alert' not in html
    assert "alert(1)" in html


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("a<c-ui.rev>b</c-ui.rev>c", 'a<ins class="hv-rev" >b</ins>c'),
        ("，<c-ui.kbd key='F9' />。", '，<kbd class="hv-kbd">F9</kbd>。'),
        ("一<c-ui.count number='3' />二", '一<b class="hv-n " >3</b>二'),
    ],
)
def test_parts_within_a_sentence_add_no_space(source: str, html: str) -> None:
    assert render(source) == html


def test_a_chip_without_a_word_is_not_drawn() -> None:
    assert render("<c-ui.state :chip='chip' />", chip=None).strip() == ""
    assert "已报到" in render(
        "<c-ui.state :chip='chip' />", chip=Chip("arrived", "已报到", "check")
    )
    with pytest.raises(ValueError, match="chip key"):
        Chip("purple", "x", "check")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("18F-FDG", "<sup>18</sup>F-FDG"),
        ("F-18 FDG", "<sup>18</sup>F-FDG"),
        ("99mTc-MDP 740 MBq", "<sup>99m</sup>Tc-MDP 740 MBq"),
        ("Tc-99m MDP", "<sup>99m</sup>Tc-MDP"),
        ("PET-CT 全身，Ga-68 PSMA", "PET-CT 全身，<sup>68</sup>Ga-PSMA"),
        ("PT26-01873", "PT26-01873"),
        ("U-1124-0931", "U-1124-0931"),
        ("<b>", "&lt;b&gt;"),
    ],
)
def test_nuclides_are_printed_with_the_mass_number_raised(text: str, html: str) -> None:
    assert kit.nuclides(text) == html


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("陈建国", "陈*国"),
        ("周敏", "周*"),
        ("欧阳雪", "欧阳*"),
        ("欧阳雪梅", "欧阳*梅"),
        ("阿依古丽", "阿**丽"),
        ("John Smith", "J*** S***"),
        ("", ""),
    ],
)
def test_names_are_masked_where_patients_see_them(name: str, shown: str) -> None:
    assert kit.masked(name) == shown


def test_numbers_have_thin_gaps() -> None:
    assert kit.gap(10400) == "10\u2009400"
    assert kit.gap(9.25, 1) == "9.2"
    assert kit.gap(None) == "—"


@time_machine.travel(NOON, tick=False)
def test_activity_now_follows_the_decay_law() -> None:
    half_life_s = 6586.2
    at = NOON - timedelta(seconds=2 * half_life_s)

    assert moving.decayed("400", at, half_life_s) == "100"
    assert moving.decayed("400", at.isoformat(), str(half_life_s)) == "100"
    assert moving.decayed("400", None, half_life_s) == "—"
    assert moving.decayed("400", at, 0) == "—"


@time_machine.travel(NOON, tick=False)
def test_the_uptake_window_says_what_is_left() -> None:
    def shown(minutes: int) -> str:
        return render("<c-ui.uptake :start='start' />", start=NOON - timedelta(minutes=minutes))

    with translation.override("zh-hans"):
        assert "30 分" in shown(30)
        assert "is-in" in shown(65)
        assert "25 分" in shown(65)
        assert "is-late" in shown(94)
        assert "+4 分" in shown(94)
    assert 'x="37.50%"' in shown(30)


def test_a_tree_draws_every_node_once_and_says_how_many_it_left_out() -> None:
    patients = [TreeNode(f"p{number}", f"{number}<", "x") for number in range(9)]
    svg = draw_tree(Tree([[TreeNode("v", "vial")], patients], [("v", "p0"), ("v", "p8")], "family"))

    assert svg.count("<rect") == 7
    assert "+3" in svg
    assert svg.count("<path") == 1
    assert "0&lt;" in svg


def test_a_timeline_puts_times_in_proportion() -> None:
    start = NOON
    span = Span(start + timedelta(hours=2), start + timedelta(hours=3), "chosen", "赵")
    svg = draw_timeline(
        Timeline(start, start + timedelta(hours=8), [TimelineRow("PET", [span])], "day", width=892)
    )

    # The axis is 800 px after the 92 px for names: two hours of eight are 200 px.
    assert 'class="chosen" x="292"' in svg
    assert 'width="98"' in svg


def test_a_chart_has_its_figures_behind_it() -> None:
    html = draw_chart(
        Chart("bars", ["一", "二"], [Series("PET", [3, 4]), Series("SPECT", [1, None])], "counts")
    )

    assert html.count('<rect class="c1"') == 2
    assert html.count('<rect class="c2"') == 1
    assert '<td class="num">—</td>' in html
    with pytest.raises(ValueError, match="values for"):
        Chart("bars", ["一"], [Series("PET", [1, 2])], "counts")


def test_builtin_tags_need_no_load() -> None:
    assert "tabler-check" in Template('{% icon "check" %}').render(Context())
