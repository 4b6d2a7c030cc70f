"""The identifier of a query or retrieval (PS3.4 C.1.2, C.4): its level, its unique keys, what it asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom.sop_class import (
    PatientRootQueryRetrieveInformationModelFind,
    PatientRootQueryRetrieveInformationModelGet,
    PatientRootQueryRetrieveInformationModelMove,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from hevesy.gateways.dicom.keys import SPECIFIC_CHARACTER_SET, TIMEZONE_OFFSET, key_text
from hevesy.records.archive import keys

FIND: Final = frozenset(
    map(
        str,
        (PatientRootQueryRetrieveInformationModelFind, StudyRootQueryRetrieveInformationModelFind),
    )
)
MOVE: Final = frozenset(
    map(
        str,
        (PatientRootQueryRetrieveInformationModelMove, StudyRootQueryRetrieveInformationModelMove),
    )
)
GET: Final = frozenset(
    map(
        str,
        (PatientRootQueryRetrieveInformationModelGet, StudyRootQueryRetrieveInformationModelGet),
    )
)
_PATIENT_ROOT: Final = "1.2.840.10008.5.1.4.1.2.1."
UNIQUE: Final = {
    "PATIENT": "PatientID",
    "STUDY": "StudyInstanceUID",
    "SERIES": "SeriesInstanceUID",
    "IMAGE": "SOPInstanceUID",
}
LEVELS: Final = tuple(UNIQUE)
_LEVEL: Final = 0x00080052
_CONTROL: Final = frozenset((SPECIFIC_CHARACTER_SET, TIMEZONE_OFFSET, _LEVEL))
_KEYWORDS: Final = {int(tag, 16): keyword for tag, keyword in keys.TAGS.items()}
_PATIENT: Final = frozenset(("PatientID", "PatientName", "PatientBirthDate", "PatientSex"))
_BY_LEVEL: Final[Mapping[str, frozenset[str]]] = {
    "PATIENT": _PATIENT,
    "STUDY": frozenset(keys.STUDY) | _PATIENT,
    "SERIES": frozenset((*keys.STUDY, *keys.SERIES)),
    "IMAGE": frozenset((*keys.STUDY, *keys.SERIES, *keys.INSTANCE)),
}


class IdentifierRefused(ValueError):
    """The identifier does not fit the information model (status A900); `str()` says why."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """`asked`: keyword to value, of the keys that narrow; `tags`: every attribute wanted back; `unsupported`: it
    restricts by something that we do not match at this level."""

    level: str
    asked: Mapping[str, str]
    tags: tuple[int, ...]
    unsupported: bool

    def wants(self, keywords: frozenset[str]) -> bool:
        """Whether one of these attributes is asked for."""
        return any(keyword_for_tag(tag) in keywords for tag in self.tags)


def read_identifier(
    dataset: Dataset, sop_class_uid: str, terms: list[str], *, relational: bool
) -> Identifier:
    """Judge an identifier by its information model. Raises `IdentifierRefused`.

    Without relational queries every level above needs its unique key, one value each (PS3.4 C.4.1.3.1).
    """
    level = key_text(dataset, _LEVEL, terms)
    levels = LEVELS if sop_class_uid.startswith(_PATIENT_ROOT) else LEVELS[1:]
    if level not in levels:
        raise IdentifierRefused(f"the level must be one of {', '.join(levels)}")
    tags = tuple(int(tag) for tag in sorted(dataset.keys()) if tag.element and tag not in _CONTROL)
    asked, unsupported = {}, False
    for tag in tags:
        keyword = _KEYWORDS.get(tag)
        if keyword is not None and keyword in _BY_LEVEL[level]:
            if value := key_text(dataset, tag, terms):
                asked[keyword] = value
        elif _restricts(dataset, tag, terms):
            unsupported = True
    if not relational:
        for above in levels[: levels.index(level)]:
            value = asked.get(UNIQUE[above], "")
            if not value or any(sign in value for sign in "*?\\,"):
                raise IdentifierRefused(f"the {above} level needs one {UNIQUE[above]}")
    return Identifier(level, asked, tags, unsupported)


def _restricts(dataset: Dataset, tag: int, terms: list[str]) -> bool:
    if dataset[tag].VR == "SQ":
        items = dataset[tag].value or []
        return any(
            _restricts(item, int(inner), terms) for item in items for inner in sorted(item.keys())
        )
    return key_text(dataset, tag, terms) not in ("", "*")


def handle_extended(event: Any) -> dict[UID, bytes]:
    """Extended negotiation (PS3.4 C.5): relational queries and retrievals yes, everything else no."""
    agreed: dict[UID, bytes] = {}
    for uid, information in event.app_info.items():
        if str(uid) in FIND | MOVE | GET:
            agreed[uid] = information[:1] + bytes(len(information) - 1)
    event.assoc.relational = {str(uid) for uid, answer in agreed.items() if answer[:1] == b"\1"}
    return agreed


def is_relational(association: Any, sop_class_uid: str) -> bool:
    """Whether relational queries were agreed for a SOP class on this association."""
    return sop_class_uid in association.relational
