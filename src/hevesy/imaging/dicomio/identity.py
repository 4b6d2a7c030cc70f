"""Whose study a written series is, what was injected, and which series it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class StudyIdentity:
    """Whose study it is, as the worklist gave it; names as DICOM PN, `Chen^Jianguo=陈^建国`.

    started_at carries the time zone of the scanner. Empty texts are written as empty type 2
    attributes.
    """

    patient_name: str
    patient_id: str
    patient_sex: str
    study_instance_uid: str
    started_at: datetime
    patient_birth_date: date | None = None
    weight_kg: float | Decimal | None = None
    height_m: float | Decimal | None = None
    accession_number: str = ""
    study_id: str = ""
    study_description: str = ""
    referring_physician: str = ""
    operator: str = ""
    institution: str = ""
    station_name: str = ""
    requested_procedure_id: str = ""
    scheduled_step_id: str = ""

    def __post_init__(self) -> None:
        if self.started_at.utcoffset() is None:
            raise ValueError("started_at must carry a time zone")


@dataclass(frozen=True, slots=True)
class Administration:
    """What was injected: net activity in Bq at `injected_at` (with time zone)."""

    activity_bq: float | Decimal
    injected_at: datetime
    radionuclide: str = "F-18"
    radiopharmaceutical: str = "Fluorodeoxyglucose F^18^"
    radiopharmaceutical_code: tuple[str, str, str] = (
        "35321007",
        "SCT",
        "Fluorodeoxyglucose F^18^",
    )
    positron_fraction: float = 0.967

    def __post_init__(self) -> None:
        if self.injected_at.utcoffset() is None:
            raise ValueError("injected_at must carry a time zone")
        if not self.activity_bq > 0:
            raise ValueError("activity_bq must be above zero")


@dataclass(frozen=True, slots=True)
class SeriesIdentity:
    """Which series it is; UIDs are made where none are given."""

    number: int
    description: str
    series_instance_uid: str = ""
    frame_of_reference_uid: str = ""
