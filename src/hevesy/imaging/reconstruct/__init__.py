"""SPECT reconstruction: projections of a gamma camera to volumes (clause 6.9).

`projections.read_tomo` reads, `run.reconstruct` does everything with one set of `Settings`;
`projector.Projector`, `iterate.osem`, `analytic.fbp` and `checks` are its parts. Names load on
first use: the kernels need numba.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hevesy.imaging.reconstruct.acquisition import Acquisition as Acquisition
    from hevesy.imaging.reconstruct.analytic import fbp as fbp
    from hevesy.imaging.reconstruct.filters import Filter as Filter
    from hevesy.imaging.reconstruct.iterate import osem as osem
    from hevesy.imaging.reconstruct.projections import TomoStudy as TomoStudy
    from hevesy.imaging.reconstruct.projections import read_tomo as read_tomo
    from hevesy.imaging.reconstruct.projector import Projector as Projector
    from hevesy.imaging.reconstruct.run import Reconstruction as Reconstruction
    from hevesy.imaging.reconstruct.run import Settings as Settings
    from hevesy.imaging.reconstruct.run import reconstruct as reconstruct

__all__ = [
    "Acquisition",
    "Filter",
    "Projector",
    "Reconstruction",
    "Settings",
    "TomoStudy",
    "fbp",
    "osem",
    "read_tomo",
    "reconstruct",
]

_HOMES = {
    "Acquisition": "acquisition",
    "Filter": "filters",
    "Projector": "projector",
    "Reconstruction": "run",
    "Settings": "run",
    "TomoStudy": "projections",
    "fbp": "analytic",
    "osem": "iterate",
    "read_tomo": "projections",
    "reconstruct": "run",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
