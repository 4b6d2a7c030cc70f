"""Options that several studies share, and how they are read."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

from hevesy.imaging.analyse.acquired import Acquired, acquired, half_life_of
from hevesy.imaging.analyse.regions import RegionSet, read_regions
from hevesy.imaging.dicomio.planar import PlanarSeries, read_planar


def add_files(parser: ArgumentParser, *, several: bool = False) -> None:
    """Declare the images, the regions and the nuclide."""
    parser.add_argument(
        "files", nargs="+" if several else 1, type=Path, metavar="FILE", help="DICOM NM image"
    )
    parser.add_argument(
        "--rois", type=Path, required=True, metavar="FILE", help="regions, hevesy-regions/1"
    )
    parser.add_argument("--nuclide", help="instead of the header's, for example Tc-99m")


def add_view(parser: ArgumentParser) -> None:
    """Declare which view of a series is analysed."""
    parser.add_argument("--view", default="", help="anterior, posterior, …: if there are several")


def read(arguments: Namespace, path: Path) -> PlanarSeries:
    """Read one image; what the reader doubts about it is kept for the answer."""
    series = read_planar(path)
    arguments.doubts = [*getattr(arguments, "doubts", []), *series.findings]
    return series


def series_of(arguments: Namespace) -> list[PlanarSeries]:
    """All given images, in the order given."""
    return [read(arguments, path) for path in arguments.files]


def one_view(arguments: Namespace) -> tuple[Acquired, RegionSet, float]:
    """Frames of the one image, its regions, and the half-life in s."""
    series = read(arguments, arguments.files[0])
    return (
        acquired(series, view=arguments.view),
        read_regions(arguments.rois),
        half_life_of(series, arguments.nuclide),
    )


def positive(text: str) -> float:
    """A number above zero."""
    number = float(text)
    if not 0 < number < float("inf"):
        raise ArgumentTypeError("must be above zero")
    return number


def interval(text: str) -> tuple[float, float]:
    """Two times in s, written as FROM:TO."""
    first, _, last = text.partition(":")
    try:
        found = float(first), float(last)
    except ValueError:
        raise ArgumentTypeError("two times in seconds, FROM:TO") from None
    if not 0 <= found[0] < found[1] < float("inf"):
        raise ArgumentTypeError("FROM must lie before TO")
    return found
