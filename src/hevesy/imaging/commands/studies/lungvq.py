"""`hevesy image analyse lungvq FILE --rois FILE [--ventilation FILE] [--fev1-l L --removed …]`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Final

from hevesy.imaging.analyse.acquired import both_views
from hevesy.imaging.analyse.lung import analyse_lungs
from hevesy.imaging.analyse.outcome import Outcome
from hevesy.imaging.analyse.regions import read_regions
from hevesy.imaging.commands.studies import given

HELP: Final = (
    "Lung perfusion (front and back in one file), ventilation, ppoFEV1. Roles: left_lung,"
    " right_lung, background (optional)."
)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    given.add_files(parser)
    parser.add_argument("--ventilation", type=Path, metavar="FILE")
    parser.add_argument("--fev1-l", type=given.positive, help="before surgery, litres")
    parser.add_argument("--removed", nargs="+", default=(), help="left, right, right_upper, …")


def outcome(arguments: Namespace) -> Outcome:
    """The answer."""
    air = (
        both_views([given.read(arguments, arguments.ventilation)])
        if arguments.ventilation
        else None
    )
    return analyse_lungs(
        both_views([given.read(arguments, arguments.files[0])]),
        read_regions(arguments.rois),
        ventilation=air,
        fev1_l=arguments.fev1_l,
        removed=arguments.removed,
    )
