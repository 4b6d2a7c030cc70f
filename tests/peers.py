"""Programs of others that the tests talk to."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path

import pytest


@cache
def program(name: str) -> str:
    """The program of DCMTK; pynetdicom installs some of the same names, so each is asked."""
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        path = Path(folder) / name
        if path.is_file():
            said = subprocess.run([path, "--version"], capture_output=True, text=True)
            if "dcmtk" in said.stdout:
                return str(path)
    pytest.skip(f"{name} of DCMTK is not installed (apt install dcmtk)")


def run_program(
    name: str, *arguments: object, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program of DCMTK to its end."""
    return subprocess.run(
        [program(name), *map(str, arguments)],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=300,
        cwd=cwd,
    )
