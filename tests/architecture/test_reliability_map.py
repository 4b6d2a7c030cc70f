"""The page of reliability rows names tests that exist, for every row that is judged."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
JUDGED = [
    "A12",
    "D1",
    "D2",
    "D5",
    "D6",
    "D7",
    "D8",
    "D12",
    "D13",
    "D14",
    "D15",
    "D16",
    "D17",
    "D19",
    "E7",
    "J1",
    "J9",
    "J12",
    "J14",
]
ROWS = dict(
    re.findall(
        r"^\| ([A-Z]\d+) \| .* \| (`.+`) \|$", (ROOT / "docs/reliability.md").read_text(), re.M
    )
)


def test_every_judged_row_is_there() -> None:
    assert list(ROWS) == JUDGED


@pytest.mark.parametrize("row", JUDGED)
def test_the_named_tests_exist(row: str) -> None:
    for named in re.findall(r"`([^`]+)`", ROWS[row]):
        path, _colons, test = named.partition("::")
        source = (ROOT / path).read_text()
        assert f"def {test}(" in source if test else "def test_" in source, (
            f"{row}: {named} is gone"
        )
