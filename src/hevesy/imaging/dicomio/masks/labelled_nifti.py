"""NIfTI-1 single files of whole labels (https://nifti.nimh.nih.gov/nifti-1), read without nibabel.

Only what a segmentation needs: the header, one array, and the place in RAS+ coordinates, which
become LPS. Sizes are checked before anything is allocated or inflated.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import numpy as np
import numpy.typing as npt

from hevesy.imaging.dicomio.guards import Limits
from hevesy.imaging.dicomio.masks.mask import (
    Floats,
    Mask,
    beyond,
    check_frame_of_reference,
    onto_grid,
)
from hevesy.imaging.dicomio.refusal import ImageRefused
from hevesy.imaging.geometry import Volume
from hevesy.imaging.refusal import Refused

_HEADER_BYTES: Final = 348
_TYPES: Final = {
    2: "u1",
    4: "i2",
    8: "i4",
    16: "f4",
    64: "f8",
    256: "i1",
    512: "u2",
    768: "u4",
    1024: "i8",
    1280: "u8",
}
_MM: Final = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
# TotalSegmentator names 117 structures; a picture has thousands of values.
_MOST_LABELS: Final = 1000


def looks_like_nifti(path: Path) -> bool:
    """Whether a file is NIfTI by its name or its magic."""
    if path.name.lower().endswith((".nii", ".nii.gz")):
        return True
    with path.open("rb") as file:
        return file.read(_HEADER_BYTES)[344:348] == b"n+1\0"


def read_nifti(path: Path, *, limits: Limits) -> tuple[npt.NDArray[Any], Floats]:
    """Scaled values [k, j, i] and the LPS affine of their voxel centres in mm.

    Raises `ImageRefused` (unreadable, file_too_large, too_many_pixels, pixels_truncated) and
    `Refused` (nifti_without_orientation).
    """
    size = path.stat().st_size
    if size > limits.file_bytes:
        raise ImageRefused("file_too_large", f"{size} bytes")
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        file = cast("BinaryIO", gzip.GzipFile(fileobj=raw)) if packed else raw
        try:
            return _read(file, limits)
        except (EOFError, zlib.error, gzip.BadGzipFile, struct.error) as error:
            raise ImageRefused("unreadable", type(error).__name__) from error


def _read(file: BinaryIO, limits: Limits) -> tuple[npt.NDArray[Any], Floats]:
    head = file.read(_HEADER_BYTES)
    if len(head) < _HEADER_BYTES or head[344:348] != b"n+1\0":
        raise ImageRefused("unreadable", "no NIfTI-1 single file")
    order = "<" if struct.unpack_from("<i", head)[0] == _HEADER_BYTES else ">"
    if struct.unpack_from(order + "i", head)[0] != _HEADER_BYTES:
        raise ImageRefused("unreadable", "NIfTI header size")
    dimensions, *sizes = struct.unpack_from(order + "8h", head, 40)
    (code,) = struct.unpack_from(order + "h", head, 70)
    begin, slope, intercept = struct.unpack_from(order + "3f", head, 108)
    if not 3 <= dimensions <= 7 or min(sizes[:3]) < 1 or any(n > 1 for n in sizes[3:dimensions]):
        raise ImageRefused("not_a_volume", f"{sizes[: max(0, dimensions)]}")
    if code not in _TYPES:
        raise ImageRefused("bad_pixel_attributes", f"NIfTI data type {code}")
    kind = np.dtype(order + _TYPES[code])
    wanted = sizes[0] * sizes[1] * sizes[2] * kind.itemsize
    if wanted > limits.decoded_bytes or not _HEADER_BYTES <= begin <= 1 << 20:
        raise ImageRefused("too_many_pixels", f"{sizes[:3]}")
    affine = _affine(head, order)
    file.read(int(begin) - _HEADER_BYTES)
    data = file.read(wanted)
    if len(data) < wanted:
        raise ImageRefused("pixels_truncated", f"{len(data)} of {wanted} bytes")
    array = np.frombuffer(data, dtype=kind).reshape(sizes[2], sizes[1], sizes[0])
    if slope and np.isfinite(slope) and (slope, intercept) != (1.0, 0.0):
        return array * float(slope) + float(intercept), affine
    return array, affine


def _affine(head: bytes, order: str) -> Floats:
    """RAS of sform where it is stated, else of qform (methods 3 and 2 of nifti1.h), as LPS."""
    factor, *spacing = struct.unpack_from(order + "4f", head, 76)
    qform, sform = struct.unpack_from(order + "2h", head, 252)
    b, c, d, x, y, z = struct.unpack_from(order + "6f", head, 256)
    affine = np.eye(4)
    if sform > 0:
        affine[:3] = np.array(struct.unpack_from(order + "12f", head, 280)).reshape(3, 4)
    elif qform > 0:
        a = np.sqrt(max(0.0, 1.0 - (b * b + c * c + d * d)))
        rotation = np.array(
            [
                [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
                [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
                [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - c * c - b * b],
            ]
        )
        flip = -1.0 if factor < 0 else 1.0
        affine[:3, :3] = rotation * np.array([spacing[0], spacing[1], spacing[2] * flip])
        affine[:3, 3] = x, y, z
    else:
        raise Refused(
            "nifti_without_orientation",
            "The NIfTI file states neither sform nor qform, so left and right are unknown; export"
            " it again with its orientation.",
            "该 NIfTI 文件既无 sform 也无 qform，无法判断左右，请带方向信息重新导出。",
        )
    affine[:3] *= _MM.get(head[123] & 7, 1.0)
    affine[:2] *= -1.0
    if not np.all(np.isfinite(affine)) or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise ImageRefused("bad_geometry", "NIfTI affine")
    return affine


def masks(path: Path, volume: Volume, *, limits: Limits) -> tuple[Mask, ...]:
    """One mask per label above zero. Raises `ImageRefused`, `Refused`."""
    from scipy import ndimage

    array, affine = read_nifti(path, limits=limits)
    labels = _whole_labels(array)
    findings = check_frame_of_reference("", volume)
    same = labels.shape == volume.array.shape and np.allclose(
        affine, volume.ijk_to_lps, atol=1e-3 * min(volume.spacing_mm)
    )
    answer = []
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
        inside = labels[box] == number
        if same:
            own = np.zeros(labels.shape, dtype=np.bool_)
            own[box] = inside
            more = beyond(0)
        else:
            corner = affine.copy()
            start = np.array([part.start for part in reversed(box)], dtype=np.float64)
            corner[:3, 3] = affine[:3, :3] @ start + affine[:3, 3]
            own, more = onto_grid(volume, inside, corner)
        answer.append(Mask(number, "", own, (*findings, *more)))
    return tuple(answer)


def _whole_labels(array: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    low, high = float(array.min()), float(array.max())
    refusal = Refused(
        "not_labels",
        "The NIfTI file holds a picture, no labels: a segmentation has whole numbers from 0 to"
        f" 65535, at most {_MOST_LABELS} of them.",
        f"该 NIfTI 文件是图像而非标签：分割须为 0 至 65535 的整数，且不超过 {_MOST_LABELS} 个标签。",
        f"{low:.6g} to {high:.6g}",
    )
    if not (np.isfinite(low) and np.isfinite(high)) or low < 0 or high > 65535:
        raise refusal
    labels = np.asarray(array).astype(np.int32)
    if array.dtype.kind == "f" and not np.array_equal(labels, array):
        raise refusal
    if np.count_nonzero(np.bincount(labels.reshape(-1))[1:]) > _MOST_LABELS:
        raise refusal
    return labels
