"""`hevesy image analyse gastric FILE … --rois FILE --minutes 0 60 120 240`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Final

from hevesy.imaging.analyse.acquired import both_views, half_life_of
from hevesy.imaging.analyse.gastric import analyse_gastric_emptying
from hevesy.imaging.analyse.outcome import Outcome
from hevesy.imaging.analyse.regions import read_regions
from hevesy.imaging.commands.studies import given

HELP: Final = (
    "Gastric emptying from front and back views. Roles: stomach, background (optional). Frames of"
    " a region are time points, from 0, over all files in the order given."
)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    given.add_files(parser, several=True)
    parser.add_argument(
        "--minutes", type=float, nargs="+", help="of each time point: needed for several files"
    )
    parser.add_argument("--meal", choices=("solid", "liquid"), default="solid")


def outcome(arguments: Namespace) -> Outcome:
    """The answer."""
    series = given.series_of(arguments)
    starts = None if arguments.minutes is None else [60.0 * one for one in arguments.minutes]
    front, back = both_views(series, starts)
    return analyse_gastric_emptying(
        front,
        back,
        read_regions(arguments.rois),
        half_life_s=half_life_of(series[0], arguments.nuclide),
        meal=arguments.meal,
    )
