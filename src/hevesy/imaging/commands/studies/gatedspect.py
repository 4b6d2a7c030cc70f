"""`hevesy image analyse gatedspect FILE … --fwhm-mm N [--apex X Y Z --base X Y Z]`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from hevesy.imaging.analyse.gatedspect import NOMINAL_WALL_MM, analyse_gated_spect
from hevesy.imaging.analyse.heart.segments import read_limits
from hevesy.imaging.analyse.heart.surfaces import Axis
from hevesy.imaging.analyse.outcome import Outcome
from hevesy.imaging.commands.studies import in_space
from hevesy.imaging.dicomio.phases import read_phases
from hevesy.imaging.geometry import Volume
from hevesy.imaging.reconstruct.gates import summed
from hevesy.imaging.reconstruct.heartaxis import HeartAxis, find_heart_axis, stated_axis
from hevesy.imaging.reconstruct.reorient import short_axis
from hevesy.imaging.refusal import Refused

HELP: Final = (
    "LV volumes, EF, thickening and 17 segments. Transaxial gates are turned to the heart's axis,"
    " which is found, or stated by --apex and --base. Short-axis slices: apex first, inferior wall"
    " down, lateral wall right."
)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    in_space.add_volume(parser)
    parser.add_argument("--fwhm-mm", type=float, required=True, help="resolution of the images")
    parser.add_argument("--apex", type=float, nargs=3, metavar="MM", help="LPS, with --base")
    parser.add_argument("--base", type=float, nargs=3, metavar="MM", help="LPS, valve plane")
    parser.add_argument(
        "--orientation",
        choices=("auto", "transaxial", "short-axis"),
        default="auto",
        help="of the slices; auto: as their header says, oblique is short-axis",
    )
    parser.add_argument("--axis-mm", type=float, nargs=3, metavar="MM", help="i, j and centre k")
    parser.add_argument("--valve-mm", type=float, help="valve plane along k, short-axis mm")
    wall = parser.add_mutually_exclusive_group()
    wall.add_argument("--wall-mm", type=float, default=NOMINAL_WALL_MM, help="diastolic thickness")
    wall.add_argument("--measure-wall", action="store_true", help="needs an exact resolution")
    parser.add_argument(
        "--part-of-beat", action="store_true", help="gates do not cut the whole beat equally"
    )
    parser.add_argument("--limits", type=Path, help="the site's normal limits, TOML")
    parser.add_argument("--limits-sha256", default="", help="their checksum")


def outcome(arguments: Namespace) -> Outcome:
    """The answer."""
    volumes = list(read_phases(in_space.files_of(arguments.files)).volumes)
    axis = _axis_of(volumes, arguments)
    if axis is not None:
        voxel_mm = min(volumes[0].spacing_mm)
        volumes = [
            short_axis(one, apex_lps=axis.apex_lps, base_lps=axis.base_lps, spacing_mm=voxel_mm)
            for one in volumes
        ]
    found = analyse_gated_spect(
        [one.array for one in volumes],
        spacing_mm=volumes[0].spacing_mm,
        fwhm_mm=arguments.fwhm_mm,
        axis=Axis(*arguments.axis_mm) if arguments.axis_mm else None,
        base_mm=arguments.valve_mm,
        wall_mm=None if arguments.measure_wall else arguments.wall_mm,
        whole_beat=not arguments.part_of_beat,
        limits=read_limits(arguments.limits, sha256=arguments.limits_sha256)
        if arguments.limits
        else None,
    )
    orientation = "slices are short-axis" if axis is None else axis.as_json()
    return replace(
        found,
        inputs={**found.inputs, "orientation": orientation},
        findings=(*(axis.findings if axis else ()), *found.findings),
    )


def _axis_of(volumes: list[Volume], arguments: Namespace) -> HeartAxis | None:
    """The axis to turn the slices to; None where they lie along it already."""
    if bool(arguments.apex) != bool(arguments.base):
        raise Refused(
            "half_an_axis",
            "The heart's axis needs both --apex and --base, or neither to have it found.",
            "请同时给出心尖与心底，或都不给以自动确定长轴。",
        )
    if arguments.apex:
        return stated_axis(apex_lps=arguments.apex, base_lps=arguments.base)
    directions = volumes[0].ijk_to_lps[:3, :3] / np.array(volumes[0].spacing_mm)
    transaxial = np.allclose(np.abs(np.diag(directions)), 1.0, atol=0.004)
    if arguments.orientation == "short-axis" or (
        arguments.orientation == "auto" and not transaxial
    ):
        return None
    return find_heart_axis(summed(volumes))
