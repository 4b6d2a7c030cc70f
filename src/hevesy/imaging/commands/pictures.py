"""How the verbs that make pictures write them: a still, a movie, a DICOM object."""

from __future__ import annotations

import sys
from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from hevesy.imaging.commands import answer

STILLS: Final = (".png", ".jpg", ".jpeg")


def still_needs_one(out: Path, pictures: int) -> str:
    """What is wrong with a call that asks for several pictures in a file that holds one; or ""."""
    if out.suffix.lower() in STILLS and pictures != 1:
        return f"{out.suffix} holds one picture; a folder (--out without a suffix) takes several"
    return ""


def write_pictures(
    out: Path,
    pictures: npt.NDArray[np.uint8],
    source: Dataset,
    *,
    fps: float,
    description: str,
    lossless: bool = False,
) -> dict[str, Any]:
    """Write (n, rows, columns, 3) as the suffix of `out` says; returns what was written.

    source: an instance of the series that is shown, for the DICOM object. lossless: of an AVI.
    """
    from hevesy.imaging.render.movie import write_movie

    suffix = out.suffix.lower()
    if suffix in STILLS:
        return _still(out, pictures[0])
    if suffix == ".dcm":
        return _dicom(out, pictures, source, fps=fps, description=description)
    kind = "avi-lossless" if lossless else ""
    return write_movie(out, pictures, fps=fps, kind=kind).as_json()


def _still(out: Path, picture: npt.NDArray[np.uint8]) -> dict[str, Any]:
    from PIL import Image

    lossless = out.suffix.lower() == ".png"
    # Without subsampling of colours, or thin coloured lines fade.
    looks = {} if lossless else {"quality": 92, "subsampling": 0}
    Image.fromarray(picture).save(out, "PNG" if lossless else "JPEG", **looks)
    rows, columns = picture.shape[:2]
    return {
        "path": str(out),
        "kind": "png" if lossless else "jpg",
        "frames": 1,
        "rows": rows,
        "columns": columns,
        "bytes": out.stat().st_size,
        "lossless": lossless,
    }


def _dicom(
    out: Path, pictures: npt.NDArray[np.uint8], source: Dataset, *, fps: float, description: str
) -> dict[str, Any]:
    from hevesy.imaging.render.secondary_capture import secondary_capture

    made = secondary_capture(
        pictures,
        source,
        fps=fps,
        description=description,
        made_at=datetime.now(UTC).astimezone(),
    )
    made.save_as(out, enforce_file_format=True)
    return {
        "path": str(out),
        "kind": "dicom",
        "frames": len(pictures),
        "rows": pictures.shape[1],
        "columns": pictures.shape[2],
        "fps": fps,
        "bytes": out.stat().st_size,
        "lossless": True,
        "sop_instance_uid": str(made.SOPInstanceUID),
    }


def write_and_tell(
    arguments: Namespace,
    told: dict[str, Any],
    pictures: npt.NDArray[np.uint8],
    source: Dataset,
    *,
    description: str,
    said: str,
) -> int:
    """The end of each verb that makes pictures: write them to `--out`, then answer; the exit status.

    told: the answer as JSON so far. said: what a person reads behind name and size of the file.
    """
    told = told | write_pictures(
        arguments.out,
        pictures,
        source,
        fps=arguments.fps,
        lossless=arguments.lossless,
        description=description,
    )
    if arguments.json:
        answer(told)
    else:
        rate = f", {told['fps']:g} fps" if "fps" in told else ""
        frames = "" if told["frames"] == 1 else f"{told['frames']} frames "
        size = f"{told['columns']} x {told['rows']}"
        sys.stdout.write(f"{told['path']}: {frames}{size}{rate}, {said}\n")
    return 0
