"""The template language of examination numbers."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hevesy.records.catalogue.numbering import (
    TemplateRefused,
    check_template,
    period,
    render,
    shape,
)

DAY = date(2026, 11, 24)


@pytest.mark.clause("2.1")
@pytest.mark.parametrize(
    ("template", "number"),
    [
        ("PT{yy}-{seq:05}", "PT26-01873"),
        ("{yyyy}{mm}{dd}{seq:04}", "202611241873"),
        ("BMD{seq}", "BMD1873"),
        ("{yy}{mm}{seq:03}", "26111873"),
    ],
)
def test_templates_become_numbers(template, number):
    assert render(template, DAY, 1873) == number


@pytest.mark.parametrize(
    ("template", "reset"),
    [
        ("PT{yy}", "yearly"),
        ("{seq}{seq}", "never"),
        ("PT{seq:05}", "yearly"),
        ("PT{yy}{seq:05}", "monthly"),
        ("PT{yy}{mm}{seq:05}", "daily"),
        ("PT{yyyy}{mm}{dd}-{seq:06}", "daily"),
        ("PT\\{seq}", "never"),
        ("核{seq}", "never"),
        ("{year}{seq}", "never"),
        ("{seq:5}", "never"),
        ("{0.__class__}{seq}", "never"),
        ("", "never"),
    ],
)
def test_templates_that_cannot_work_are_refused_with_a_reason(template, reset):
    with pytest.raises(TemplateRefused):
        check_template(template, reset)


def test_counting_starts_anew_by_period():
    assert [period(r, DAY) for r in ("yearly", "monthly", "daily", "never")] == [
        "2026",
        "202611",
        "20261124",
        "",
    ]


@given(
    prefix=st.text("ABCDEFGHJKLMNPQRSTUVWXYZ-", max_size=4),
    reset=st.sampled_from(["yearly", "monthly", "daily", "never"]),
    one=st.tuples(st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.integers(1, 999)),
    two=st.tuples(st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.integers(1, 999)),
)
def test_two_different_counts_never_give_the_same_number(prefix, reset, one, two):
    dates = {"yearly": "{yy}", "monthly": "{yy}{mm}", "daily": "{yy}{mm}{dd}", "never": ""}[reset]
    template = f"{prefix}{dates}{{seq:03}}"
    check_template(template, reset)

    same_count = (period(reset, one[0]), one[1]) == (period(reset, two[0]), two[1])

    assert (render(template, *one) == render(template, *two)) == same_count


def test_templates_of_one_shape_can_collide():
    assert shape("PT{yy}-{seq:05}") == shape("PT{yy}-{seq:05}")
    assert shape("PT{yy}-{seq:05}") != shape("CT{yy}-{seq:05}")
