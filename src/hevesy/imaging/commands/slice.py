"""Slices and slabs: `hevesy image slice DIR --plane coronal --out picture.png`, fused with `--pet`.

DIR holds a CT, MR, PET or SPECT. A still shows the plane through the middle or `--at X Y Z` (mm in
DICOM patient coordinates: x to the patient's left, y to the back, z to the head); a movie pages
through all of it. `--turn` and `--tilt` give an oblique plane, with angles as in `render`.
`--slab MM` shows the maximum (or mean, minimum) of a thick slab. `--thumbnail N` makes the square
picture of the archive's lists. Axial slices are seen from the feet, as usual.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hevesy.imaging.commands import complain, existing, wrong_call
from hevesy.imaging.commands.pictures import STILLS, write_and_tell
from hevesy.imaging.commands.series import (
    ANATOMY,
    EMISSION,
    in_suv,
    one_series,
    require_one_frame,
)
from hevesy.imaging.geometry import PLANES, Plane, Volume
from hevesy.imaging.refusal import Refused

if TYPE_CHECKING:
    from hevesy.imaging.render.colour import Picture
    from hevesy.imaging.render.slices import View


def add_arguments(parser: ArgumentParser) -> None:
    """Declare sources, plane, looks and target."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of CT, MR, PET or SPECT")
    parser.add_argument("--pet", type=Path, metavar="DIR", help="PET or SPECT over it, in colour")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        required=True,
        help=".png, .jpg, .gif, .avi, .mp4, .dcm or folder",
    )
    parser.add_argument("--plane", choices=PLANES, default="axial")
    parser.add_argument("--turn", type=float, metavar="DEG", help="0 coronal, 90 sagittal")
    parser.add_argument("--tilt", type=float, metavar="DEG", help="viewer towards the head")
    parser.add_argument("--at", type=float, nargs=3, metavar=("X", "Y", "Z"), help="LPS mm")
    parser.add_argument("--slab", type=float, default=0.0, metavar="MM", help="thickness")
    parser.add_argument("--projection", choices=("max", "mean", "min"), default="max")
    parser.add_argument("--step", type=float, metavar="MM", help="between pictures of a movie")
    parser.add_argument("--size", type=int, default=512, help="of the longer side (default 512)")
    parser.add_argument("--thumbnail", type=int, metavar="N", help="a square of N, nothing else")
    parser.add_argument("--window", type=float, nargs=2, metavar=("LOW", "HIGH"))
    parser.add_argument("--pet-window", type=float, nargs=2, metavar=("LOW", "HIGH"))
    parser.add_argument("--colour-map", metavar="NAME", help="of the PET over it, or of DIR")
    parser.add_argument("--alpha", type=float, default=0.5, help="share of the PET, 0 to 1")
    parser.add_argument("--series", metavar="UID", help="which series of DIR")
    parser.add_argument("--fps", type=float, default=12.0, help="frames per second (default: 12)")
    parser.add_argument("--lossless", action="store_true", help="uncompressed AVI")
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def run(arguments: Namespace) -> int:
    """Make the pictures; returns the exit status."""
    wrong = _wrong_call(arguments)
    if wrong:
        raise wrong_call(f"{wrong[0].upper()}{wrong[1:]}.")
    existing(arguments.folder, arguments.pet)
    from hevesy.imaging.render.slices import thumbnail

    volume, source = one_series(
        arguments.folder, (*ANATOMY, *EMISSION), arguments.series, whole=False
    )
    volume, warnings = in_suv(volume)
    told: dict[str, Any] = {
        "status": "ok",
        "series_instance_uid": volume.series_instance_uid,
        "units": volume.units,
        "fused_with_pet": bool(arguments.pet),
    }
    if arguments.thumbnail is not None:
        pictures = thumbnail(volume, size=arguments.thumbnail)[None]
    else:
        pet = None
        if arguments.pet:
            pet, own = in_suv(one_series(arguments.pet, EMISSION, whole=False)[0])
            warnings += own
            require_one_frame(volume, pet)
        views = _views(volume, arguments)
        draw, looks = _painter(volume, pet, arguments)
        complain(f"{len(views)} pictures")
        pictures = np.stack([draw(view) for view in views])
        told |= looks | {
            "plane_u_lps": list(views[0].plane.axis_u),
            "plane_v_lps": list(views[0].plane.axis_v),
            "centres_lps_mm": [list(view.centre_lps) for view in views],
            "spacing_mm": views[0].spacing_mm,
            "slab_mm": arguments.slab,
            "projection": arguments.projection if arguments.slab else None,
        }
    told["warnings"] = warnings
    return write_and_tell(
        arguments,
        told,
        pictures,
        source,
        description=f"Slices {volume.modality}{' + PET' if arguments.pet else ''}",
        said=f"{volume.modality} in {volume.units}",
    )


def _wrong_call(arguments: Namespace) -> str:
    for window in (arguments.window, arguments.pet_window):
        if window is not None and not window[0] < window[1]:
            return "the lower end of a window must lie below the upper"
    if not 0 <= arguments.alpha <= 1:
        return "--alpha must lie between 0 and 1"
    if arguments.slab < 0 or (arguments.step is not None and not arguments.step > 0):
        return "a slab or step is a number of mm above zero"
    if min(arguments.size, 1 if arguments.thumbnail is None else arguments.thumbnail) < 1:
        return "a picture has at least one picture element"
    if arguments.lossless and arguments.out.suffix.lower() != ".avi":
        return "--lossless is for .avi"
    return ""


def _plane(arguments: Namespace) -> Plane:
    if arguments.turn is None and arguments.tilt is None:
        return PLANES[arguments.plane]
    from hevesy.imaging.render.raycast import turned_plane

    return turned_plane(arguments.turn or 0.0, tilt_degrees=arguments.tilt or 0.0)


def _views(volume: Volume, arguments: Namespace) -> list[View]:
    """One for a still; for a movie as many as fit, from the viewer away; axial from the head."""
    from hevesy.imaging.render.slices import whole_view

    plane = _plane(arguments)
    corners = volume.corners_lps()
    sides = [float(np.ptp(corners @ np.array(axis))) for axis in (plane.axis_u, plane.axis_v)]
    one = whole_view(
        volume,
        plane,
        at_lps=arguments.at,
        spacing_mm=max(sides) / arguments.size,
        longest=arguments.size,
    )
    if arguments.out.suffix.lower() in STILLS:
        _require_inside(corners, one)
        return [one]
    # A step of the voxels along the way, so that no slice is skipped or shown twice.
    normal = plane.normal
    step = arguments.step or float(1.0 / np.linalg.norm(volume.lps_to_ijk[:3, :3] @ normal))
    deep = corners @ normal
    count = max(1, round(float(np.ptp(deep)) / step))
    order = np.arange(count)[::-1] if normal[2] > 0.5 else np.arange(count)
    middle = np.asarray(volume.centre_lps)
    centres = middle + ((order - (count - 1) / 2) * step)[:, None] * normal
    return [replace(one, centre_lps=(float(x), float(y), float(z))) for x, y, z in centres]


def _require_inside(corners: npt.NDArray[np.float64], view: View) -> None:
    deep = corners @ view.plane.normal
    if not deep.min() <= np.asarray(view.centre_lps) @ view.plane.normal <= deep.max():
        raise Refused(
            "plane_outside",
            "The plane does not meet the images; choose another place (see detail).",
            "该平面与图像不相交，请另选位置；图像范围见详情。",
            f"images {corners.min(axis=0).round()} to {corners.max(axis=0).round()} mm",
        )


def _painter(
    volume: Volume, pet: Volume | None, arguments: Namespace
) -> tuple[Callable[[View], Picture], dict[str, Any]]:
    """How a view becomes a picture, and with which windows and colours."""
    from hevesy.imaging.render.colour import GREY, coloured
    from hevesy.imaging.render.colourmaps import colour_map
    from hevesy.imaging.render.fusion import fused
    from hevesy.imaging.render.slices import default_window, slice_values

    low, high = arguments.window or default_window(volume)

    def values(of: Volume, view: View, outside: float) -> Any:
        return slice_values(
            of, view, slab_mm=arguments.slab, projection=arguments.projection, outside=outside
        )

    if pet is None:
        key = arguments.colour_map or ("grey" if volume.modality in ANATOMY else "inverse_grey")
        table = colour_map(key).table
        told = {"window": [low, high], "colour_map": key}
        return lambda view: coloured(values(volume, view, low), low, high, table), told
    key = arguments.colour_map or "hot_iron"
    above = colour_map(key).table
    ends = arguments.pet_window or default_window(pet)
    told = {"window": [low, high], "pet_window": list(ends), "pet_units": pet.units}
    told |= {"colour_map": key, "alpha": arguments.alpha}

    def draw(view: View) -> Picture:
        return fused(
            values(volume, view, low),
            values(pet, view, ends[0]),
            below_window=(low, high),
            above_window=(ends[0], ends[1]),
            below_table=GREY,
            above_table=above,
            alpha=arguments.alpha,
        )

    return draw, told
