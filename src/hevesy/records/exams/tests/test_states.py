"""The state tables: whatever is tried, in whatever order, only the table's moves happen."""

import pytest
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st

from hevesy.records.exams import states

STEP_STATES = sorted({state for state, _m in states.STEP} | {m.to for m in states.STEP.values()})
VISIT_STATES = sorted({s for s, _m in states.VISIT} | {m.to for m in states.VISIT.values()})


def walk(table, start, moves):
    state = start
    for move in moves:
        found = table.get((state, move))
        if found:
            state = found.to
        yield state


@given(st.lists(st.sampled_from(sorted({move for _s, move in states.VISIT}))))
def test_a_visit_never_leaves_its_states(moves):
    assert set(walk(states.VISIT, "ordered", moves)) <= set(VISIT_STATES)


@given(st.lists(st.sampled_from(sorted({move for _s, move in states.STEP}))))
def test_a_step_is_acquired_only_through_administration_or_acquisition(moves):
    seen = list(walk(states.STEP, "planned", moves))

    if "acquired" in seen:
        before = seen[: seen.index("acquired")]
        assert "acquiring" in before or "administered" in before


@given(
    st.sampled_from(VISIT_STATES),
    st.lists(st.sampled_from(STEP_STATES), max_size=4),
    st.sampled_from(states.REPORT_STATES),
)
def test_the_derived_state_is_always_one_that_lists_can_show(visit, steps, report):
    derived = states.derive(visit, steps, report)

    assert derived in states.STATES
    assert states.LOOKS[derived].icon
    if visit == "cancelled":
        assert derived == "cancelled"
    elif report:
        assert derived == report


@pytest.mark.parametrize(
    ("visit", "steps", "report", "derived"),
    [
        ("ordered", [], "", "ordered"),
        ("scheduled", ["planned"], "", "scheduled"),
        ("interviewed", ["ready"], "", "interviewed"),
        ("interviewed", ["administered"], "", "uptake"),
        ("interviewed", ["acquired", "planned"], "", "uptake"),
        ("interviewed", ["acquired", "acquiring"], "", "scanning"),
        ("interviewed", ["acquired", "discontinued"], "", "acquired"),
        ("interviewed", ["discontinued", "discontinued"], "", "discontinued"),
        ("interviewed", ["acquired"], "submitted", "submitted"),
        ("scheduled", ["acquiring"], "", "scanning"),
        ("no_show", ["planned"], "", "no_show"),
    ],
)
def test_the_state_follows_from_visit_steps_and_report(visit, steps, report, derived):
    assert states.derive(visit, steps, report) == derived


@pytest.mark.parametrize("table", [states.VISIT, states.STEP])
def test_every_backward_move_wants_a_reason_and_every_state_can_be_left_or_is_an_end(table):
    for (_state, move), target in table.items():
        if move in ("unarrive", "restore", "cancel", "discontinue"):
            assert target.reason
        assert target.permission


def test_every_state_and_move_has_a_word_in_both_languages():
    from django.utils import translation

    for language in ("zh-hans", "en"):
        with translation.override(language):
            for key in (*states.STATES, *STEP_STATES):
                assert str(states.LOOKS[key].word)
            for _state, move in (*states.VISIT, *states.STEP):
                assert str(states.MOVE_WORDS[move])


def test_the_diagram_is_drawn_from_the_table(capsys):
    call_command("state_diagram", "exams.step")

    drawn = capsys.readouterr().out
    for (state, move), target in states.STEP.items():
        assert f"{state} --> {target.to}: {move}" in drawn
    assert "[*] --> planned" in drawn
