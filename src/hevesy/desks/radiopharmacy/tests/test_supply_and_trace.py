"""Supply against need on one axis, and the trace in both directions (clauses 9.1, 9.4; H3)."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from hevesy.desks.radiopharmacy import boards, curves
from hevesy.desks.radiopharmacy.views.tracing import _cell
from hevesy.foundation.audit.models import AuditEvent
from hevesy.imaging.quantify.decay import activity_at
from hevesy.records.doses import actions

pytestmark = [pytest.mark.django_db, pytest.mark.clause("9.4")]
F18_S = 6586.2


@pytest.fixture
def pharmacist(a_pharmacist, actor_for):
    return actor_for(a_pharmacist)


@pytest.fixture
def given(ready, drawn, actor_for, a_technologist):
    """`given("陈建国")`: injected just now; the unit."""

    def make(name="陈建国"):
        step = ready(name)
        unit = drawn(step)
        actions.administer(
            actor_for(a_technologist), step, unit, started_at=timezone.now(), site="右前臂"
        )
        return unit

    return make


@pytest.mark.clause("9.1")
def test_supply_and_need_are_compared_at_one_moment(ready, a_batch, pharmacist):
    ready("甲")
    ready("乙")
    board = boards.board(pharmacist)
    (supply,) = curves.supplies(board.batches, board.demand, board.now)
    expected = sum(
        activity_at(259, measured_at=row.due_at, at=board.now, half_life_s=F18_S)
        for row in board.demand
    )
    assert supply.need_mbq == pytest.approx(expected, rel=1e-6)
    assert supply.held_mbq == pytest.approx(a_batch.produced_mbq(board.now), rel=1e-6)
    assert not supply.is_short and supply.spare_mbq == supply.held_mbq - supply.need_mbq
    at, held = supply.timeline.supply[-1]
    assert held * 1000 == pytest.approx(a_batch.produced_mbq(at), rel=1e-6)
    last_due = max(row.due_at for row in board.demand)
    assert all(need == 0 for moment, need in supply.timeline.need if moment > last_due)


@pytest.mark.clause("9.1")
def test_a_vial_falls_by_decay_and_by_every_draw(ready, drawn, a_batch, pharmacist):
    unit = drawn(ready())
    (row,) = boards.board(pharmacist).batches
    points = dict(curves.vial(row.batch, timezone.now()).supply)
    after = points[unit.dispensed_at]
    before = max((at, mbq) for at, mbq in points.items() if at < unit.dispensed_at)[1]
    assert (before - after) * 1000 == pytest.approx(262, rel=0.01)


def test_from_the_lot_to_every_patient(given, a_batch, pharmacist, client_of, a_pharmacist):
    lot = actions.record_lot(pharmacist, kind="cyclotron_run", code="T-1124-1")
    a_batch.lots.add(lot)
    units = [given(name) for name in ("陈建国", "孙秀珍")]
    client = client_of(a_pharmacist)
    url = reverse("radiopharmacy:trace")
    for query in (
        {"q": "t-1124-1"},
        {"lot": lot.pk},
        {"q": a_batch.number.lower()},
        {"q": units[0].number},
    ):
        page = client.get(url, query).content.decode()
        assert "陈建国" in page and "孙秀珍" in page and a_batch.number in page, query


def test_from_the_patient_to_the_maker(given, a_batch, pharmacist, client_of, a_pharmacist):
    a_batch.lots.add(actions.record_lot(pharmacist, kind="precursor", code="M-2231", maker="ABX"))
    unit = given()
    page = client_of(a_pharmacist).get(
        reverse("radiopharmacy:trace"), {"q": unit.step.exam.number}
    ).content.decode()  # fmt: skip
    for text in (unit.number, a_batch.number, "M-2231", "ABX", "何蕾", "罗刚", "周强"):
        assert text in page


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "\x00", "x" * 500, "' OR 1=1 --"])
def test_what_is_not_found_is_said_and_nothing_else_happens(client_of, a_pharmacist, text):
    page = client_of(a_pharmacist).get(reverse("radiopharmacy:trace"), {"q": text, "lot": "9" * 30})
    assert page.status_code == 200 and "<script>alert" not in page.content.decode()


def test_a_list_that_leaves_the_department_needs_the_right_and_is_on_record(
    given, a_batch, client_of, a_pharmacist, a_head
):
    unit = given()
    url = reverse("radiopharmacy:trace")
    query = {"q": a_batch.number, "as": "csv"}
    assert client_of(a_pharmacist).get(url, query).status_code == 403
    file = client_of(a_head).get(url, query).content.decode()
    assert unit.number in file and "陈建国" in file
    assert _cell("=1+1") == "'=1+1"
    assert AuditEvent.objects.filter(verb="dose.export").count() == 1


def test_a_release_with_results_still_to_come_says_so(a_batch):
    assert str(boards.batch_chip(a_batch).word) == "有条件放行"
