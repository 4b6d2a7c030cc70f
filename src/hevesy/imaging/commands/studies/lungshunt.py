"""`hevesy image analyse lungshunt FILE --rois FILE`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Final

from hevesy.imaging.analyse.acquired import both_views
from hevesy.imaging.analyse.lung import analyse_lung_shunt
from hevesy.imaging.analyse.outcome import Outcome
from hevesy.imaging.analyse.regions import read_regions
from hevesy.imaging.commands.studies import given

HELP: Final = (
    "Lung shunt of MAA before radioembolisation, front and back in one file. Roles: left_lung,"
    " right_lung, liver, background (optional)."
)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    given.add_files(parser)


def outcome(arguments: Namespace) -> Outcome:
    """The answer."""
    front, back = both_views([given.read(arguments, arguments.files[0])])
    return analyse_lung_shunt(front, back, read_regions(arguments.rois))
