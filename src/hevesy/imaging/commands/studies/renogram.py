"""`hevesy image analyse renogram FILE --rois FILE`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Final

from hevesy.imaging.analyse.outcome import Outcome
from hevesy.imaging.analyse.renogram import analyse_renogram
from hevesy.imaging.commands.studies import given

HELP: Final = (
    "Renogram. Roles: left_kidney, right_kidney, background (or left_background, right_background),"
    " blood."
)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    given.add_files(parser)
    given.add_view(parser)
    parser.add_argument(
        "--uptake-s",
        type=given.interval,
        default=(60.0, 120.0),
        metavar="FROM:TO",
        help="60:120 for MAG3 and EC (default), 120:180 for DTPA",
    )
    parser.add_argument("--diuretic-s", type=given.positive, help="when a diuretic was given")


def outcome(arguments: Namespace) -> Outcome:
    """The answer."""
    taken, regions, half_life_s = given.one_view(arguments)
    return analyse_renogram(
        taken.frames,
        taken.start_s,
        taken.duration_s,
        regions,
        half_life_s=half_life_s,
        uptake_s=arguments.uptake_s,
        diuretic_s=arguments.diuretic_s,
    )
