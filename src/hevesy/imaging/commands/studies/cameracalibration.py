"""`hevesy image analyse cameracalibration FILE … --cylinder X Y Z RADIUS LENGTH --out TABLE`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Final

from hevesy.imaging.analyse.cylinder import (
    Filling,
    add_to_table,
    analyse_cylinder,
    inside_cylinder,
)
from hevesy.imaging.analyse.outcome import Outcome
from hevesy.imaging.commands.studies import given, in_space

HELP: Final = (
    "Sensitivity of a camera from a reconstructed uniform cylinder; adds the row to the table that"
    " spectsuv reads. It stays unchecked until a person sets `checked = true`."
)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    in_space.add_volume(parser)
    parser.add_argument(
        "--cylinder",
        type=float,
        nargs=5,
        required=True,
        metavar="MM",
        help="region: centre x y z (LPS), radius, length along the body; away from the wall",
    )
    parser.add_argument("--activity-mbq", type=given.positive, required=True, help="filled in")
    parser.add_argument("--volume-ml", type=given.positive, required=True, help="of the filling")
    parser.add_argument(
        "--before-scan-s", type=float, default=0.0, help="activity measured to scan start"
    )
    parser.add_argument("--duration-s", type=given.positive, required=True, help="heads counted")
    parser.add_argument("--nuclide", required=True)
    parser.add_argument("--collimator", required=True)
    parser.add_argument("--reconstruction", required=True, help="protocol, corrections included")
    parser.add_argument("--key", required=True, help="name of the row, for --calibration")
    parser.add_argument("--source", required=True, help="who measured, and when")
    parser.add_argument("--out", type=Path, metavar="TABLE", help="the site's table, TOML")


def outcome(arguments: Namespace) -> Outcome:
    """The answer; the row is added on the way."""
    volume = in_space.volume_of(arguments)
    x, y, z, radius_mm, length_mm = arguments.cylinder
    row, found = analyse_cylinder(
        volume,
        inside_cylinder(volume, (x, y, z), radius_mm, length_mm),
        Filling(
            arguments.activity_mbq, arguments.volume_ml, arguments.before_scan_s, arguments.nuclide
        ),
        key=arguments.key,
        duration_s=arguments.duration_s,
        collimator=arguments.collimator,
        reconstruction=arguments.reconstruction,
        source=arguments.source,
    )
    if arguments.out is not None:
        add_to_table(row, arguments.out)
    return found
