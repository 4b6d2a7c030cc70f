"""Tissues of the phantom: label, CT number and uptake of FDG an hour after injection.

Uptake is what an ordinary fasted patient shows (SUV by body weight), CT numbers are of a
non-contrast low-dose scan at 120 kV.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, auto
from typing import Final

import numpy as np
import numpy.typing as npt


class T(IntEnum):
    """Labels of the canvas."""

    AIR = 0
    SKIN = auto()
    FAT = auto()
    MUSCLE = auto()
    VISCERAL_FAT = auto()
    MEDIASTINUM = auto()
    LUNG = auto()
    GAS = auto()
    CORTICAL = auto()
    MARROW = auto()
    FATTY_MARROW = auto()
    DISC = auto()
    CARTILAGE = auto()
    CORD = auto()
    GREY_MATTER = auto()
    WHITE_MATTER = auto()
    BASAL_GANGLIA = auto()
    CEREBELLUM = auto()
    CSF = auto()
    EYE = auto()
    EYE_MUSCLE = auto()
    GLAND = auto()
    TONSIL = auto()
    TONGUE = auto()
    THYROID = auto()
    BLOOD = auto()
    MYOCARDIUM = auto()
    LIVER = auto()
    GALLBLADDER = auto()
    SPLEEN = auto()
    PANCREAS = auto()
    STOMACH_WALL = auto()
    STOMACH = auto()
    RENAL_CORTEX = auto()
    RENAL_MEDULLA = auto()
    URINE = auto()
    CALYX = auto()
    URETER = auto()
    BOWEL_WALL = auto()
    BOWEL = auto()
    COLON_WALL = auto()
    STOOL = auto()
    PROSTATE = auto()
    OESOPHAGUS = auto()
    TUMOUR = auto()
    LYTIC = auto()
    COUCH = auto()
    COUCH_FOAM = auto()


@dataclass(frozen=True, slots=True)
class _Look:
    hu: float
    suv: float


_LOOKS: Final = {
    T.AIR: _Look(-1000, 0.0),
    T.SKIN: _Look(20, 0.45),
    T.FAT: _Look(-105, 0.25),
    T.MUSCLE: _Look(52, 0.70),
    T.VISCERAL_FAT: _Look(-100, 0.35),
    T.MEDIASTINUM: _Look(10, 1.15),
    T.LUNG: _Look(-850, 0.42),
    T.GAS: _Look(-990, 0.3),
    T.CORTICAL: _Look(820, 0.7),
    T.MARROW: _Look(210, 1.55),
    T.FATTY_MARROW: _Look(-20, 0.5),
    T.DISC: _Look(80, 0.8),
    T.CARTILAGE: _Look(110, 0.7),
    T.CORD: _Look(38, 1.9),
    T.GREY_MATTER: _Look(38, 10.5),
    T.WHITE_MATTER: _Look(29, 3.6),
    T.BASAL_GANGLIA: _Look(40, 10.5),
    T.CEREBELLUM: _Look(36, 7.2),
    T.CSF: _Look(6, 0.8),
    T.EYE: _Look(12, 1.0),
    T.EYE_MUSCLE: _Look(50, 3.2),
    T.GLAND: _Look(15, 2.0),
    T.TONSIL: _Look(50, 3.6),
    T.TONGUE: _Look(55, 1.9),
    T.THYROID: _Look(110, 1.5),
    T.BLOOD: _Look(42, 1.65),
    T.MYOCARDIUM: _Look(48, 5.2),
    T.LIVER: _Look(58, 2.3),
    T.GALLBLADDER: _Look(8, 0.9),
    T.SPLEEN: _Look(50, 1.9),
    T.PANCREAS: _Look(38, 1.7),
    T.STOMACH_WALL: _Look(42, 2.6),
    T.STOMACH: _Look(15, 1.0),
    T.RENAL_CORTEX: _Look(34, 3.4),
    T.RENAL_MEDULLA: _Look(30, 5.0),
    T.URINE: _Look(8, 32.0),
    T.CALYX: _Look(10, 13.0),
    T.URETER: _Look(15, 9.0),
    T.BOWEL_WALL: _Look(40, 1.9),
    T.BOWEL: _Look(25, 1.3),
    T.COLON_WALL: _Look(42, 2.3),
    T.STOOL: _Look(30, 1.2),
    T.PROSTATE: _Look(42, 1.7),
    T.OESOPHAGUS: _Look(35, 1.8),
    T.TUMOUR: _Look(40, 1.5),
    T.LYTIC: _Look(70, 1.5),
    T.COUCH: _Look(-20, 0.0),
    T.COUCH_FOAM: _Look(-960, 0.0),
}

HU: Final[npt.NDArray[np.float32]] = np.array([_LOOKS[t].hu for t in T], dtype=np.float32)
SUV: Final[npt.NDArray[np.float32]] = np.array([_LOOKS[t].suv for t in T], dtype=np.float32)
