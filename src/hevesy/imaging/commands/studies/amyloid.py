"""`hevesy image analyse amyloid FILE … --tracer NAME`: SUVR and Centiloid."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Final

from hevesy.imaging.analyse.outcome import Outcome
from hevesy.imaging.analyse.uptake import TABLES, analyse_amyloid
from hevesy.imaging.commands.studies import in_space

HELP: Final = "SUVR of the cortex over a reference region, and Centiloid by the tracer's equation."
_CORTEX: Final = [
    f"{side} {lobe}" for lobe in ("frontal", "temporal", "parietal") for side in ("left", "right")
]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    in_space.add_volume(parser)
    in_space.add_brain(parser)
    in_space.add_way(parser)
    parser.add_argument("--tracer", required=True, help="row of the table")
    parser.add_argument(
        "--cortex", nargs="+", default=[*_CORTEX, "posterior cingulate and precuneus"]
    )
    parser.add_argument("--reference", nargs="+", default=["left cerebellum", "right cerebellum"])
    parser.add_argument(
        "--standard-regions", action="store_true", help="the atlas is the Centiloid standard one"
    )
    parser.add_argument("--table", type=Path, default=TABLES / "centiloid.toml")


def outcome(arguments: Namespace) -> Outcome:
    """The answer."""
    regions = in_space.regions_of(arguments)
    return analyse_amyloid(
        in_space.brain_of(arguments.files, regions, arguments),
        regions,
        tracer=arguments.tracer,
        cortex=tuple(arguments.cortex),
        reference=tuple(arguments.reference),
        standard_regions=arguments.standard_regions,
        table=arguments.table,
    )
