"""`hevesy image analyse percist BASELINE.json FOLLOWUP.json`: response between two scans."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Final

from hevesy.imaging.analyse.outcome import Outcome
from hevesy.imaging.analyse.readings import Chosen, read_percist, reading_of
from hevesy.imaging.commands.studies import in_space

HELP: Final = (
    "PERCIST 1.0 from two answers in SUL of `hevesy image lesions` or `measure` (--type lbmjanma"
    " --json). Rows are named by number; of lesions, the suggested ones count if none is named."
)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("baseline", type=Path, metavar="BASELINE")
    parser.add_argument("follow_up", type=Path, metavar="FOLLOWUP")
    for prefix, scan in (("", "baseline"), ("follow-up-", "follow-up")):
        parser.add_argument(f"--{prefix}lesions", type=int, nargs="*", help=f"rows of {scan}")
        parser.add_argument(f"--{prefix}liver", type=int, help=f"its row in {scan}")
        parser.add_argument(f"--{prefix}blood-pool", type=int, help=f"its row in {scan}")
    parser.add_argument("--new-lesion", action="store_true", help="the reader saw a new lesion")


def outcome(arguments: Namespace) -> Outcome:
    """The answer."""
    given = vars(arguments)
    first, last = (
        Chosen(
            None if given[f"{prefix}lesions"] is None else tuple(given[f"{prefix}lesions"]),
            given[f"{prefix}liver"],
            given[f"{prefix}blood_pool"],
        )
        for prefix in ("", "follow_up_")
    )
    before, after = (
        reading_of(in_space.read_json(path)) for path in (arguments.baseline, arguments.follow_up)
    )
    return read_percist(before, after, chosen=(first, last), new_lesion=arguments.new_lesion)
