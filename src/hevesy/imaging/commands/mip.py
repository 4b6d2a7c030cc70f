"""A rotating MIP as a movie: `hevesy image mip DIR --out cine.avi|mp4|gif|dcm`, PET or SPECT.

`--frames 1 --out front.png` (or .jpg) makes a still of the anterior view.

With `--ct DIR` the CT turns below it in grey. A series with a gap is refused unless `--incomplete`,
one of a single slice always: turned, it is a line. Values are SUVbw where the header gives it, otherwise
those of the series. `--out` without a suffix makes a folder of PNG. Nothing is written into the
pictures. Exit status as for every verb.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import Final

from hevesy.imaging.commands import answer, complain, existing, wrong_call
from hevesy.imaging.commands.pictures import still_needs_one, write_and_tell
from hevesy.imaging.commands.series import EMISSION, in_suv, one_series, require_one_frame
from hevesy.imaging.dicomio import require_whole
from hevesy.imaging.geometry import Volume
from hevesy.imaging.render.colour import GREY, blended, coloured
from hevesy.imaging.render.colourmaps import colour_map, colour_maps, groups
from hevesy.imaging.render.slices import default_window

# Bones in grey, soft tissue faint: what tells where in the body a lesion turns.
_CT_WINDOW_HU: Final = (-200.0, 1200.0)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare source, target and looks."""
    parser.add_argument("folder", type=Path, metavar="DIR", nargs="?", help="folder of DICOM")
    parser.add_argument("--out", type=Path, metavar="FILE", help=".avi, .mp4, .gif, .dcm or folder")
    parser.add_argument("--ct", type=Path, metavar="DIR", help="folder with the CT to fuse with")
    parser.add_argument("--series", metavar="UID", help="which series, where there are several")
    parser.add_argument("--incomplete", action="store_true", help="although slices are missing")
    parser.add_argument("--frames", type=_whole, default=72, help="views per turn (default: 72)")
    parser.add_argument("--fps", type=float, default=12.0, help="frames per second (default: 12)")
    parser.add_argument("--colour-map", help="default: inverse_grey; with --ct hot_iron")
    parser.add_argument("--window", type=float, nargs=2, metavar=("LOW", "HIGH"))
    parser.add_argument("--ct-window", type=float, nargs=2, default=_CT_WINDOW_HU, metavar="HU")
    parser.add_argument("--alpha", type=float, default=0.6, help="share of PET in fusion, 0 to 1")
    parser.add_argument("--lossless", action="store_true", help="uncompressed AVI")
    parser.add_argument("--list-colour-maps", action="store_true", help="list them and stop")
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def run(arguments: Namespace) -> int:
    """Make the movie; returns the exit status."""
    if arguments.list_colour_maps:
        return _list_colour_maps(as_json=arguments.json)
    wrong = _wrong_call(arguments)
    if wrong:
        raise wrong_call(wrong)
    existing(arguments.folder, arguments.ct)
    from hevesy.imaging.render.mip import rotating_mip
    from hevesy.imaging.render.movie import video_program

    if arguments.out.suffix.lower() == ".mp4":
        # Before minutes of rendering.
        video_program()
    key = arguments.colour_map or ("hot_iron" if arguments.ct else "inverse_grey")
    table = colour_map(key).table
    volume, source = one_series(
        arguments.folder, EMISSION, arguments.series, whole=not arguments.incomplete
    )
    if len(volume.array) < 2:
        require_whole(volume)
    volume, warnings = in_suv(volume)
    low, high = arguments.window or default_window(volume)
    complain(f"{arguments.frames} views of {volume.modality} {volume.description}")
    pictures = coloured(rotating_mip(volume, frames=arguments.frames).values, low, high, table)
    if arguments.ct:
        ct, _ = one_series(arguments.ct, ("CT",), whole=not arguments.incomplete)
        complain(f"{arguments.frames} views of CT {ct.description}")
        below = rotating_mip(_below(ct, volume), frames=arguments.frames)
        ct_low, ct_high = arguments.ct_window
        bones = coloured(below.values, ct_low, ct_high, GREY)
        pictures = blended(bones, pictures, arguments.alpha)
    complain(f"writing {arguments.out}")
    told = {
        "status": "ok",
        "series_instance_uid": volume.series_instance_uid,
        "units": volume.units,
        "window": [low, high],
        "colour_map": key,
        "degrees_per_frame": 360.0 / arguments.frames,
        "fused_with_ct": bool(arguments.ct),
        "warnings": warnings,
    }
    return write_and_tell(
        arguments,
        told,
        pictures,
        source,
        description=f"MIP {volume.modality}{' + CT' if arguments.ct else ''}",
        said=f"{volume.units} {low:g} to {high:g}, {key}",
    )


def _wrong_call(arguments: Namespace) -> str:
    if arguments.folder is None or arguments.out is None:
        return "A folder and --out FILE are needed."
    for window in (arguments.window, arguments.ct_window):
        if window is not None and not window[0] < window[1]:
            return "The lower end of a window must lie below the upper."
    if not 0 <= arguments.alpha <= 1:
        return "--alpha must lie between 0 and 1."
    if arguments.lossless and arguments.out.suffix.lower() != ".avi":
        return "--lossless is for .avi."
    return still_needs_one(arguments.out, arguments.frames)


def _whole(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 720:
        raise ArgumentTypeError("must lie between 1 and 720")
    return number


def _below(ct: Volume, volume: Volume) -> Volume:
    """The CT on the grid of the PET, its fine voxels averaged first."""
    from hevesy.imaging.geometry.reslice import resliced

    require_one_frame(ct, volume)
    coarse = [
        max(1, int(wide / fine + 0.01))
        for wide, fine in zip(volume.spacing_mm, ct.spacing_mm, strict=True)
    ]
    if max(coarse) > 1:
        ct = ct.binned((coarse[0], coarse[1], coarse[2]))
    return resliced(ct, volume)


def _list_colour_maps(*, as_json: bool) -> int:
    if as_json:
        answer([one.as_json() for one in colour_maps().values()])
        return 0
    for one in colour_maps().values():
        en, zh = groups()[one.group]
        even = "monotone" if one.monotone else "        "
        sys.stdout.write(f"{one.id:<22}{even}  {en}/{zh}: {one.name_en}/{one.name_zh}\n")
    return 0
