"""`hevesy image analyse spectsuv FILE … --calibrations FILE --calibration KEY …`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Final

import numpy as np

from hevesy.imaging.analyse.outcome import Outcome
from hevesy.imaging.analyse.spectsuv import analyse_spect_suv, read_calibration
from hevesy.imaging.commands.studies import given, in_space

HELP: Final = "Bq/mL and SUV of a SPECT with the site's calibration, whole or in a sphere."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    in_space.add_volume(parser)
    parser.add_argument("--calibrations", type=Path, help="the site's table, TOML; not for Bq/mL")
    parser.add_argument("--calibration", default="", help="row of the table")
    parser.add_argument("--duration-s", type=given.positive, default=0.0, help="heads counted")
    parser.add_argument("--nuclide", required=True)
    parser.add_argument("--injected-mbq", type=given.positive, required=True, help="net")
    parser.add_argument("--since-injection-s", type=float, required=True, help="to scan start")
    parser.add_argument("--weight-kg", type=given.positive, required=True)
    parser.add_argument("--height-m", type=given.positive, default=0.0)
    parser.add_argument("--sex", default="")
    parser.add_argument("--kinds", nargs="+", default=["BW"], help="BW, LBMJANMA, …")
    parser.add_argument(
        "--sphere", type=float, nargs=4, metavar="MM", help="centre x y z (LPS) and radius"
    )


def outcome(arguments: Namespace) -> Outcome:
    """The answer."""
    volume = in_space.volume_of(arguments)
    region = None
    if arguments.sphere:
        ni, nj, nk = volume.shape_ijk
        k, j, i = np.indices((nk, nj, ni))
        away = volume.world(np.stack((i, j, k), axis=-1)) - np.array(arguments.sphere[:3])
        region = np.linalg.norm(away, axis=-1) <= arguments.sphere[3]
    return analyse_spect_suv(
        volume,
        read_calibration(arguments.calibrations, arguments.calibration)
        if arguments.calibrations
        else None,
        duration_s=arguments.duration_s,
        nuclide_name=arguments.nuclide,
        injected_mbq=arguments.injected_mbq,
        since_injection_s=arguments.since_injection_s,
        weight_kg=arguments.weight_kg,
        height_m=arguments.height_m,
        sex=arguments.sex,
        region=region,
        kinds=tuple(arguments.kinds),
    )
