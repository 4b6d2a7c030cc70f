"""The clause map says the truth: every clause has a row, every named file exists and bears the clause's mark."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLAUSES = tomllib.loads((ROOT / "docs" / "clauses.toml").read_text())["clause"]
WORKING = [number for number, row in CLAUSES.items() if row["state"] == "works"]
LAST = {1: 9, 2: 7, 3: 5, 4: 4, 5: 5, 6: 26, 7: 4, 8: 3, 9: 4, 10: 17, 11: 5, 12: 2}


def test_every_clause_of_the_requirements_has_a_row() -> None:
    expected = [
        f"{chapter}.{number}" for chapter, last in LAST.items() for number in range(1, last + 1)
    ]

    assert list(CLAUSES) == expected


@pytest.mark.parametrize("number", CLAUSES)
def test_the_row_names_files_that_exist_and_bear_the_mark(number: str) -> None:
    row = CLAUSES[number]

    assert row["state"] in ("none", "partial", "works")
    for place in row["where"]:
        assert (ROOT / place).exists(), f"clause {number}: {place} is gone"
    for test in row["tests"]:
        source = (ROOT / test).read_text()
        assert "clause(" in source and f'"{number}"' in source, (
            f"clause {number}: {test} does not bear its mark"
        )
    if row["state"] == "none":
        assert not row["tests"], f"clause {number}: it has tests, so it is not none"
    else:
        assert row["where"] and row["tests"], (
            f"clause {number}: {row['state']} needs a place and tests"
        )
    if row["state"] == "partial":
        assert row["note"], f"clause {number}: say what works and what not"


@pytest.mark.parametrize("number", WORKING)
def test_a_working_clause_is_proven_through_the_browser_or_a_port(number: str) -> None:
    outside = [
        test
        for test in CLAUSES[number]["tests"]
        if test.startswith(("tests/browser", "tests/integration"))
    ]

    assert outside, f"clause {number}: no test goes through the browser or a port"


@pytest.mark.parametrize("number", WORKING)
def test_a_working_clause_names_its_action_and_the_tests_that_rest_on_it(number: str) -> None:
    module, _colon, name = CLAUSES[number]["action"].partition(":")

    assert callable(getattr(importlib.import_module(module), name))
    for proof in CLAUSES[number]["proof"]:
        path, _colons, test = proof.partition("::")
        assert path in CLAUSES[number]["tests"]
        assert f"def {test}(" in (ROOT / path).read_text()


def test_the_drawn_pages_are_fresh() -> None:
    run = subprocess.run(
        [sys.executable, ROOT / "docs" / "render.py", "--check"],
        capture_output=True,
        text=True,
    )

    assert run.returncode == 0, run.stderr
