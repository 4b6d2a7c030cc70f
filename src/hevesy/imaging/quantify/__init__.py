"""Numbers from images: SUV, body normalisers, decay and activities, regions.

Names load on first use: the dose records import `quantify.decay` at start-up and need neither
numpy nor pydicom for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hevesy.imaging.quantify import decay as decay
    from hevesy.imaging.quantify.normalise import ratio_to_body_weight as ratio_to_body_weight
    from hevesy.imaging.quantify.roi import Ellipse as Ellipse
    from hevesy.imaging.quantify.roi import RegionStatistics as RegionStatistics
    from hevesy.imaging.quantify.roi import ellipse_statistics as ellipse_statistics
    from hevesy.imaging.quantify.suv import SuvEdits as SuvEdits
    from hevesy.imaging.quantify.suv import SuvFactor as SuvFactor
    from hevesy.imaging.quantify.suv import SuvInputs as SuvInputs
    from hevesy.imaging.quantify.suv import apply_suv as apply_suv
    from hevesy.imaging.quantify.suv import suv_factor as suv_factor

__all__ = [
    "Ellipse",
    "RegionStatistics",
    "SuvEdits",
    "SuvFactor",
    "SuvInputs",
    "apply_suv",
    "decay",
    "ellipse_statistics",
    "ratio_to_body_weight",
    "suv_factor",
]

_HOMES = {
    "Ellipse": "roi",
    "RegionStatistics": "roi",
    "SuvEdits": "suv",
    "SuvFactor": "suv",
    "SuvInputs": "suv",
    "apply_suv": "suv",
    "ellipse_statistics": "roi",
    "ratio_to_body_weight": "normalise",
    "suv_factor": "suv",
}


def __getattr__(name: str) -> Any:
    if name == "decay":
        return import_module(f"{__name__}.decay")
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
