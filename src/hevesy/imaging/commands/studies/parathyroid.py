"""`hevesy image analyse parathyroid EARLY LATE --rois FILE --between-s S`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Final

from hevesy.imaging.analyse.acquired import AcquisitionRefused, acquired, half_life_of
from hevesy.imaging.analyse.outcome import Outcome
from hevesy.imaging.analyse.parathyroid import analyse_subtraction, analyse_washout
from hevesy.imaging.analyse.regions import read_regions
from hevesy.imaging.commands.studies import given

HELP: Final = (
    "Parathyroid: washout of MIBI between an early and a late image, or with --subtract MIBI less the"
    " thyroid image. Roles: thyroid, nodule, background."
)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    given.add_files(parser, several=True)
    given.add_view(parser)
    parser.add_argument("--between-s", type=given.positive, default=7200.0, help="start to start")
    parser.add_argument(
        "--subtract", action="store_true", help="the second image is of the thyroid"
    )


def outcome(arguments: Namespace) -> Outcome:
    """The answer."""
    series = given.series_of(arguments)
    if len(series) != 2:
        raise AcquisitionRefused(
            "two_images",
            "The study compares two images: name both files.",
            "该分析需比较两幅图像，请给出两个文件。",
        )
    first, second = (acquired(one, view=arguments.view) for one in series)
    regions = read_regions(arguments.rois)
    if arguments.subtract:
        return analyse_subtraction(first, second, regions)
    return analyse_washout(
        first,
        second,
        regions,
        half_life_s=half_life_of(series[0], arguments.nuclide),
        between_s=arguments.between_s,
    )
