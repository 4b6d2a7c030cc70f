"""A PET-CT as a DICOM peer: it knows nothing but what the worklist tells, and sends by DCMTK."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from pydicom import Dataset, dcmread
from pydicom.uid import generate_uid
from pynetdicom import AE
from pynetdicom.sop_class import ModalityPerformedProcedureStep

from hevesy.imaging.dicomio import (
    Administration,
    SeriesIdentity,
    StudyIdentity,
    write_ct_series,
    write_pet_series,
)
from hevesy.imaging.phantoms import PhantomPair
from tests.house import AE_TITLE, House
from tests.peers import run_program

HOST = "127.0.0.1"
STEP_KEYS = (
    "Modality",
    "ScheduledProcedureStepStartDate",
    "ScheduledProcedureStepStartTime",
    "ScheduledProcedureStepID",
    "ScheduledProcedureStepDescription",
)


class Scanner:
    """One station with its AE title."""

    def __init__(self, house: House, ae_title: str) -> None:
        self.house, self.ae_title = house, ae_title

    def worklist(self, **keys: str) -> list[Dataset]:
        """What `findscu` is answered to a worklist query for this station."""
        wanted = {
            "PatientName": "", "PatientID": "", "PatientBirthDate": "", "PatientSex": "",
            "PatientWeight": "", "PatientSize": "", "AccessionNumber": "", "StudyInstanceUID": "",
            "RequestedProcedureID": "", "RequestedProcedureDescription": "", **keys,
        }  # fmt: skip
        step = "(0040,0100)[0]."
        asked_for = [f"{key}={value}" if value else key for key, value in wanted.items()]
        asked_for.append(f"{step}ScheduledStationAETitle={self.ae_title}")
        asked_for += [f"{step}{key}" for key in STEP_KEYS]
        arguments = [word for key in asked_for for word in ("-k", key)]
        with TemporaryDirectory(prefix="hevesy-worklist-") as folder:
            answered = run_program(
                "findscu", "-W", "-aet", self.ae_title, "-aec", AE_TITLE, *arguments,
                "-X", "-od", folder, HOST, self.house.dicom,
            )  # fmt: skip
            assert answered.returncode == 0, answered.stderr
            return [dcmread(path, force=True) for path in sorted(Path(folder).iterdir())]

    def send(self, *paths: Path, expected: int = 0) -> None:
        """Send files and folders with `storescu`."""
        sent = run_program(
            "storescu", "-aet", self.ae_title, "-aec", AE_TITLE, "+sd", "+r",
            HOST, self.house.dicom, *paths,
        )  # fmt: skip
        assert sent.returncode == expected, sent.stderr

    def begin(self, entry: Dataset, at: datetime) -> str:
        """MPPS: the step of this worklist entry is in progress; the instance UID of the performed step."""
        scheduled = entry.ScheduledProcedureStepSequence[0]
        item = Dataset()
        item.StudyInstanceUID = entry.StudyInstanceUID
        item.AccessionNumber = entry.AccessionNumber
        item.ReferencedStudySequence = []
        item.RequestedProcedureID = entry.RequestedProcedureID
        item.ScheduledProcedureStepID = scheduled.ScheduledProcedureStepID
        item.ScheduledProcedureStepDescription = scheduled.get(
            "ScheduledProcedureStepDescription", ""
        )
        told = Dataset()
        told.SpecificCharacterSet = entry.get("SpecificCharacterSet", "ISO_IR 192")
        told.ScheduledStepAttributesSequence = [item]
        for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex"):
            setattr(told, keyword, entry.get(keyword, ""))
        told.PerformedProcedureStepID = scheduled.ScheduledProcedureStepID
        told.PerformedStationAETitle = self.ae_title
        told.PerformedProcedureStepStatus = "IN PROGRESS"
        told.PerformedProcedureStepStartDate = f"{at:%Y%m%d}"
        told.PerformedProcedureStepStartTime = f"{at:%H%M%S}"
        told.PerformedProcedureStepEndDate = told.PerformedProcedureStepEndTime = ""
        told.Modality = "PT"
        told.PerformedSeriesSequence = []
        uid = generate_uid(prefix=None)
        self._performed("create", told, uid)
        return uid

    def end(self, uid: str, at: datetime) -> None:
        """MPPS: the performed step is complete."""
        told = Dataset()
        told.PerformedProcedureStepStatus = "COMPLETED"
        told.PerformedProcedureStepEndDate = f"{at:%Y%m%d}"
        told.PerformedProcedureStepEndTime = f"{at:%H%M%S}"
        self._performed("set", told, uid)

    def _performed(self, what: str, told: Dataset, uid: str) -> None:
        entity = AE(self.ae_title)
        entity.add_requested_context(ModalityPerformedProcedureStep)
        association = entity.associate(HOST, self.house.dicom, ae_title=AE_TITLE)
        assert association.is_established
        send = association.send_n_create if what == "create" else association.send_n_set
        answer, _attributes = send(told, ModalityPerformedProcedureStep, uid)
        association.release()
        assert answer.Status == 0, f"{answer.Status:04x} {answer.get('ErrorComment', '')}"


def scan(
    folder: Path, pair: PhantomPair, entry: Dataset, injected: Administration, at: datetime
) -> list[Path]:
    """The phantom lies on the table as the patient of this worklist entry: its PET and CT as files."""
    born = entry.get("PatientBirthDate", "")
    identity = StudyIdentity(
        patient_name=str(entry.PatientName),
        patient_id=entry.PatientID,
        patient_sex=entry.PatientSex,
        patient_birth_date=date(int(born[:4]), int(born[4:6]), int(born[6:])) if born else None,
        weight_kg=float(entry.PatientWeight),
        height_m=float(entry.PatientSize) if entry.get("PatientSize") else None,
        study_instance_uid=entry.StudyInstanceUID,
        started_at=at,
        accession_number=entry.AccessionNumber,
        study_description=entry.get("RequestedProcedureDescription", ""),
        station_name=entry.ScheduledProcedureStepSequence[0].ScheduledStationAETitle,
        requested_procedure_id=entry.RequestedProcedureID,
        scheduled_step_id=entry.ScheduledProcedureStepSequence[0].ScheduledProcedureStepID,
    )
    frame = generate_uid(prefix=None)
    files = write_ct_series(
        folder,
        pair.ct,
        identity,
        SeriesIdentity(2, "CT WB", frame_of_reference_uid=frame),
        scan_started_at=at,
    )
    files += write_pet_series(
        folder,
        pair.pet,
        identity,
        injected,
        SeriesIdentity(3, "PET WB AC", frame_of_reference_uid=frame),
        scan_started_at=at + timedelta(minutes=1),
    )
    return files
