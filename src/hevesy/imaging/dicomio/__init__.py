"""DICOM in and out: guarded reading of series, pixels and headers; writing of PET and CT."""

from hevesy.imaging.dicomio.guards import Limits, PixelFormat, check_pixels, read_dataset
from hevesy.imaging.dicomio.headers import quantification_header
from hevesy.imaging.dicomio.pixels import decode_pixels
from hevesy.imaging.dicomio.refusal import ImageRefused
from hevesy.imaging.dicomio.sandbox import (
    ChildLimits,
    pack_series_sandboxed,
    read_series_sandboxed,
)
from hevesy.imaging.dicomio.series import read_series

__all__ = [
    "ChildLimits",
    "ImageRefused",
    "Limits",
    "PixelFormat",
    "check_pixels",
    "decode_pixels",
    "pack_series_sandboxed",
    "quantification_header",
    "read_dataset",
    "read_series",
    "read_series_sandboxed",
]
