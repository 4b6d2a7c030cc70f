"""`hevesy image analyse gatedspect FILE … --fwhm-mm N [--apex X Y Z --base X Y Z]`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Final

from hevesy.imaging.analyse.gatedspect import NOMINAL_WALL_MM, analyse_gated_spect
from hevesy.imaging.analyse.heart.segments import read_limits
from hevesy.imaging.analyse.heart.surfaces import Axis
from hevesy.imaging.analyse.outcome import Outcome
from hevesy.imaging.commands.studies import in_space
from hevesy.imaging.dicomio.phases import read_phases
from hevesy.imaging.reconstruct.reorient import short_axis

HELP: Final = (
    "LV volumes, EF, thickening and 17 segments. Transaxial gates with --apex and --base; without"
    " them slices must be short-axis, apex first, inferior wall down, lateral wall right."
)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    in_space.add_volume(parser)
    parser.add_argument("--fwhm-mm", type=float, required=True, help="resolution of the images")
    parser.add_argument("--apex", type=float, nargs=3, metavar="MM", help="LPS, with --base")
    parser.add_argument("--base", type=float, nargs=3, metavar="MM", help="LPS, valve plane")
    parser.add_argument("--axis-mm", type=float, nargs=3, metavar="MM", help="i, j and centre k")
    parser.add_argument("--valve-mm", type=float, help="valve plane along k, short-axis mm")
    wall = parser.add_mutually_exclusive_group()
    wall.add_argument("--wall-mm", type=float, default=NOMINAL_WALL_MM, help="diastolic thickness")
    wall.add_argument("--measure-wall", action="store_true", help="needs an exact resolution")
    parser.add_argument(
        "--part-of-beat", action="store_true", help="gates do not cut the whole beat equally"
    )
    parser.add_argument("--limits", type=Path, help="the site's normal limits, TOML")


def outcome(arguments: Namespace) -> Outcome:
    """The answer."""
    volumes = list(read_phases(in_space.files_of(arguments.files)).volumes)
    if arguments.apex and arguments.base:
        voxel_mm = min(volumes[0].spacing_mm)
        volumes = [
            short_axis(one, apex_lps=arguments.apex, base_lps=arguments.base, spacing_mm=voxel_mm)
            for one in volumes
        ]
    return analyse_gated_spect(
        [one.array for one in volumes],
        spacing_mm=volumes[0].spacing_mm,
        fwhm_mm=arguments.fwhm_mm,
        axis=Axis(*arguments.axis_mm) if arguments.axis_mm else None,
        base_mm=arguments.valve_mm,
        wall_mm=None if arguments.measure_wall else arguments.wall_mm,
        whole_beat=not arguments.part_of_beat,
        limits=read_limits(arguments.limits) if arguments.limits else None,
    )
