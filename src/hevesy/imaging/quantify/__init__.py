"""Numbers from images: SUV, body normalisers, decay and activities, regions.

`decay` has no wide imports and may be used alone: `from hevesy.imaging.quantify import decay`.
"""

from hevesy.imaging.quantify import decay
from hevesy.imaging.quantify.normalise import ratio_to_body_weight
from hevesy.imaging.quantify.suv import SuvEdits, SuvFactor, SuvInputs, apply_suv, suv_factor

__all__ = [
    "SuvEdits",
    "SuvFactor",
    "SuvInputs",
    "apply_suv",
    "decay",
    "ratio_to_body_weight",
    "suv_factor",
]
