"""`hevesy image analyse dat FILE …`: specific binding ratio of dopamine transporters."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Final

from hevesy.imaging.analyse.outcome import Outcome
from hevesy.imaging.analyse.uptake import analyse_dat
from hevesy.imaging.commands.studies import in_space

HELP: Final = "Specific binding ratio of both striata over a reference region."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    in_space.add_volume(parser)
    in_space.add_brain(parser)
    in_space.add_way(parser)
    parser.add_argument("--left", default="left striatum")
    parser.add_argument("--right", default="right striatum")
    parser.add_argument("--reference", nargs="+", default=["left occipital", "right occipital"])


def outcome(arguments: Namespace) -> Outcome:
    """The answer."""
    regions = in_space.regions_of(arguments)
    return analyse_dat(
        in_space.brain_of(arguments.files, regions, arguments),
        regions,
        left=arguments.left,
        right=arguments.right,
        reference=tuple(arguments.reference),
    )
