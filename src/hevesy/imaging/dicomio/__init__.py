"""DICOM in and out: guarded reading of series, pixels and headers; writing of PET and CT."""

from hevesy.imaging.dicomio.guards import Limits, PixelFormat, check_pixels, read_dataset
from hevesy.imaging.dicomio.headers import quantification_header
from hevesy.imaging.dicomio.identity import Administration, SeriesIdentity, StudyIdentity
from hevesy.imaging.dicomio.phases import VolumePhase, VolumeSeries, read_phases
from hevesy.imaging.dicomio.pixels import decode_frames, decode_pixels
from hevesy.imaging.dicomio.planar import PlanarFrame, PlanarSeries, read_planar
from hevesy.imaging.dicomio.refusal import ImageRefused
from hevesy.imaging.dicomio.sandbox import (
    ChildLimits,
    decode_frames_sandboxed,
    pack_series_sandboxed,
    read_series_sandboxed,
    write_plain_sandboxed,
)
from hevesy.imaging.dicomio.series import read_series, require_whole
from hevesy.imaging.dicomio.write import (
    ct_datasets,
    pet_datasets,
    write_ct_series,
    write_pet_series,
)

__all__ = [
    "Administration",
    "ChildLimits",
    "ImageRefused",
    "Limits",
    "PixelFormat",
    "PlanarFrame",
    "PlanarSeries",
    "SeriesIdentity",
    "StudyIdentity",
    "VolumePhase",
    "VolumeSeries",
    "check_pixels",
    "ct_datasets",
    "decode_frames",
    "decode_frames_sandboxed",
    "decode_pixels",
    "pack_series_sandboxed",
    "pet_datasets",
    "quantification_header",
    "read_dataset",
    "read_phases",
    "read_planar",
    "read_series",
    "read_series_sandboxed",
    "require_whole",
    "write_ct_series",
    "write_pet_series",
    "write_plain_sandboxed",
]
