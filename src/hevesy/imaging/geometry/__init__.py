"""Volumes in patient space: affine, sampling, binning, orientation."""

from hevesy.imaging.geometry.orientation import (
    AXIAL,
    CORONAL,
    PLANES,
    SAGITTAL,
    Plane,
    acquisition_plane,
    direction_letters,
)
from hevesy.imaging.geometry.sampling import trilinear
from hevesy.imaging.geometry.volume import Finding, SliceSource, Volume

__all__ = [
    "AXIAL",
    "CORONAL",
    "PLANES",
    "SAGITTAL",
    "Finding",
    "Plane",
    "SliceSource",
    "Volume",
    "acquisition_plane",
    "direction_letters",
    "trilinear",
]
