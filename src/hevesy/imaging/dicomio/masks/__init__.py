"""Segmentations drawn elsewhere, as masks on the grid of a volume: DICOM SEG, RTSTRUCT, NIfTI-1.

One rule for all: a voxel belongs to a mask if its *centre* lies in the segment. Where the
segmentation has another grid than the volume each voxel takes the nearest voxel of the
segmentation, and a `Finding` says so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from hevesy.imaging.dicomio.guards import DEFAULT_LIMITS, Limits, read_dataset
from hevesy.imaging.dicomio.masks import labelled_nifti, rt_contours, segments
from hevesy.imaging.dicomio.masks.mask import Mask
from hevesy.imaging.dicomio.refusal import refusing_what_pydicom_cannot_parse
from hevesy.imaging.geometry import Volume
from hevesy.imaging.refusal import Refused

__all__ = ["Mask", "read_masks"]

_SEGMENTATIONS: Final = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
_STRUCTURE_SET: Final = "1.2.840.10008.5.1.4.1.1.481.3"


def read_masks(
    path: str | Path,
    volume: Volume,
    *,
    threshold: float = 0.5,
    limits: Limits = DEFAULT_LIMITS,
) -> tuple[Mask, ...]:
    """Segments of a file as masks of the shape of `volume.array`, in the order of the file.

    path: DICOM Segmentation (BINARY, FRACTIONAL from `threshold` of its maximum upwards,
    LABELMAP), RT Structure Set (closed planar contours), or NIfTI-1 (.nii, .nii.gz) of whole
    labels. Raises `ImageRefused` for a file that cannot be read and `Refused` for one that does
    not belong to the volume (another frame of reference) or is no segmentation.
    """
    path = Path(path)
    if labelled_nifti.looks_like_nifti(path):
        return labelled_nifti.masks(path, volume, limits=limits)
    dataset = read_dataset(path, limits=limits)
    kind = str(dataset.SOPClassUID)
    with refusing_what_pydicom_cannot_parse():
        if kind in _SEGMENTATIONS:
            return segments.masks(dataset, volume, threshold=threshold, limits=limits)
        if kind == _STRUCTURE_SET:
            return rt_contours.masks(dataset, volume)
    raise Refused(
        "not_a_segmentation",
        "The file holds no segmentation; choose a DICOM SEG, RTSTRUCT or NIfTI label file.",
        "该文件不是分割结果，请选择 DICOM SEG、RTSTRUCT 或 NIfTI 标签文件。",
        kind,
    )
