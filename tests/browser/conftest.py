"""Every page, for the tests that open them all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import time_machine

from hevesy.records.exams.testing import at
from tests.browser.visits import Visit, every_visit


@pytest.fixture
def visits(transactional_db: None) -> Iterator[list[Visit]]:
    """All pages; the clock stands on the morning of the subjects and goes on from there."""
    with time_machine.travel(at(8, 5)):
        yield every_visit()
