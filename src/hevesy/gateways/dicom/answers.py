"""Answers of C-FIND from rows of the index (PS3.4 C.6): what was asked for and what we have, never a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset

from hevesy.gateways.dicom.texts import Speaker
from hevesy.records.archive.models import Instance, Series, Study


@dataclass(frozen=True, slots=True)
class Found:
    """One match: the row of its level and those above; of a patient the dictionary of `find_patients`."""

    study: Study
    series: Series | None = None
    instance: Instance | None = None
    patient: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, level: str, row: Any) -> Found:
        """The match that a row of `finding` is."""
        if level == "PATIENT":
            names = ("patient_id", "patient_name", "patient_birth_date", "patient_sex")
            return cls(Study(**{name: row[name] for name in names}), patient=row)
        if level == "STUDY":
            return cls(row)
        if level == "SERIES":
            return cls(row.study, row)
        return cls(row.series.study, row.series, row)


Value = Callable[[Any, Speaker], Any]

_PATIENT: Final[Mapping[str, Value]] = {
    "PatientName": lambda study, say: say.stored_name(study.patient_name),
    "PatientID": lambda study, say: say.text(study.patient_id, 64),
    "PatientBirthDate": lambda study, say: _date(study.patient_birth_date),
    "PatientSex": lambda study, say: say.text(study.patient_sex, 16),
}
_STUDY: Final[Mapping[str, Value]] = {
    "StudyDate": lambda study, say: _date(study.study_date),
    "StudyTime": lambda study, say: _time(study.study_time),
    "AccessionNumber": lambda study, say: say.text(study.accession_number, 16),
    "StudyID": lambda study, say: say.text(study.study_id, 16),
    "StudyInstanceUID": lambda study, say: study.study_instance_uid,
    "StudyDescription": lambda study, say: say.text(study.description, 64),
    "ReferringPhysicianName": lambda study, say: say.stored_name(study.referring_physician),
    "ModalitiesInStudy": lambda study, say: list(study.modalities),
    "NumberOfStudyRelatedSeries": lambda study, say: study.series_count,
    "NumberOfStudyRelatedInstances": lambda study, say: study.instance_count,
}
_SERIES: Final[Mapping[str, Value]] = {
    "Modality": lambda series, say: say.text(series.modality, 16),
    "SeriesInstanceUID": lambda series, say: series.series_instance_uid,
    "SeriesNumber": lambda series, say: series.number,
    "SeriesDescription": lambda series, say: say.text(series.description, 64),
    "FrameOfReferenceUID": lambda series, say: series.frame_of_reference_uid,
    "NumberOfSeriesRelatedInstances": lambda series, say: series.instance_count,
}
_INSTANCE: Final[Mapping[str, Value]] = {
    "SOPInstanceUID": lambda instance, say: instance.sop_instance_uid,
    "SOPClassUID": lambda instance, say: instance.sop_class_uid,
    "InstanceNumber": lambda instance, say: instance.number,
    "NumberOfFrames": lambda instance, say: instance.frames,
    "Rows": lambda instance, say: instance.rows,
    "Columns": lambda instance, say: instance.columns,
    "AvailableTransferSyntaxUID": lambda instance, say: instance.transfer_syntax_uid,
}
_PATIENT_COUNTS: Final[Mapping[str, str]] = {
    "NumberOfPatientRelatedStudies": "studies_here",
    "NumberOfPatientRelatedSeries": "series_here",
    "NumberOfPatientRelatedInstances": "instances_here",
}


def describe(found: Found, level: str, tags: tuple[int, ...], speaker: Speaker) -> Dataset:
    """The attributes among `tags` that we have, and always the unique keys, the level and where to retrieve."""
    answer = Dataset()
    answer.QueryRetrieveLevel = level
    answer.RetrieveAETitle = settings.AE_TITLE
    answer.InstanceAvailability = "ONLINE"
    wanted = {keyword_for_tag(tag) for tag in tags}
    if found.patient is not None:
        wanted.add("PatientID")
        for keyword in wanted.intersection(_PATIENT_COUNTS):
            setattr(answer, keyword, found.patient[_PATIENT_COUNTS[keyword]])
        rows = [(found.study, _PATIENT)]
    else:
        wanted.add("StudyInstanceUID")
        rows = [(found.study, _PATIENT), (found.study, _STUDY)]
    if found.series is not None:
        wanted.add("SeriesInstanceUID")
        rows.append((found.series, _SERIES))  # type: ignore[arg-type]
    if found.instance is not None:
        wanted.update(("SOPInstanceUID", "SOPClassUID"))
        rows.append((found.instance, _INSTANCE))  # type: ignore[arg-type]
    for row, values in rows:
        for keyword in wanted.intersection(values):
            setattr(answer, keyword, values[keyword](row, speaker))
    return speaker.encodable(answer)


def _date(text: str) -> str:
    """A date of a header, or nothing where it is none: a stranger's value must not break the answer."""
    digits = text.replace("-", "").replace(".", "")
    return digits if len(digits) == 8 and digits.isdigit() and digits.isascii() else ""


def _time(text: str) -> str:
    whole, _point, fraction = text.replace(":", "").partition(".")
    digits = whole + fraction
    if len(whole) not in (2, 4, 6) or not (digits.isdigit() and digits.isascii()):
        return ""
    return f"{whole}.{fraction[:6]}" if fraction and len(whole) == 6 else whole
