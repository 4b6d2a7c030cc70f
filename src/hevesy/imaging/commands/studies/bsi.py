"""`hevesy image analyse bsi FILE --rois FILE`: bone scan index from regions drawn by hand."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Final

import numpy as np

from hevesy.imaging.analyse.acquired import acquired
from hevesy.imaging.analyse.outcome import Outcome
from hevesy.imaging.analyse.regions import read_regions
from hevesy.imaging.analyse.uptake import TABLES, analyse_bone_scan_index
from hevesy.imaging.commands.studies import given
from hevesy.imaging.dicomio.planar import read_planar

HELP: Final = "Bone scan index (research). Roles: bones of the table, and lesion (any number)."
_LESION: Final = "lesion"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    given.add_files(parser)
    given.add_view(parser)
    parser.add_argument("--table", type=Path, default=TABLES / "skeleton.toml")


def outcome(arguments: Namespace) -> Outcome:
    """The answer."""
    image = acquired(read_planar(arguments.files[0]), view=arguments.view).frames.sum(axis=0)
    regions = read_regions(arguments.rois)
    regions.fits(*image.shape)
    bones: dict[str, np.ndarray] = {}
    lesions = np.zeros(image.shape, dtype=bool)
    for one in regions.regions:
        if one.view not in ("", arguments.view):
            continue
        inside = one.mask(*image.shape)
        if one.role == _LESION:
            lesions |= inside
        else:
            bones[one.role] = bones.get(one.role, False) | inside
    return analyse_bone_scan_index(image, bones, lesions, table=arguments.table)
