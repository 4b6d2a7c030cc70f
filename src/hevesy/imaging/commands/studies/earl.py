"""`hevesy image analyse earl FILE … --sphere-bq-per-ml N --background-bq-per-ml N`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Final

from hevesy.imaging.analyse.nema_spheres import analyse_spheres
from hevesy.imaging.analyse.outcome import Outcome
from hevesy.imaging.commands.studies import given, in_space

HELP: Final = (
    "Recovery of the spheres of a NEMA phantom and the verdict of EARL. True concentrations at the"
    " time to which the image is decay corrected."
)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    in_space.add_volume(parser)
    parser.add_argument("--sphere-bq-per-ml", type=given.positive, required=True)
    parser.add_argument("--background-bq-per-ml", type=given.positive, required=True)
    parser.add_argument("--standard", choices=("standards_1", "standards_2"), default="standards_2")


def outcome(arguments: Namespace) -> Outcome:
    """The answer."""
    return analyse_spheres(
        in_space.volume_of(arguments),
        sphere_bq_per_ml=arguments.sphere_bq_per_ml,
        background_bq_per_ml=arguments.background_bq_per_ml,
        standard=arguments.standard,
    )
