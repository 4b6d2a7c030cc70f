"""Objects in the archive, and what DCMTK's findscu makes of our answers."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from pydicom import Dataset, dcmread
from tests.peers import run_program

from hevesy.foundation.accounts.actors import system_actor
from hevesy.records.archive.ingest import receive
from hevesy.records.archive.models import Study
from hevesy.records.archive.part10 import locate_data_set
from hevesy.records.archive.settling import settle
from hevesy.records.archive.testing import a_file

PEOPLE = (
    ("2.25.101", "Li^Si=李^四", "NM000001", "20261005", "081500", "PT"),
    ("2.25.102", "Ouyang^Xue=欧阳^雪", "NM000002", "20261124", "101500.25", "NM"),
    ("2.25.103", "Li^Lei=李^雷", "NM100%_3", "20261201", "120059", "CT"),
    ("2.25.104", "Li^Si=李^四", "NM000001", "20261202", "093000", "NM"),
)


def take(file: bytes | Path) -> None:
    """Store a file as a device would."""
    received = receive(file, by=system_actor("test", "archive.store"), received_from="PETCT1")
    assert received.outcome in ("stored", "duplicate"), received


def fill(*, slices: int = 2) -> None:
    """Four studies of three people, each with two series of `slices` PET slices; counted."""
    for uid, name, patient_id, day, time, modality in PEOPLE:
        for series in (1, 2):
            for number in range(1, slices + 1):
                take(
                    a_file(
                        SpecificCharacterSet="ISO_IR 192",
                        StudyInstanceUID=uid,
                        SeriesInstanceUID=f"{uid}.{series}",
                        SOPInstanceUID=f"{uid}.{series}.{number}",
                        PatientName=name,
                        PatientID=patient_id,
                        StudyDate=day,
                        StudyTime=time,
                        StudyDescription="PET 全身" if modality == "PT" else "",
                        AccessionNumber=f"PT26-{uid[-3:]}",
                        Modality=modality if series == 1 else "OT",
                        SeriesNumber=series,
                        InstanceNumber=number,
                    )
                )
    for study in Study.objects.all():
        settle(study.pk, by=system_actor("test"), quiet_s=0)


def findscu(port: int, folder: Path, model: str, *keys: str) -> list[Dataset]:
    """The answers that findscu wrote, in their order."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob("rsp*.dcm"):
        old.unlink()
    arguments = [part for key in keys for part in ("-k", key)]
    said = run_program(
        "findscu", model, "-X", "-od", folder, "-aet", "PETCT1", "-aec", "HEVESY",
        *arguments, "127.0.0.1", port,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    return [dcmread(path, force=True) for path in sorted(folder.glob("rsp*.dcm"))]


def data_set_of(file: Path) -> bytes:
    """The bytes behind the file meta information."""
    content = file.read_bytes()
    return content[locate_data_set(content).offset :]


def syntax_and_hash(file: Path) -> tuple[str, str]:
    """What the archive's row should say of a file that came back."""
    return locate_data_set(file.read_bytes()).transfer_syntax_uid, sha256(
        data_set_of(file)
    ).hexdigest()
