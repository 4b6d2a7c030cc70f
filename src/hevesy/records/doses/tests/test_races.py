"""Two people, one vial (H2)."""

from __future__ import annotations

import threading
from functools import partial

import pytest
from django.db import connection

from hevesy.records.doses import actions
from hevesy.records.doses.actions import DoseStop
from hevesy.records.doses.models import Administration, DispensedUnit
from hevesy.records.doses.tests.conftest import NINE

pytestmark = pytest.mark.django_db(transaction=True)


def together(*acts):
    """Run the acts in threads that start at one moment; what each returned or raised."""
    barrier = threading.Barrier(len(acts))
    results: list = [None] * len(acts)

    def run(index, act):
        try:
            barrier.wait()
            results[index] = act()
        except Exception as refusal:
            results[index] = refusal
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


@pytest.mark.clause("9.1")
def test_two_people_draw_the_last_dose_and_one_gets_it(at_nine, released, pharmacist, an_order):
    for _round in range(10):
        batch = released(volume_ml=1, activity_mbq=500)
        mbq = batch.produced_mbq(NINE)
        steps = [an_order("甲"), an_order("乙")]
        results = together(
            *(partial(actions.dispense, pharmacist, batch, step, 1, mbq, NINE) for step in steps)
        )
        assert sorted(type(result).__name__ for result in results) == [
            "DispensedUnit",
            "DoseRefused",
        ]
        assert sum(unit.volume_ml for unit in batch.units.all()) == 1


@pytest.mark.clause("4.2")
def test_one_syringe_is_recorded_once_even_if_two_people_press_at_once(
    at_nine, released, pharmacist, technologist, an_order
):
    step, batch = an_order(), released()
    mbq = batch.produced_mbq(NINE) / 10 * 0.92
    unit = actions.dispense(pharmacist, batch, step, 0.92, mbq, NINE)
    give = partial(actions.administer, technologist, step, unit, started_at=NINE, site="右前臂")
    results = together(give, give, give)
    assert sum(isinstance(result, Administration) for result in results) == 1
    refused = [result for result in results if not isinstance(result, Administration)]
    assert [type(result) for result in refused] == [DoseStop] * 2, refused
    assert DispensedUnit.objects.get().state == "administered"
