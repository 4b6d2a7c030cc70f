"""`hevesy image analyse mugaef FILE --rois FILE`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Final

from hevesy.imaging.analyse.acquired import acquired
from hevesy.imaging.analyse.mugaef import analyse_gated_blood_pool
from hevesy.imaging.analyse.outcome import Outcome
from hevesy.imaging.analyse.regions import read_regions
from hevesy.imaging.commands.studies import given

HELP: Final = "Gated blood pool. Roles: left_ventricle (may differ from gate to gate), background."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    given.add_files(parser)
    given.add_view(parser)
    parser.add_argument("--harmonics", type=int, choices=range(1, 9), default=4, metavar="1..8")


def outcome(arguments: Namespace) -> Outcome:
    """The answer."""
    taken = acquired(given.read(arguments, arguments.files[0]), view=arguments.view)
    return analyse_gated_blood_pool(
        taken.frames,
        float(taken.duration_s.sum()),
        read_regions(arguments.rois),
        harmonics=arguments.harmonics,
    )
