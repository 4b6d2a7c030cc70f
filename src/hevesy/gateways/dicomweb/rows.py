"""Rows of the index as DICOM JSON (PS3.18 annex F): QIDO answers never open a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hevesy.records.archive.models import Instance, Series, Study

Json = dict[str, Any]


def _value(vr: str, *values: Any) -> Json:
    kept = [value for value in values if value not in (None, "")]
    return {"vr": vr, "Value": kept} if kept else {"vr": vr}


def _name(text: str) -> Json:
    groups = dict(zip(("Alphabetic", "Ideographic", "Phonetic"), text.split("="), strict=False))
    kept = {group: part for group, part in groups.items() if part}
    return {"vr": "PN", "Value": [kept]} if kept else {"vr": "PN"}


def study_row(study: Study, address: Callable[[str], str]) -> Json:
    """What a client needs of a study to show it in a list."""
    return {
        "00080005": _value("CS", "ISO_IR 192"),
        "00080020": _value("DA", study.study_date),
        "00080030": _value("TM", study.study_time),
        "00080050": _value("SH", study.accession_number),
        "00080056": _value("CS", "ONLINE"),
        "00080061": _value("CS", *study.modalities),
        "00080090": _name(study.referring_physician),
        "00081030": _value("LO", study.description),
        "00081190": _value("UR", address(f"studies/{study.study_instance_uid}")),
        "00100010": _name(study.patient_name),
        "00100020": _value("LO", study.patient_id),
        "00100030": _value("DA", study.patient_birth_date.replace("-", "")),
        "00100040": _value("CS", study.patient_sex),
        "0020000D": _value("UI", study.study_instance_uid),
        "00200010": _value("SH", study.study_id),
        "00201206": _value("IS", study.series_count),
        "00201208": _value("IS", study.instance_count),
    }


def series_row(series: Series, address: Callable[[str], str]) -> Json:
    """A series, with the study it belongs to."""
    path = f"studies/{series.study.study_instance_uid}/series/{series.series_instance_uid}"
    return {
        "00080005": _value("CS", "ISO_IR 192"),
        "00080060": _value("CS", series.modality),
        "0008103E": _value("LO", series.description),
        "00081190": _value("UR", address(path)),
        "0020000D": _value("UI", series.study.study_instance_uid),
        "0020000E": _value("UI", series.series_instance_uid),
        "00200011": _value("IS", series.number),
        "00200052": _value("UI", series.frame_of_reference_uid),
        "00201209": _value("IS", series.instance_count),
    }


def instance_row(instance: Instance, address: Callable[[str], str]) -> Json:
    """An instance, with its series and study."""
    series = instance.series
    path = (
        f"studies/{series.study.study_instance_uid}/series/{series.series_instance_uid}"
        f"/instances/{instance.sop_instance_uid}"
    )
    return {
        "00080005": _value("CS", "ISO_IR 192"),
        "00080016": _value("UI", instance.sop_class_uid),
        "00080018": _value("UI", instance.sop_instance_uid),
        "00080060": _value("CS", series.modality),
        "00081190": _value("UR", address(path)),
        "0020000D": _value("UI", series.study.study_instance_uid),
        "0020000E": _value("UI", series.series_instance_uid),
        "00200013": _value("IS", instance.number),
        "00280008": _value("IS", instance.frames),
        "00280010": _value("US", instance.rows),
        "00280011": _value("US", instance.columns),
        "00083002": _value("UI", instance.transfer_syntax_uid),
    }
