"""Pictures as plain arrays: colour tables, slices and fusion, rotating MIP, viewer transport."""

from hevesy.imaging.render.colour import (
    GREY,
    HOT_IRON,
    INVERSE_GREY,
    PET,
    TABLES,
    blended,
    coloured,
    windowed,
)
from hevesy.imaging.render.mip import RotatingMip, rotating_mip
from hevesy.imaging.render.slices import (
    View,
    default_window,
    fused_picture,
    mip_picture,
    slice_picture,
    slice_values,
    thumbnail,
    whole_view,
)
from hevesy.imaging.render.transport import PackedVolume, body_file_name, pack_volume, unpacked

__all__ = [
    "GREY",
    "HOT_IRON",
    "INVERSE_GREY",
    "PET",
    "TABLES",
    "PackedVolume",
    "RotatingMip",
    "View",
    "blended",
    "body_file_name",
    "coloured",
    "default_window",
    "fused_picture",
    "mip_picture",
    "pack_volume",
    "rotating_mip",
    "slice_picture",
    "slice_values",
    "thumbnail",
    "unpacked",
    "whole_view",
    "windowed",
]
