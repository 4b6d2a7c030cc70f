"""Decoding of pixel data, guarded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import pixel_array
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from hevesy.imaging.dicomio.guards import (
    DEFAULT_LIMITS,
    Limits,
    PixelFormat,
    check_pixels,
    transfer_syntax,
)
from hevesy.imaging.dicomio.refusal import ImageRefused


def decode_pixels(dataset: Dataset, *, limits: Limits = DEFAULT_LIMITS) -> npt.NDArray[Any]:
    """Stored values of all frames: (frames, rows, columns), or (…, 3) for colour.

    Sizes are checked against `limits`, and codestream headers against the data set, before a
    decoder sees them. No rescale is applied. Raises `ImageRefused`.
    """
    stated = check_pixels(dataset, limits=limits)
    try:
        pixels = _decoded(dataset, stated)
    except MemoryError:
        raise ImageRefused("memory_limit") from None
    except Exception as error:
        # Every decoder has exceptions of its own; to the caller they are one reason.
        raise ImageRefused("undecodable", f"{type(error).__name__}: {error}"[:160]) from error
    shape: tuple[int, ...] = (stated.frames, stated.rows, stated.columns)
    if stated.samples > 1:
        shape = (*shape, stated.samples)
    if pixels.size != np.prod(shape):
        raise ImageRefused("undecodable", f"decoded to {pixels.shape}")
    return pixels.reshape(shape)


def decode_frames(
    dataset: Dataset, frames: Sequence[int], *, limits: Limits = DEFAULT_LIMITS
) -> npt.NDArray[Any]:
    """Stored values of the named frames (from 0), in that order: (frames, rows, columns[, 3]).

    As `decode_pixels`, but only what is named is decoded, and bits above Bits Stored are kept.
    Raises `ImageRefused`; IndexError for a frame that is not there.
    """
    stated = check_pixels(dataset, limits=limits)
    if not all(0 <= frame < stated.frames for frame in frames):
        raise IndexError("no such frame")
    if "file_meta" not in dataset.__dict__ or "TransferSyntaxUID" not in dataset.file_meta:
        _name_transfer_syntax(dataset)
    try:
        planes = [pixel_array(dataset, raw=True, index=frame) for frame in frames]
    except MemoryError:
        raise ImageRefused("memory_limit") from None
    except Exception as error:
        raise ImageRefused("undecodable", f"{type(error).__name__}: {error}"[:160]) from error
    return np.stack(planes)


def _decoded(dataset: Dataset, stated: PixelFormat) -> npt.NDArray[Any]:
    if "file_meta" not in dataset.__dict__ or "TransferSyntaxUID" not in dataset.file_meta:
        _name_transfer_syntax(dataset)
    # GDCM ends the whole process on RLE segments that carry their padding byte.
    plugin = "pydicom" if transfer_syntax(dataset) == RLELossless else ""
    pixels: npt.NDArray[Any] = pixel_array(dataset, raw=True, decoding_plugin=plugin)
    if pixels.dtype.kind == "f" or stated.bits_stored == stated.bits_allocated:
        return pixels
    if transfer_syntax(dataset).is_encapsulated:
        return pixels
    # Old scanners keep overlays in the bits above BitsStored; they are no part of the value.
    unused = stated.bits_allocated - stated.bits_stored
    if stated.signed:
        return np.asarray((pixels << unused) >> unused)
    return np.asarray(pixels & np.array((1 << stated.bits_stored) - 1, dtype=pixels.dtype))


def _name_transfer_syntax(dataset: Dataset) -> None:
    meta = getattr(dataset, "file_meta", None) or FileMetaDataset()
    implicit, _ = getattr(dataset, "original_encoding", (True, True))
    meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    dataset.file_meta = meta
