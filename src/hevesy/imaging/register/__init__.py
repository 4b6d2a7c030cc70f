"""Where one volume lies on another: by content, by landmarks, or by the machine.

`register(fixed, moving)` answers with a 4x4 matrix `moving_to_fixed` in LPS mm, what it thinks of
it, and why; nothing is resampled. `register_landmarks` does the same from pairs of points. Names
load on first use: numba takes half a second.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hevesy.imaging.register.automatic import register as register
    from hevesy.imaging.register.landmarks import register_landmarks as register_landmarks
    from hevesy.imaging.register.refusal import RegistrationRefused as RegistrationRefused
    from hevesy.imaging.register.result import Deformation as Deformation
    from hevesy.imaging.register.result import Gate as Gate
    from hevesy.imaging.register.result import Registration as Registration

__all__ = [
    "Deformation",
    "Gate",
    "Registration",
    "RegistrationRefused",
    "register",
    "register_landmarks",
]

_HOMES = {
    "Deformation": "result",
    "Gate": "result",
    "Registration": "result",
    "RegistrationRefused": "refusal",
    "register": "automatic",
    "register_landmarks": "landmarks",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
