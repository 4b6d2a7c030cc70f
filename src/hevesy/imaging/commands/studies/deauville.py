"""`hevesy image analyse deauville MEASURED.json --lesions N --mediastinum N --liver N`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Final

from hevesy.imaging.analyse.outcome import Outcome
from hevesy.imaging.analyse.readings import read_deauville, reading_of
from hevesy.imaging.commands.studies import in_space

HELP: Final = (
    "Deauville by SUVmax and qPET from an answer of `hevesy image measure --json` with regions in"
    " lesions, mediastinal blood pool and liver."
)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("file", type=Path, metavar="MEASURED")
    parser.add_argument(
        "--lesions", type=int, nargs="*", required=True, help="rows; none: no residual uptake"
    )
    parser.add_argument("--mediastinum", type=int, required=True, help="its row")
    parser.add_argument("--liver", type=int, required=True, help="its row")
    parser.add_argument("--new-lesion", action="store_true", help="the reader saw a new lesion")


def outcome(arguments: Namespace) -> Outcome:
    """The answer."""
    return read_deauville(
        reading_of(in_space.read_json(arguments.file)),
        lesions=arguments.lesions,
        mediastinum=arguments.mediastinum,
        liver=arguments.liver,
        new_lesion=arguments.new_lesion,
    )
