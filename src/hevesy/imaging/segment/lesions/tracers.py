"""Which lesion profile fits a radiopharmaceutical, by the names that headers and catalogues use."""

from __future__ import annotations

import re
from typing import Final

TRACERS: Final = ("FDG", "PSMA", "SSTR")
"""Tracers that have physiological classes."""

# Names of PS3.16 CID 4021 (PET radiopharmaceuticals), their generic names and the short forms in use.
_NAMES: Final = {
    "FDG": ("fdg", "fluorodeoxyglucose", "fludeoxyglucose", "脱氧葡萄糖"),
    "PSMA": ("psma", "dcfpyl", "piflufolastat", "flotufolastat", "gozetotide"),
    "SSTR": ("dotatate", "dotatoc", "dotanoc", "oxodotreotide", "edotreotide"),
}


def profile_of(radiopharmaceutical: str) -> str:
    """The one of `TRACERS` that the text names; "" for none, or more than one."""
    text = re.sub(r"[\s_]+", "", radiopharmaceutical).casefold()
    found = [key for key, names in _NAMES.items() if any(name in text for name in names)]
    return found[0] if len(found) == 1 else ""
