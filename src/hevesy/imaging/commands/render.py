"""Volume rendering: `hevesy image render CT_DIR --tissue bone --tissue skin --out picture.png`.

A still from one angle, or a movie that turns once. `--pet DIR` lets a PET glow in the tissues; with
`--pet` alone only the PET shows. Where ranges of tissues overlap, the one named first counts.
`--clip x:-80..80` keeps what lies between two places in mm (DICOM patient coordinates: x to the
patient's left, y to the back, z to the head); either end may be left out; several cut together.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from pydicom.dataset import Dataset

from hevesy.imaging.commands import answer, complain, existing, wrong_call
from hevesy.imaging.commands.pictures import STILLS, still_needs_one, write_and_tell
from hevesy.imaging.commands.series import EMISSION, in_suv, one_series, require_one_frame
from hevesy.imaging.geometry import Volume
from hevesy.imaging.refusal import Refused

if TYPE_CHECKING:
    from hevesy.imaging.render.raycast import Glow

_BACKGROUNDS: Final = {"black": (0, 0, 0), "white": (255, 255, 255), "grey": (90, 90, 90)}


class Clip(NamedTuple):
    """What is kept along one axis, mm in LPS."""

    axis: int
    low: float
    high: float


def add_arguments(parser: ArgumentParser) -> None:
    """Declare sources, looks, cuts and target."""
    parser.add_argument("folder", type=Path, metavar="CT_DIR", nargs="?", help="folder of a CT")
    parser.add_argument("--pet", type=Path, metavar="DIR", help="PET or SPECT that glows in it")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help=".png, .jpg, .gif, .avi, .mp4, .dcm or folder"
    )
    parser.add_argument(
        "--tissue", action="append", metavar="NAME", help="several may be given; default bone, skin"
    )
    parser.add_argument("--list-tissues", action="store_true", help="list them and stop")
    parser.add_argument("--looks", type=Path, metavar="TOML", help="an edited table of tissues")
    parser.add_argument(
        "--clip", action="append", type=_clip, default=[], metavar="AXIS:MM..MM", help="keep this"
    )
    parser.add_argument("--without-couch", action="store_true", help="air outside the patient")
    parser.add_argument(
        "--angles", type=float, nargs="+", metavar="DEG", help="0 front, 90 onto the left side"
    )
    parser.add_argument("--frames", type=_whole, default=36, help="of a whole turn (default: 36)")
    parser.add_argument("--tilt", type=float, default=0.0, metavar="DEG", help="viewer to the head")
    parser.add_argument("--size", type=_whole, default=512, help="of the longer side (default 512)")
    parser.add_argument("--background", choices=_BACKGROUNDS, default="black")
    parser.add_argument("--pet-look", default="hot", metavar="NAME", help="see --list-tissues")
    parser.add_argument("--pet-window", type=float, nargs=2, metavar=("LOW", "HIGH"))
    parser.add_argument("--colour-map", metavar="NAME", help="of the PET, see mip")
    parser.add_argument("--ratio", type=float, default=0.5, help="0 tissues only, 1 PET only")
    parser.add_argument("--series", metavar="UID", help="which CT, where there are several")
    parser.add_argument("--fps", type=float, default=12.0, help="frames per second (default: 12)")
    parser.add_argument("--lossless", action="store_true", help="uncompressed AVI")
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def run(arguments: Namespace) -> int:
    """Make the picture; returns the exit status."""
    if arguments.list_tissues:
        return _list(arguments)
    angles = _angles(arguments)
    wrong = _wrong_call(arguments, angles)
    if wrong:
        raise wrong_call(f"{wrong[0].upper()}{wrong[1:]}.")
    existing(arguments.folder, arguments.pet, arguments.looks)
    from hevesy.imaging.render.couch import without_couch
    from hevesy.imaging.render.raycast import cast, turntable
    from hevesy.imaging.render.tissues import tissue_looks, tissues_of

    volume, source, pet, warnings = _read(arguments)
    keys = (arguments.tissue or ["bone", "skin"]) if arguments.folder else []
    tissues = tissues_of(keys, arguments.looks)
    couch_ml = None
    if arguments.without_couch:
        complain("taking the couch away")
        volume, couch_ml = without_couch(volume)
    glow = None if pet is None else _glow(pet, arguments, alone=not keys)
    low, high = _kept_box(volume, arguments.clip)
    views = turntable(low, high, angles, tilt_degrees=arguments.tilt, longest=arguments.size)
    volume = _coarse(volume, views[0].spacing_mm)
    pictures = np.empty((len(views), *views[0].shape, 3), np.uint8)
    keep = _half_spaces(arguments.clip)
    background = _BACKGROUNDS[arguments.background]
    for number, view in enumerate(views):
        complain(f"view {number + 1} of {len(views)}")
        drawn = cast(volume, view, tissues, glow=glow, keep=keep, background=background)
        pictures[number] = drawn.picture
    looks = tissue_looks(arguments.looks)
    told: dict[str, Any] = {
        "status": "ok",
        "series_instance_uid": volume.series_instance_uid,
        "tissues": [looks[key].as_json() for key in keys],
        "angles_degrees": angles,
        "spacing_mm": views[0].spacing_mm,
        "kept_lps_mm": [low.tolist(), high.tolist()],
        "pet_window": None if glow is None else list(glow.window),
        "pet_units": None if pet is None else pet.units,
        "couch_taken_away_ml": couch_ml,
        "method": drawn.method,
        "version": drawn.version,
        "warnings": warnings,
    }
    shown = [*keys, *(["PET"] if pet is not None else [])]
    return write_and_tell(
        arguments,
        told,
        pictures,
        source,
        description=f"Volume rendering {', '.join(shown)}",
        said=f"{', '.join(shown)}",
    )


def _read(arguments: Namespace) -> tuple[Volume, Dataset, Volume | None, list[dict[str, Any]]]:
    """What the rays run through, a header of it, the PET, and what a reader should know of it."""
    warnings: list[dict[str, Any]] = []
    pet = pet_source = None
    if arguments.pet:
        pet, pet_source = one_series(arguments.pet, EMISSION)
        pet, warnings = in_suv(pet)
    if not arguments.folder:
        assert pet is not None and pet_source is not None
        return pet, pet_source, pet, warnings
    volume, source = one_series(arguments.folder, ("CT",), arguments.series)
    volume, own = in_suv(volume)
    if pet is not None:
        require_one_frame(volume, pet)
    return volume, source, pet, own + warnings


def _angles(arguments: Namespace) -> list[float]:
    """Those asked for; else the front for a still, a whole turn for a movie."""
    if arguments.angles:
        return [float(one) for one in arguments.angles]
    if arguments.out is not None and arguments.out.suffix.lower() in STILLS:
        return [0.0]
    return [360.0 * n / arguments.frames for n in range(arguments.frames)]


def _wrong_call(arguments: Namespace, angles: Sequence[float]) -> str:
    if arguments.out is None or not (arguments.folder or arguments.pet):
        return "a folder of CT or --pet DIR, and --out FILE are needed"
    if arguments.lossless and arguments.out.suffix.lower() != ".avi":
        return "--lossless is for .avi"
    if arguments.without_couch and not arguments.folder:
        return "--without-couch is for a CT"
    return still_needs_one(arguments.out, len(angles))


def _clip(text: str) -> Clip:
    try:
        axis, ends = text.split(":")
        low, high = ends.split("..")
        clip = Clip("xyz".index(axis), float(low or "-inf"), float(high or "inf"))
    except ValueError as error:
        raise ArgumentTypeError("write AXIS:MM..MM, such as y:-120..60 or z:..-300") from error
    if not clip.low < clip.high:
        raise ArgumentTypeError("the lower end must lie below the upper")
    return clip


def _whole(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 4096:
        raise ArgumentTypeError("must lie between 1 and 4096")
    return number


def _glow(pet: Volume, arguments: Namespace, *, alone: bool) -> Glow:
    from hevesy.imaging.render.slices import default_window
    from hevesy.imaging.render.tissues import glow_looks

    looks = glow_looks(arguments.looks)
    if arguments.pet_look not in looks:
        raise Refused(
            "unknown_pet_look",
            f"There is no look of a PET of this name; choose one of {', '.join(looks)}.",
            f"没有该 PET 显示方式，可选：{'、'.join(looks)}。",
        )
    window = arguments.pet_window
    if window is None and pet.units != "SUVbw":
        window = default_window(pet)
    return looks[arguments.pet_look].glow(
        pet,
        window=None if window is None else (window[0], window[1]),
        colours=arguments.colour_map,
        ratio=1.0 if alone else arguments.ratio,
    )


def _kept_box(volume: Volume, clips: Sequence[Clip]) -> tuple[Any, Any]:
    """Corners, LPS mm, of what the cuts leave of a volume."""
    corners = volume.corners_lps()
    low, high = corners.min(axis=0), corners.max(axis=0)
    for axis, least, most in clips:
        low[axis], high[axis] = max(low[axis], least), min(high[axis], most)
    if not np.all(low < high):
        raise Refused(
            "nothing_kept",
            "The cuts leave nothing of the images; the images lie elsewhere (see detail).",
            "裁剪后没有剩余图像；图像范围见详情。",
            f"images {corners.min(axis=0).round()} to {corners.max(axis=0).round()} mm",
        )
    return low, high


def _half_spaces(clips: Sequence[Clip]) -> list[Any]:
    from hevesy.imaging.render.raycast import HalfSpace

    kept = []
    for axis, low, high in clips:
        for sign, end in ((-1.0, low), (1.0, high)):
            if np.isfinite(end):
                normal = [0.0, 0.0, 0.0]
                normal[axis] = sign
                kept.append(HalfSpace((normal[0], normal[1], normal[2]), sign * end))
    return kept


def _coarse(volume: Volume, spacing_mm: float) -> Volume:
    """Voxels finer than half a picture element averaged: they cost time and make grain."""
    factors = [max(1, int(spacing_mm / own + 0.01)) for own in volume.spacing_mm]
    return volume if max(factors) == 1 else volume.binned((factors[0], factors[1], factors[2]))


def _list(arguments: Namespace) -> int:
    from hevesy.imaging.render.tissues import glow_looks, tissue_looks

    tissues, glows = tissue_looks(arguments.looks), glow_looks(arguments.looks)
    if arguments.json:
        answer({"tissues": [one.as_json() for one in tissues.values()], "pet_looks": [*glows]})
        return 0
    for key, one in tissues.items():
        ranges = ", ".join(f"{step.low:g} to {step.high:g}" for step in one.steps)
        sys.stdout.write(f"{key:<12} {one.name_en}/{one.name_zh}: {ranges} HU\n")
    for key, look in glows.items():
        low, high = look.window_suv
        sys.stdout.write(f"{key:<12} {look.name_en}/{look.name_zh}: SUV {low:g} to {high:g}\n")
    return 0
