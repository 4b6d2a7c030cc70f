"""`hevesy image analyse timeactivity FILE --rois FILE --interval-s FROM:TO`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Final

from hevesy.imaging.analyse.outcome import Outcome
from hevesy.imaging.analyse.timeactivity import analyse_curves
from hevesy.imaging.commands.studies import given

HELP: Final = (
    "Curves of any regions: three-phase bone, bleeding, lymph. Roles: any; reference to compare with,"
    " background (optional)."
)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    given.add_files(parser)
    given.add_view(parser)
    parser.add_argument(
        "--interval-s", type=given.interval, action="append", default=[], metavar="FROM:TO"
    )


def outcome(arguments: Namespace) -> Outcome:
    """The answer."""
    taken, regions, half_life_s = given.one_view(arguments)
    return analyse_curves(
        taken.frames,
        taken.start_s,
        taken.duration_s,
        regions,
        half_life_s=half_life_s,
        intervals_s=arguments.interval_s,
    )
