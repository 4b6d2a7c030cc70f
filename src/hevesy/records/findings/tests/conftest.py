"""A scanner, what it sends, and tables that are made of it at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hevesy.foundation.accounts.actors import Actor, system_actor
from hevesy.foundation.accounts.models import User
from hevesy.foundation.jobs import leases
from hevesy.foundation.jobs.running import drain
from hevesy.imaging.segment.lesions.sandboxed import Made
from hevesy.imaging.segment.lesions.tests.torso import scanned
from hevesy.records.archive import settling
from hevesy.records.archive.ingest import receive
from hevesy.records.archive.models import Study
from hevesy.records.exams.models import Exam
from hevesy.records.findings import jobs

ActorFor = Callable[[User], Actor]
Scan = Callable[[slice], tuple[list[Path], list[Path]]]
IMAGING = leases.Queues(only=("imaging",))
SETTLING = leases.Queues(only=("default",))
NODULE = ((-75.0, 0.0, -390.0), 14.0, 9.0)
SLAB = slice(70, 78)
"""Slices that are enough where the numbers do not matter."""


@pytest.fixture
def every_pet_has_a_table(settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As in a department: tables are made by themselves, and it has taught the table nothing yet."""
    settings.LESION_TABLES = True
    settings.MODELS = tmp_path / "models"
    monkeypatch.setattr(settling, "QUIET_S", 0.0)


def take_in(files: list[Path]) -> None:
    """Receive files and let the study settle."""
    archive = system_actor("a test", "archive.store")
    for path in files:
        receive(path, by=archive)
    drain(SETTLING)


@pytest.fixture
def scan(an_acquired_exam: Exam, tmp_path: Path) -> Scan:
    """The scanner of the examination: `scan(slices)` gives its PET and CT as files."""

    def write(slices: slice) -> tuple[list[Path], list[Path]]:
        return scanned(
            tmp_path,
            [NODULE],
            slices=slices,
            study=an_acquired_exam.study_instance_uid,
            patient_id=an_acquired_exam.patient.patient_id,
            accession_number=an_acquired_exam.number,
        )

    return write


@pytest.fixture
def slab(scan: Scan) -> list[Path]:
    """Eight slices of the PET."""
    return scan(SLAB)[0]


@pytest.fixture
def a_slab(slab: list[Path]) -> Study:
    """Six of them received and settled; the job of the table waits."""
    take_in(slab[:6])
    return Study.objects.get()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, Any]]:
    """No children: a table of no rows, and what each was made with."""
    asked: list[dict[str, Any]] = []
    labels = tmp_path / "labels"
    labels.write_bytes(bytes(16))

    def make(pet: list[Path], ct: list[Path], folder: Path, **how: Any) -> Made:
        asked.append({"pet": len(pet), "ct": len(ct), **how})
        return Made({"lesions": [], "findings": [], "device": "cpu"}, labels)

    monkeypatch.setattr(jobs, "find_lesions_sandboxed", make)
    return asked


@pytest.fixture
def reader(a_doctor: User, actor_for: ActorFor) -> Actor:
    return actor_for(a_doctor)
