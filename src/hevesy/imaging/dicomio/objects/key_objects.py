"""Key images as a Key Object Selection (PS3.3 A.35.4, PS3.16 TID 2010), and back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydicom.dataset import Dataset

from hevesy.imaging.dicomio.guards import read_dataset
from hevesy.imaging.dicomio.identity import SeriesIdentity
from hevesy.imaging.dicomio.objects.sources import Code, Maker, finished, headers, numbered
from hevesy.imaging.dicomio.refusal import refusing_what_pydicom_cannot_parse
from hevesy.imaging.refusal import Refused

# CID 7010 Key Object Selection Document Title: those that a reading room uses.
TITLES: Final[dict[str, Code]] = {
    "of_interest": ("113000", "DCM", "Of Interest"),
    "for_referring_provider": ("113002", "DCM", "For Referring Provider"),
    "for_surgery": ("113003", "DCM", "For Surgery"),
    "for_teaching": ("113004", "DCM", "For Teaching"),
    "for_conference": ("113005", "DCM", "For Conference"),
    "for_therapy": ("113006", "DCM", "For Therapy"),
    "for_patient": ("113007", "DCM", "For Patient"),
    "for_peer_review": ("113008", "DCM", "For Peer Review"),
    "for_research": ("113009", "DCM", "For Research"),
    "for_report_attachment": ("113020", "DCM", "For Report Attachment"),
}


@dataclass(frozen=True, slots=True)
class KeyImages:
    """Why images were chosen (a key of `TITLES`, or a foreign code value), words, and which."""

    title: str
    description: str
    images: tuple[str, ...]


def key_object_selection(
    sources: Iterable[str | Path | Dataset],
    title: str,
    series: SeriesIdentity,
    *,
    description: str = "",
    maker: Maker | None = None,
    instance_number: int = 1,
) -> Dataset:
    """A selection of whole instances, in the order given, of one study.

    Raises `Refused`: no_sources, several_studies, unknown_title.
    """
    import highdicom

    maker = maker or Maker()
    images = headers(sources)
    if title not in TITLES:
        raise Refused(
            "unknown_title",
            "The reason of the selection is not among those of CID 7010 that are offered here.",
            "关键图像的选择理由不在可选范围内（CID 7010），请重新选择。",
            title,
        )
    written: Dataset = highdicom.ko.KeyObjectSelectionDocument(
        evidence=images.found,
        content=highdicom.ko.KeyObjectSelection(
            document_title=highdicom.sr.CodedConcept(*TITLES[title]),
            referenced_objects=images.found,
            description=description or None,
        ),
        manufacturer=maker.manufacturer,
        **numbered(series, instance_number),
    )
    return finished(written, images, maker)


def read_key_objects(path: str | Path) -> KeyImages:
    """What a Key Object Selection points to. Raises `ImageRefused`."""
    dataset = read_dataset(path)
    with refusing_what_pydicom_cannot_parse():
        code = dataset.ConceptNameCodeSequence[0]
        known = {value: key for key, (value, _, _) in TITLES.items()}
        words, chosen = "", []
        for item in dataset.get("ContentSequence") or ():
            if item.ValueType == "TEXT" and item.ConceptNameCodeSequence[0].CodeValue == "113012":
                words = str(item.TextValue)
            for reference in item.get("ReferencedSOPSequence") or ():
                chosen.append(str(reference.ReferencedSOPInstanceUID))
        return KeyImages(known.get(str(code.CodeValue), str(code.CodeValue)), words, tuple(chosen))
