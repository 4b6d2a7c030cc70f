"""Pictures as plain arrays: colour maps, planes and fusion, MIP, volume rendering, movies, transport.

Names load on first use: the web server imports `render.transport` at start-up and needs neither
numba nor a video program for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hevesy.imaging.render.colour import GREY as GREY
    from hevesy.imaging.render.colour import HOT_IRON as HOT_IRON
    from hevesy.imaging.render.colour import INVERSE_GREY as INVERSE_GREY
    from hevesy.imaging.render.colour import PET as PET
    from hevesy.imaging.render.colour import TABLES as TABLES
    from hevesy.imaging.render.colour import blended as blended
    from hevesy.imaging.render.colour import coloured as coloured
    from hevesy.imaging.render.colour import windowed as windowed
    from hevesy.imaging.render.mip import RotatingMip as RotatingMip
    from hevesy.imaging.render.mip import rotating_mip as rotating_mip
    from hevesy.imaging.render.slices import View as View
    from hevesy.imaging.render.slices import default_window as default_window
    from hevesy.imaging.render.slices import fused_picture as fused_picture
    from hevesy.imaging.render.slices import mip_picture as mip_picture
    from hevesy.imaging.render.slices import slice_picture as slice_picture
    from hevesy.imaging.render.slices import slice_values as slice_values
    from hevesy.imaging.render.slices import thumbnail as thumbnail
    from hevesy.imaging.render.slices import whole_view as whole_view
    from hevesy.imaging.render.transport import PackedVolume as PackedVolume
    from hevesy.imaging.render.transport import body_file_name as body_file_name
    from hevesy.imaging.render.transport import pack_volume as pack_volume
    from hevesy.imaging.render.transport import unpacked as unpacked

_HOMES = {
    "GREY": "colour",
    "HOT_IRON": "colour",
    "INVERSE_GREY": "colour",
    "PET": "colour",
    "TABLES": "colour",
    "PackedVolume": "transport",
    "RotatingMip": "mip",
    "View": "slices",
    "blended": "colour",
    "body_file_name": "transport",
    "coloured": "colour",
    "default_window": "slices",
    "fused_picture": "slices",
    "mip_picture": "slices",
    "pack_volume": "transport",
    "rotating_mip": "mip",
    "slice_picture": "slices",
    "slice_values": "slices",
    "thumbnail": "slices",
    "unpacked": "transport",
    "whole_view": "slices",
    "windowed": "colour",
}

__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
