"""`hevesy image analyse brainz FILE … --normals FILE --normals-sha256 SUM`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Final

from hevesy.imaging.analyse.brain.normals import load_normals
from hevesy.imaging.analyse.brainz import analyse_brain_z
from hevesy.imaging.analyse.outcome import Outcome
from hevesy.imaging.commands.studies import in_space

HELP: Final = "z of brain regions against the site's normal database, and surface views."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    in_space.add_volume(parser)
    in_space.add_brain(parser)
    in_space.add_way(parser)
    parser.add_argument("--normals", type=Path, required=True, help="made by brainnormals")
    parser.add_argument("--normals-sha256", required=True, help="its checksum")


def outcome(arguments: Namespace) -> Outcome:
    """The answer."""
    regions = in_space.regions_of(arguments)
    return analyse_brain_z(
        in_space.brain_of(arguments.files, regions, arguments),
        regions,
        load_normals(arguments.normals, sha256=arguments.normals_sha256),
    )
