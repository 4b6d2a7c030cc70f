"""The house that is walked through, and the people in it: one of each for all stages."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from tests.browser.person import Person
from tests.browser.walk.day import Day
from tests.house import House, new_home

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ENDS_WITHIN_S = 10
"""Far below what the servers wait for a request under way: pages that merely listen do not hold a restart."""


@pytest.fixture(scope="package")
def house() -> Iterator[House]:
    """A running house with an empty waiting room."""
    one = House(new_home())
    one.open()
    yield one
    one.close()


@pytest.fixture(scope="package")
def day(house: House) -> Day:
    """The dose is measured 75 minutes before the walk begins, so that the uptake is over when the scanner asks."""
    now = datetime.now(ZoneInfo(house.environment["HEVESY_TIME_ZONE"]))
    return Day(now.replace(second=0, microsecond=0) - timedelta(minutes=75))


@pytest.fixture(scope="package")
def people(house: House) -> Iterator[dict[str, Person]]:
    """Everybody who has logged in so far, by login name. At the end the house stops while their pages are open."""
    known: dict[str, Person] = {}
    yield known
    faults = [fault for person in known.values() for fault in person.faults]
    for person in known.values():
        person.see(f"last-{person.username}")
    began = time.monotonic()
    status = house.close()
    took_s = time.monotonic() - began
    for person in known.values():
        person.context.close()
    assert not faults, "\n".join(faults)
    assert (status, took_s < ENDS_WITHIN_S) == (0, True), f"status {status} after {took_s:.1f} s"


@pytest.fixture
def at_desk(house: House, browser: Browser, people: dict[str, Person]) -> Callable[..., Person]:
    """`at_desk("nurse")`: that person, logged in at a browser of their own."""

    def arrive(username: str, **options: Any) -> Person:
        if username not in people:
            people[username] = Person(house, browser, username, **options).log_in()
        return people[username]

    return arrive
