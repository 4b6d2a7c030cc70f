"""Measurements of lesions as Structured Report TID 1500, and back.

PS3.16 TID 1500 Measurement Report with one TID 1411 Volumetric ROI group per lesion. Each group
names the segment that was measured and, as text of its algorithm, the rule that drew it. Numbers
are written as decimal string and as 64-bit float, and read back equal.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from hevesy.imaging.dicomio.guards import read_dataset
from hevesy.imaging.dicomio.identity import SeriesIdentity
from hevesy.imaging.dicomio.objects.measures import DERIVATIONS, key_of, measure, measures
from hevesy.imaging.dicomio.objects.segmentation import LESION
from hevesy.imaging.dicomio.objects.sources import Code, Maker, finished, headers, numbered
from hevesy.imaging.dicomio.refusal import refusing_what_pydicom_cannot_parse
from hevesy.imaging.refusal import Refused

VERSION: Final = "hevesy-sr1500/1"
PET: Final[Code] = ("82918005", "SCT", "Positron emission tomography")
_NO_DERIVATION: Final = ""
# Marks, among the parameters of a group's algorithm, what made the SUV.
_SUV: Final = "SUV: "


@dataclass(frozen=True, slots=True)
class Measured:
    """One number: a key of measures.toml, its value in that row's unit, and how it was derived.

    derivation: mean, max, min, sd or peak; "" for volume and TLG. method: as text, such as the
    variant of SUVpeak.
    """

    measure: str
    value: float
    derivation: str = _NO_DERIVATION
    method: str = ""


@dataclass(frozen=True, slots=True)
class LesionMeasurements:
    """What was measured in one segment of the Segmentation.

    rule: the rule that drew the segment, as a sentence. suv: how its SUV was made and what was
    corrected, as sentences (`SuvFactor.sentences`). algorithm: name and version that measured.
    finding, site: codes; None where the site is not known.
    """

    segment_number: int
    tracking_id: str
    values: tuple[Measured, ...]
    rule: str
    algorithm: tuple[str, str]
    tracking_uid: str = ""
    finding: Code = LESION
    site: Code | None = None
    suv: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain values; units are those of measures.toml."""
        return {
            "segment_number": self.segment_number,
            "tracking_id": self.tracking_id,
            "tracking_uid": self.tracking_uid,
            "rule": self.rule,
            "suv": list(self.suv),
            "algorithm": list(self.algorithm),
            "finding": list(self.finding),
            "site": list(self.site) if self.site else None,
            "values": [
                {
                    "measure": one.measure,
                    "derivation": one.derivation,
                    "value": one.value,
                    "unit": measures()[one.measure].unit[0] if one.measure in measures() else "",
                    "method": one.method,
                }
                for one in self.values
            ],
        }


def measurement_report(
    segmented: Dataset,
    sources: Iterable[str | Path | Dataset],
    lesions: Sequence[LesionMeasurements],
    series: SeriesIdentity,
    *,
    maker: Maker | None = None,
    procedure: Code = PET,
    instance_number: int = 1,
) -> Dataset:
    """A Comprehensive 3D SR of lesions; complete and preliminary until a person signs it.

    segmented: the Segmentation that the lesions refer to. sources: the images it was drawn on.
    Raises `Refused`: no_measurements, no_such_segment, not_a_number, unknown_measure, no_sources.
    """
    import highdicom

    maker = maker or Maker()
    images = headers(sources)
    if not lesions:
        raise Refused(
            "no_measurements",
            "There is no lesion to report; measure one first.",
            "没有可写入报告的病灶，请先测量。",
        )
    known = {int(one.SegmentNumber) for one in segmented.SegmentSequence}
    for one in lesions:
        _check(one, known)
    sr = highdicom.sr
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(
            observer_person_context=_person(maker), observer_device_context=_device(maker)
        ),
        procedure_reported=_concept(procedure),
        imaging_measurements=[_group(one, segmented, images.found[0]) for one in lesions],
        title=_concept(("126000", "DCM", "Imaging Measurement Report")),
    )
    written: Dataset = sr.Comprehensive3DSR(
        evidence=[*images.found, segmented],
        content=content,
        is_complete=True,
        **maker.program(),
        **numbered(series, instance_number),
    )
    return finished(written, images, maker)


def _check(one: LesionMeasurements, known: set[int]) -> None:
    if one.segment_number not in known:
        raise Refused(
            "no_such_segment",
            "A lesion names a segment that the Segmentation does not have; write both from one"
            " list.",
            "病灶引用了分割对象中不存在的分割编号，请由同一列表写出两者。",
            str(one.segment_number),
        )
    for value in one.values:
        measure(value.measure)
        if value.derivation not in ("", *DERIVATIONS):
            raise Refused(
                "unknown_derivation",
                "A derivation has no code: use mean, max, min, sd, peak or none.",
                "派生方式没有对应编码，请使用 mean、max、min、sd、peak 或留空。",
                value.derivation,
            )
        if not math.isfinite(value.value):
            raise Refused(
                "not_a_number",
                "A measurement is not a finite number; leave it out of the report.",
                "测量值不是有限数值，请勿写入报告。",
                value.measure,
            )


def _concept(code: Code) -> Any:
    import highdicom

    return highdicom.sr.CodedConcept(*code)


def _person(maker: Maker) -> Any:
    import highdicom

    if not maker.person:
        return None
    return highdicom.sr.ObserverContext(
        observer_type=_concept(("121006", "DCM", "Person")),
        observer_identifying_attributes=highdicom.sr.PersonObserverIdentifyingAttributes(
            name=maker.person
        ),
    )


def _device(maker: Maker) -> Any:
    import highdicom

    uid = generate_uid(entropy_srcs=[maker.manufacturer, maker.model, maker.device_serial_number])
    return highdicom.sr.ObserverContext(
        observer_type=_concept(("121007", "DCM", "Device")),
        observer_identifying_attributes=highdicom.sr.DeviceObserverIdentifyingAttributes(
            uid=uid,
            name=maker.model,
            manufacturer_name=maker.manufacturer,
            model_name=maker.model,
            serial_number=maker.device_serial_number,
        ),
    )


def _group(one: LesionMeasurements, segmented: Dataset, image: Dataset) -> Any:
    import highdicom

    sr = highdicom.sr
    name, version = one.algorithm
    return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(
            uid=one.tracking_uid or generate_uid(), identifier=one.tracking_id
        ),
        referenced_segment=sr.ReferencedSegment(
            sop_class_uid=segmented.SOPClassUID,
            sop_instance_uid=segmented.SOPInstanceUID,
            segment_number=one.segment_number,
            source_series=sr.SourceSeriesForSegmentation(str(image.SeriesInstanceUID)),
        ),
        finding_type=_concept(one.finding),
        finding_sites=[sr.FindingSite(_concept(one.site))] if one.site else None,
        algorithm_id=sr.AlgorithmIdentification(
            name=name, version=version, parameters=_parameters(one) or None
        ),
        measurements=[_number(value, one.algorithm) for value in one.values],
    )


def _parameters(one: LesionMeasurements) -> list[str]:
    """Algorithm Parameters of TID 4019: the rule, then what made the SUV."""
    return ([one.rule] if one.rule else []) + [f"{_SUV}{text}" for text in one.suv]


def _number(value: Measured, algorithm: tuple[str, str]) -> Any:
    import highdicom

    sr = highdicom.sr
    row = measure(value.measure)
    name, version = algorithm
    return sr.Measurement(
        name=_concept(row.code),
        value=float(value.value),
        unit=_concept(row.unit),
        derivation=_concept(DERIVATIONS[value.derivation]) if value.derivation else None,
        method=_concept(row.method) if row.method else None,
        algorithm_id=sr.AlgorithmIdentification(
            name=name, version=version, parameters=[value.method]
        )
        if value.method
        else None,
    )


def read_measurements(path: str | Path) -> tuple[LesionMeasurements, ...]:
    """Measurement groups of a TID 1500 report that refer to segments, also of other makers.

    A code that is not in measures.toml stands as its code value. Raises `ImageRefused`.
    """
    dataset = read_dataset(path)
    with refusing_what_pydicom_cannot_parse():
        return tuple(_read_group(one) for one in _groups(dataset))


def _groups(item: Dataset) -> Iterator[Dataset]:
    for child in item.get("ContentSequence") or ():
        if _name(child) == "125007":
            yield child
        else:
            yield from _groups(child)


def _name(item: Dataset) -> str:
    names = item.get("ConceptNameCodeSequence") or ()
    return str(names[0].CodeValue) if names else ""


def _children(item: Dataset, name: str) -> list[Dataset]:
    return [one for one in item.get("ContentSequence") or () if _name(one) == name]


def _texts(item: Dataset, name: str) -> list[str]:
    return [str(one.get("TextValue") or one.get("UID") or "") for one in _children(item, name)]


def _text(item: Dataset, name: str) -> str:
    return next(iter(_texts(item, name)), "")


def _coded(item: Dataset, name: str) -> Code | None:
    for one in _children(item, name):
        code = one.ConceptCodeSequence[0]
        return str(code.CodeValue), str(code.CodingSchemeDesignator), str(code.CodeMeaning)
    return None


def _read_group(group: Dataset) -> LesionMeasurements:
    segment = 0
    for one in group.ContentSequence:
        for reference in one.get("ReferencedSOPSequence") or ():
            segment = int(reference.get("ReferencedSegmentNumber") or segment)
    parameters = _texts(group, "111002")
    return LesionMeasurements(
        segment_number=segment,
        tracking_id=_text(group, "112039"),
        tracking_uid=_text(group, "112040"),
        rule=next((one for one in parameters if not one.startswith(_SUV)), ""),
        suv=tuple(one.removeprefix(_SUV) for one in parameters if one.startswith(_SUV)),
        algorithm=(_text(group, "111001"), _text(group, "111003")),
        finding=_coded(group, "121071") or LESION,
        site=_coded(group, "363698007") or _coded(group, "G-C0E3"),
        values=tuple(
            _read_number(one) for one in group.ContentSequence if one.get("ValueType") == "NUM"
        ),
    )


def _read_number(item: Dataset) -> Measured:
    name = item.ConceptNameCodeSequence[0]
    number = item.MeasuredValueSequence[0]
    exact = number.get("FloatingPointValue")
    derivation = _coded(item, "121401")
    code = (str(name.CodeValue), str(name.CodingSchemeDesignator), "")
    return Measured(
        measure=key_of(code, {key: row.code for key, row in measures().items()}),
        value=float(number.NumericValue if exact is None else exact),
        derivation=key_of(derivation, DERIVATIONS) if derivation else _NO_DERIVATION,
        method=_text(item, "111002"),
    )
