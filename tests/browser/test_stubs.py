"""A clause that works is proven by a test that fails when the action behind it does nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLAUSES = tomllib.loads((ROOT / "docs" / "clauses.toml").read_text())["clause"]
WORKING = {number: row for number, row in CLAUSES.items() if row["state"] == "works"}

pytestmark = [pytest.mark.soak, pytest.mark.peer]


@pytest.mark.parametrize("number", WORKING)
def test_the_proof_of_the_clause_fails_without_its_action(number: str) -> None:
    row = WORKING[number]
    walk = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "-m", "browser", "tests/browser/walk"],
        cwd=ROOT,
        env={**os.environ, "HEVESY_STUBBED": row["action"]},
        capture_output=True,
        text=True,
        timeout=900,
    )

    failed = re.findall(r"^FAILED (\S+)", walk.stdout, re.MULTILINE)
    assert failed and failed[0] in row["proof"], (
        f"{row['action']} does nothing and {failed or 'nothing'} failed\n{walk.stdout[-3000:]}"
    )
