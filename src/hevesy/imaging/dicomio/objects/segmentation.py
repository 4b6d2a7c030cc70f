"""Masks as a DICOM Segmentation: BINARY for other systems, LABELMAP where they do not overlap.

PS3.3 A.51 and C.8.20 (Segmentation), Supplement 243 (Label Map Segmentation). Empty frames are
omitted; `hevesy.imaging.dicomio.masks.read_masks` gives back the same masks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from hevesy.imaging.dicomio.identity import SeriesIdentity
from hevesy.imaging.dicomio.masks.mask import Bools, slice_origins
from hevesy.imaging.dicomio.objects.sources import (
    Code,
    Maker,
    as_referenced,
    finished,
    headers,
    numbered,
    per_slice,
    placed,
)
from hevesy.imaging.geometry import Volume
from hevesy.imaging.refusal import Refused

Kind = Literal["BINARY", "LABELMAP"]

ABNORMAL: Final[Code] = ("49755003", "SCT", "Morphologically Abnormal Structure")
LESION: Final[Code] = ("52988006", "SCT", "Lesion")
ANATOMY: Final[Code] = ("91723000", "SCT", "Anatomical Structure")
ORGAN: Final[Code] = ("91772007", "SCT", "Organ")


@dataclass(frozen=True, slots=True)
class Algorithm:
    """What drew a segment: name, version, its parameters as texts, its family of CID 7162.

    by_hand_too: a person corrected what it drew (SEMIAUTOMATIC).
    """

    name: str
    version: str
    parameters: tuple[tuple[str, str], ...] = ()
    family: Code = ("123101", "DCM", "Neighborhood Analysis")
    by_hand_too: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """One mask with its meaning.

    mask: bool [k, j, i] of the volume. category, kind: codes of CID 7150 and 7151. algorithm:
    None for a segment drawn by hand. rgb: 0 to 255. tracking_uid: of the lesion over time; made
    where only an id is given.
    """

    label: str
    mask: Bools
    category: Code = ABNORMAL
    kind: Code = LESION
    algorithm: Algorithm | None = None
    tracking_id: str = ""
    tracking_uid: str = ""
    rgb: tuple[int, int, int] | None = None


def segmentation(
    volume: Volume,
    sources: Iterable[str | Path | Dataset],
    segments: Sequence[Segment],
    series: SeriesIdentity,
    *,
    maker: Maker | None = None,
    kind: Kind = "BINARY",
    crop: bool = False,
    description: str = "",
    instance_number: int = 1,
) -> Dataset:
    """A Segmentation of masks on the grid of a volume; segments are numbered from 1.

    sources: the files the volume was read from. crop: rows and columns without any voxel are cut
    off, which few viewers understand. LABELMAP is RLE compressed where that is safe. Raises
    `Refused`: no_segments, too_many_segments, mask_shape, mask_empty, segments_overlap (LABELMAP),
    mask_on_missing_slice, wrong_frame_of_reference, sources_do_not_fit.
    """
    import highdicom
    from pydicom.uid import ExplicitVRLittleEndian, RLELossless

    maker = maker or Maker()
    labels, overlap = checked_labels(volume, segments)
    if overlap and kind == "LABELMAP":
        raise Refused(
            "segments_overlap",
            "Segments overlap, which a label map cannot hold; write them as BINARY.",
            "分割之间有重叠，标签图无法表示，请以 BINARY 方式写出。",
        )
    images = headers(sources)
    planes = per_slice(volume, images)
    used = np.flatnonzero(labels.any(axis=(1, 2)))
    if any(planes[k] is None for k in used):
        raise Refused(
            "mask_on_missing_slice",
            "A segment covers a slice that is missing in the series; complete the series first.",
            "分割覆盖了序列中缺失的断层，请先补全该序列。",
        )
    rows, columns = _window(labels, crop=crop)
    pixels = _pixels(labels, segments, used, overlap=overlap)[:, rows, columns]
    # GDCM's encoder, which pydicom calls, ends the process on frames of an odd number of pixels.
    compressed = kind == "LABELMAP" and pixels[0].size % 2 == 0
    corners = slice_origins(volume) + columns.start * volume.ijk_to_lps[:3, 0]
    corners += rows.start * volume.ijk_to_lps[:3, 1]
    written: Dataset = highdicom.seg.Segmentation(
        source_images=[planes[k] for k in used],
        pixel_array=pixels,
        segmentation_type=kind,
        segment_descriptions=[_described(n, one) for n, one in enumerate(segments, start=1)],
        content_label="SEGMENTATION",
        content_description=description or series.description,
        transfer_syntax_uid=RLELossless if compressed else ExplicitVRLittleEndian,
        **placed(volume, corners, used),
        omit_empty_frames=True,
        **maker.program(),
        **numbered(series, instance_number),
    )
    as_referenced(written, volume, images)
    return finished(written, images, maker)


def checked_labels(
    volume: Volume, segments: Sequence[Segment]
) -> tuple[npt.NDArray[np.uint16], bool]:
    """Segment numbers per voxel, and whether segments share voxels."""
    if not segments:
        raise Refused(
            "no_segments",
            "There is no segment to write; draw or detect one first.",
            "没有可写出的分割，请先勾画或检测。",
        )
    if len(segments) > 65535:
        raise Refused(
            "too_many_segments",
            "A Segmentation holds at most 65535 segments; split them over several objects.",
            "一个分割对象最多 65535 个分割，请分为多个对象。",
            str(len(segments)),
        )
    labels = np.zeros(volume.array.shape, dtype=np.uint16)
    overlap = False
    for number, one in enumerate(segments, start=1):
        if one.mask.shape != labels.shape or one.mask.dtype != np.bool_:
            raise Refused(
                "mask_shape",
                "A mask has not the shape of the volume or is not true/false; draw it on this"
                " volume.",
                "掩模与容积尺寸不符或不是布尔型，请在该容积上勾画。",
                f"segment {number}: {one.mask.shape} {one.mask.dtype}",
            )
        if not one.mask.any():
            raise Refused(
                "mask_empty",
                "A segment holds no voxel; leave it out or draw it.",
                "有分割不含任何体素，请删除或重新勾画。",
                f"segment {number}",
            )
        overlap = overlap or bool(labels[one.mask].any())
        labels[one.mask] = number
    return labels, overlap


def _window(labels: npt.NDArray[np.uint16], *, crop: bool) -> tuple[slice, slice]:
    if not crop:
        return slice(0, labels.shape[1]), slice(0, labels.shape[2])
    rows = np.flatnonzero(labels.any(axis=(0, 2)))
    columns = np.flatnonzero(labels.any(axis=(0, 1)))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _pixels(
    labels: npt.NDArray[np.uint16],
    segments: Sequence[Segment],
    used: npt.NDArray[np.intp],
    *,
    overlap: bool,
) -> npt.NDArray[Any]:
    if overlap:
        return np.stack([one.mask[used] for one in segments], axis=-1).astype(np.uint8)
    return labels[used].astype(np.uint8) if len(segments) < 256 else labels[used]


def _described(number: int, one: Segment) -> Any:
    import highdicom

    algorithm = None
    how = "MANUAL"
    if one.algorithm is not None:
        how = "SEMIAUTOMATIC" if one.algorithm.by_hand_too else "AUTOMATIC"
        algorithm = highdicom.AlgorithmIdentificationSequence(
            name=one.algorithm.name,
            version=one.algorithm.version,
            family=highdicom.sr.CodedConcept(*one.algorithm.family),
            parameters=dict(one.algorithm.parameters) or None,
        )
    return highdicom.seg.SegmentDescription(
        segment_number=number,
        segment_label=one.label,
        segmented_property_category=highdicom.sr.CodedConcept(*one.category),
        segmented_property_type=highdicom.sr.CodedConcept(*one.kind),
        algorithm_type=how,
        algorithm_identification=algorithm,
        tracking_id=one.tracking_id or None,
        tracking_uid=(one.tracking_uid or generate_uid()) if one.tracking_id else None,
        display_color=highdicom.color.CIELabColor.from_rgb(*one.rgb) if one.rgb else None,
    )
