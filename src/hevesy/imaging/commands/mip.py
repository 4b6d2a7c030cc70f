"""A rotating MIP as a movie: `hevesy image mip DIR --out cine.avi|mp4|gif|dcm`, PET or SPECT.

With `--ct DIR` the CT turns below it in grey. A series with a gap is refused unless `--incomplete`,
one of a single slice always: turned, it is a line. Values are SUVbw where the header gives it, otherwise
those of the series. `--out` without a suffix makes a folder of PNG. Nothing is written into the
pictures. Exit status as for every verb.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pydicom.dataset import Dataset

from hevesy.imaging.commands import answer, complain, existing, wrong_call
from hevesy.imaging.dicomio import ImageRefused, read_dataset, read_series, require_whole
from hevesy.imaging.geometry import Volume
from hevesy.imaging.quantify.suv import apply_suv, suv_factor
from hevesy.imaging.refusal import Refused
from hevesy.imaging.render.colour import GREY, blended, coloured
from hevesy.imaging.render.colourmaps import colour_map, colour_maps, groups
from hevesy.imaging.render.slices import default_window

# Bones in grey, soft tissue faint: what tells where in the body a lesion turns.
_CT_WINDOW_HU: Final = (-200.0, 1200.0)
_EMISSION: Final = ("PT", "NM")


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
    from hevesy.imaging.render.movie import video_program, write_movie

    if arguments.out.suffix.lower() == ".mp4":
        # Before minutes of rendering.
        video_program()
    key = arguments.colour_map or ("hot_iron" if arguments.ct else "inverse_grey")
    table = colour_map(key).table
    volume, source = _read(arguments.folder, _EMISSION, arguments.series, arguments)
    volume, warnings = _in_suv(volume)
    low, high = arguments.window or default_window(volume)
    complain(f"{arguments.frames} views of {volume.modality} {volume.description}")
    pictures = coloured(rotating_mip(volume, frames=arguments.frames).values, low, high, table)
    if arguments.ct:
        ct, _ = _read(arguments.ct, ("CT",), None, arguments)
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
    if arguments.out.suffix.lower() == ".dcm":
        told |= _write_dicom(arguments, pictures, source, volume)
    else:
        kind = "avi-lossless" if arguments.lossless else ""
        told |= write_movie(arguments.out, pictures, fps=arguments.fps, kind=kind).as_json()
    if arguments.json:
        answer(told)
    else:
        sys.stdout.write(
            f"{arguments.out}: {told['frames']} frames {told['columns']} x {told['rows']},"
            f" {told['fps']:g} fps, {volume.units} {low:g} to {high:g}, {key}\n"
        )
    return 0


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
    return ""


def _whole(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 720:
        raise ArgumentTypeError("must lie between 1 and 720")
    return number


def _read(
    folder: Path, modalities: tuple[str, ...], uid: str | None, arguments: Namespace
) -> tuple[Volume, Dataset]:
    """The one series of these modalities in a folder, and one of its headers."""
    series: dict[str, list[Path]] = {}
    headers = {}
    for path in _files(folder):
        try:
            header = read_dataset(path, with_pixels=False)
        except ImageRefused as error:
            complain(f"{path}: {error}")
            continue
        own = str(header.get("SeriesInstanceUID", ""))
        if header.get("Modality") in modalities and uid in (None, own):
            series.setdefault(own, []).append(path)
            headers[own] = header
    kinds = "/".join(modalities)
    if not series:
        raise Refused(
            "series_not_found",
            f"The folder holds no {kinds} series that fits; check folder and --series.",
            f"该文件夹中没有符合条件的 {kinds} 序列；请检查文件夹和 --series。",
        )
    if len(series) > 1:
        raise Refused(
            "several_series",
            f"The folder holds several {kinds} series; name one with --series UID or give its"
            " own folder.",
            f"该文件夹中有多个 {kinds} 序列；请用 --series UID 指定一个，或给出其所在文件夹。",
            ", ".join(f"{own} {headers[own].get('SeriesDescription', '')}" for own in series),
        )
    ((own, paths),) = series.items()
    complain(f"reading {len(paths)} files of {kinds}")
    volume = read_series(paths)
    if not arguments.incomplete or len(volume.array) < 2:
        require_whole(volume)
    return volume, headers[own]


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_file():
        yield folder
        return
    yield from (path for path in sorted(folder.rglob("*")) if path.is_file())


def _in_suv(volume: Volume) -> tuple[Volume, list[dict[str, Any]]]:
    """SUVbw where the header gives it; else the values as they are, with a warning."""
    warnings = [
        {"key": one.key, "text_en": one.text_en, "text_zh": one.text_zh} for one in volume.findings
    ]
    if volume.modality != "PT":
        return volume, warnings
    factor = suv_factor(volume.headers)
    if factor.per_slice:
        return apply_suv(volume, factor), warnings
    warnings.append(
        {
            "key": f"no_suv_{factor.refused}",
            "text_en": f"SUV cannot be computed; values are in {volume.units}.",
            "text_zh": f"无法计算 SUV，数值单位为 {volume.units}。",
        }
    )
    complain(warnings[-1]["text_en"])
    return volume, warnings


def _below(ct: Volume, volume: Volume) -> Volume:
    """The CT on the grid of the PET, its fine voxels averaged first."""
    from hevesy.imaging.geometry.reslice import resliced

    frames = {ct.frame_of_reference_uid, volume.frame_of_reference_uid}
    if len(frames) > 1:
        raise Refused(
            "frames_of_reference_differ",
            "CT and PET do not share a frame of reference; register them first.",
            "CT 与 PET 不在同一参考坐标系；请先配准。",
        )
    coarse = [
        max(1, int(wide / fine + 0.01))
        for wide, fine in zip(volume.spacing_mm, ct.spacing_mm, strict=True)
    ]
    if max(coarse) > 1:
        ct = ct.binned((coarse[0], coarse[1], coarse[2]))
    return resliced(ct, volume)


def _write_dicom(
    arguments: Namespace, pictures: Any, source: Dataset, volume: Volume
) -> dict[str, Any]:
    from hevesy.imaging.render.secondary_capture import secondary_capture

    made = secondary_capture(
        pictures,
        source,
        fps=arguments.fps,
        description=f"MIP {volume.modality}{' + CT' if arguments.ct else ''}",
        made_at=datetime.now(UTC).astimezone(),
    )
    made.save_as(arguments.out, enforce_file_format=True)
    return {
        "path": str(arguments.out),
        "kind": "dicom",
        "frames": len(pictures),
        "rows": pictures.shape[1],
        "columns": pictures.shape[2],
        "fps": arguments.fps,
        "bytes": arguments.out.stat().st_size,
        "lossless": True,
        "sop_instance_uid": str(made.SOPInstanceUID),
    }


def _list_colour_maps(*, as_json: bool) -> int:
    if as_json:
        answer([one.as_json() for one in colour_maps().values()])
        return 0
    for one in colour_maps().values():
        en, zh = groups()[one.group]
        even = "monotone" if one.monotone else "        "
        sys.stdout.write(f"{one.id:<22}{even}  {en}/{zh}: {one.name_en}/{one.name_zh}\n")
    return 0
