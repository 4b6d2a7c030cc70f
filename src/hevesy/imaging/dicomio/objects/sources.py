"""The images that a result was made from, and what all written objects share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, generate_uid
from pydicom.valuerep import format_number_as_ds

from hevesy.imaging.dicomio.guards import read_dataset
from hevesy.imaging.dicomio.identity import SeriesIdentity
from hevesy.imaging.dicomio.masks.mask import slice_normal, slice_origins
from hevesy.imaging.dicomio.refusal import refusing_what_pydicom_cannot_parse
from hevesy.imaging.geometry import Volume
from hevesy.imaging.refusal import Refused

CHARACTER_SET: Final = "ISO_IR 192"
_PIXELS: Final = 0x7FE00010
Code = tuple[str, str, str]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Maker:
    """Who made an object: the person as DICOM PN (`Chen^Jianguo=陈^建国`), and the program."""

    person: str = ""
    institution: str = ""
    manufacturer: str = "Hevesy"
    model: str = "hevesy.imaging"
    software_versions: str = "hevesy"
    device_serial_number: str = "0"

    def program(self) -> dict[str, str]:
        """The program as highdicom names it."""
        return {
            "manufacturer": self.manufacturer,
            "manufacturer_model_name": self.model,
            "software_versions": self.software_versions,
            "device_serial_number": self.device_serial_number,
        }


def numbered(series: SeriesIdentity, instance_number: int) -> dict[str, Any]:
    """UIDs and numbers of a new instance; the instance's UID follows from series and number.

    Whoever gives a series UID therefore counts `instance_number` up for every new content.
    """
    series_uid = series.series_instance_uid or generate_uid()
    return {
        "series_instance_uid": series_uid,
        "series_number": series.number,
        "sop_instance_uid": generate_uid(entropy_srcs=[series_uid, str(instance_number)]),
        "instance_number": instance_number,
        "series_description": series.description,
        "specific_character_set": CHARACTER_SET,
    }


@dataclass(frozen=True, slots=True)
class Images:
    """Headers of images of one study. Their names are kept apart: see `finished`."""

    found: list[Dataset]
    patient_name: Any


def headers(sources: Iterable[str | Path | Dataset]) -> Images:
    """Headers of images of one study, without their pixels. Raises `ImageRefused`, `Refused`."""
    found: list[Dataset] = []
    with refusing_what_pydicom_cannot_parse():
        for source in sources:
            one = source
            if not isinstance(one, Dataset):
                one = read_dataset(one, with_pixels=False)
            found.append(one)
        if not found:
            raise Refused(
                "no_sources",
                "A result names the images it was made from; give the files of their series.",
                "结果须引用其来源图像，请提供该序列的文件。",
            )
        if len({(str(one.StudyInstanceUID), str(one.get("PatientID"))) for one in found}) > 1:
            raise Refused(
                "several_studies",
                "The images belong to several studies; a result belongs to one.",
                "图像来自多个检查，一个结果只能属于一个检查。",
            )
        return Images([_complete(one) for one in found], found[0].get("PatientName", ""))


def _complete(dataset: Dataset) -> Dataset:
    """A copy with the type 2 attributes that highdicom reads, and without the patient's name."""
    answer = Dataset()
    answer.update({one.tag: one for one in dataset if one.tag != _PIXELS})
    # Replaced, not set: setting would change the elements of the caller's data set.
    answer.add_new("PatientName", "PN", "")
    for keyword in (
        "PatientID",
        "PatientBirthDate",
        "PatientSex",
        "AccessionNumber",
        "StudyID",
        "StudyDate",
        "StudyTime",
        "ReferringPhysicianName",
    ):
        if keyword not in answer:
            setattr(answer, keyword, "")
    if not answer.get("FrameOfReferenceUID"):
        # Old cameras state none, results need one: the same for all results of the series.
        series = str(answer.get("SeriesInstanceUID") or "")
        answer.FrameOfReferenceUID = generate_uid(entropy_srcs=[series, "frame of reference"])
    return answer


def finished(written: Dataset, images: Images, maker: Maker) -> Dataset:
    """Enter the names of people, and of the institution.

    highdicom warns, naming the patient, of names without a caret; logs must not hold names.
    """
    written.PatientName = images.patient_name
    if maker.person and "ContentLabel" in written:
        written.ContentCreatorName = maker.person
    if maker.institution:
        written.InstitutionName = maker.institution
    return written


def per_slice(volume: Volume, images: Images) -> list[Dataset | None]:
    """The header behind each slice of a volume; None where the volume fills a missing slice.

    A multi-frame source stands for each of its frames as a single-frame header with the geometry
    of the slice. Raises `Refused`: wrong_frame_of_reference, sources_do_not_fit.
    """
    for one in images.found:
        stated = str(one.FrameOfReferenceUID)
        if volume.frame_of_reference_uid and stated != volume.frame_of_reference_uid:
            raise Refused(
                "wrong_frame_of_reference",
                "The volume and the images it is said to come from have different frames of"
                " reference; give the files of the volume's own series.",
                "容积与所给来源图像的参考坐标系不同，请提供该容积自身序列的文件。",
            )
    by_uid = {str(one.SOPInstanceUID): one for one in images.found}
    if len(volume.slices) != volume.array.shape[0]:
        raise _do_not_fit("the volume does not name its slices")
    answer: list[Dataset | None] = []
    for k, place in enumerate(volume.slices):
        if not place.sop_instance_uid:
            answer.append(None)
        elif place.sop_instance_uid not in by_uid:
            raise _do_not_fit(f"no file for slice {k}")
        else:
            answer.append(by_uid[place.sop_instance_uid])
    if any(one is not None and int(one.get("NumberOfFrames") or 1) > 1 for one in answer):
        return _stand_ins(volume, answer)
    return answer


def _do_not_fit(detail: str) -> Refused:
    return Refused(
        "sources_do_not_fit",
        "The files are not those that the volume was read from; give all files of its series.",
        "所给文件不是该容积的来源，请提供其序列的全部文件。",
        detail,
    )


def _stand_ins(volume: Volume, found: Sequence[Dataset | None]) -> list[Dataset | None]:
    origins = slice_origins(volume)
    spacing = volume.spacing_mm
    answer: list[Dataset | None] = []
    for k, one in enumerate(found):
        if one is None:
            answer.append(None)
            continue
        plain = Dataset()
        plain.update({element.tag: element for element in one if element.VR != "SQ"})
        # highdicom takes several sources of single-frame classes only; `as_referenced` sets it right.
        plain.add_new("SOPClassUID", "UI", CTImageStorage)
        plain.add_new("NumberOfFrames", "IS", 1)
        plain.add_new("ImageOrientationPatient", "DS", orientation(volume))
        plain.add_new("ImagePositionPatient", "DS", [ds(x) for x in origins[k]])
        plain.add_new("PixelSpacing", "DS", [ds(spacing[1]), ds(spacing[0])])
        plain.add_new("SliceThickness", "DS", ds(spacing[2]))
        answer.append(plain)
    return answer


def orientation(volume: Volume) -> list[str]:
    """Image Orientation (Patient) of the slices as decimal strings."""
    spacing = volume.spacing_mm
    row = volume.ijk_to_lps[:3, 0] / spacing[0]
    column = volume.ijk_to_lps[:3, 1] / spacing[1]
    return [ds(x) for x in (*row, *column)]


def placed(volume: Volume, corners_lps: Floats, slices: Iterable[int]) -> dict[str, Any]:
    """Where the frames of a new object lie, as highdicom names it.

    corners_lps: (k, 3) centre of the first voxel of every slice, which a crop has moved; slices:
    those that become frames.
    """
    import highdicom

    spacing = volume.spacing_mm
    return {
        "pixel_measures": highdicom.PixelMeasuresSequence(
            pixel_spacing=[float(ds(spacing[1])), float(ds(spacing[0]))],
            slice_thickness=float(ds(spacing[2])),
            spacing_between_slices=float(ds(spacing[2])),
        ),
        "plane_orientation": highdicom.PlaneOrientationSequence(
            "PATIENT", [float(x) for x in orientation(volume)]
        ),
        "plane_positions": [
            highdicom.PlanePositionSequence("PATIENT", [float(ds(x)) for x in corners_lps[k]])
            for k in slices
        ],
    }


def ds(number: float) -> str:
    """Decimal string of at most 16 characters; never "-0"."""
    return str(format_number_as_ds(float(number) + 0.0))


def as_referenced(written: Dataset, volume: Volume, images: Images) -> None:
    """Name the true class of multi-frame sources, once, and the frame behind each written frame."""
    classes = {str(one.SOPInstanceUID): one.SOPClassUID for one in images.found}
    if len(classes) == len(volume.slices):
        return
    places = [(written, "SourceImageSequence")]
    places += [
        (one, "ReferencedInstanceSequence") for one in written.get("ReferencedSeriesSequence") or ()
    ]
    for place, keyword in places:
        once = {str(item.ReferencedSOPInstanceUID): item for item in place.get(keyword) or ()}
        if once:
            setattr(place, keyword, list(once.values()))
        for uid, item in once.items():
            item.ReferencedSOPClassUID = classes[uid]
    origins, normal = slice_origins(volume), slice_normal(volume)
    for frame in written.PerFrameFunctionalGroupsSequence:
        position = [float(x) for x in frame.PlanePositionSequence[0].ImagePositionPatient]
        k = int(np.argmin(np.abs((origins - np.array(position)) @ normal)))
        # highdicom shares one item among the frames of one source.
        frame.DerivationImageSequence = deepcopy(frame.DerivationImageSequence)
        for derivation in frame.DerivationImageSequence:
            for source in derivation.SourceImageSequence:
                source.ReferencedSOPClassUID = classes[str(source.ReferencedSOPInstanceUID)]
                source.ReferencedFrameNumber = volume.slices[k].frame + 1


def save(dataset: Dataset, path: str | Path) -> Path:
    """Write a data set as a DICOM file; its path."""
    dataset.save_as(path, enforce_file_format=True)
    return Path(path)
