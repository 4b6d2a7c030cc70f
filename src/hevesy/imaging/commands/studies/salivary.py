"""`hevesy image analyse salivary FILE --rois FILE --stimulus-s S`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Final

from hevesy.imaging.analyse.outcome import Outcome
from hevesy.imaging.analyse.stimulated import analyse_salivary
from hevesy.imaging.commands.studies import given

HELP: Final = (
    "Salivary glands. Roles: left_parotid, right_parotid, left_submandibular, right_submandibular"
    " (any of them), background."
)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    given.add_files(parser)
    given.add_view(parser)
    parser.add_argument("--stimulus-s", type=given.positive, required=True, help="acid given at")


def outcome(arguments: Namespace) -> Outcome:
    """The answer."""
    taken, regions, half_life_s = given.one_view(arguments)
    return analyse_salivary(
        taken.frames,
        taken.start_s,
        taken.duration_s,
        regions,
        half_life_s=half_life_s,
        stimulus_s=arguments.stimulus_s,
    )
