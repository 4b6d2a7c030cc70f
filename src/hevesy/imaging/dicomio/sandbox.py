"""Reading in a child process that may crash, hang or grow without harm to the caller.

A decoder fed by strangers is the most exposed code of an image server. `run_task` gives a task to a
fresh process with limits on memory, processor time, file size and open files; it reads a request
from a file in a temporary folder and leaves its results there. What the child refuses arrives here
as the same `ImageRefused`; a child that dies or overstays is refused as `reader_crashed`,
`memory_limit` or `time_limit`. On systems without `resource` (Windows) the limits are not set, the
separate process and the time limit remain.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hevesy.imaging.dicomio.children import run_child
from hevesy.imaging.dicomio.guards import DEFAULT_LIMITS, Limits
from hevesy.imaging.dicomio.refusal import ImageRefused
from hevesy.imaging.geometry import Finding, SliceSource, Volume

if TYPE_CHECKING:
    from hevesy.imaging.render.stored import Viewport, Voi


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """What the child process may use. written_bytes: one file; wall_s: until it is ended.

    memory_bytes: of address space; None for a child that drives a GPU, whose driver maps far more.
    """

    memory_bytes: int | None = 4 * 1024**3
    processor_s: int = 240
    wall_s: float = 300.0
    written_bytes: int = 2 * 1024**3
    open_files: int = 64


DEFAULT_CHILD_LIMITS: Final = ChildLimits()


def read_series_sandboxed(
    paths: Iterable[str | Path],
    *,
    limits: Limits = DEFAULT_LIMITS,
    child: ChildLimits = DEFAULT_CHILD_LIMITS,
) -> Volume:
    """`read_series` in a child process. Raises `ImageRefused`."""
    with tempfile.TemporaryDirectory(prefix="hevesy-read-") as name:
        folder = Path(name)
        return volume_of(read_series_into(paths, folder, limits=limits, child=child), folder)


def read_series_into(
    paths: Iterable[str | Path],
    folder: Path,
    *,
    limits: Limits = DEFAULT_LIMITS,
    child: ChildLimits = DEFAULT_CHILD_LIMITS,
) -> dict[str, Any]:
    """`read_series` in a child process that leaves the voxels in `folder`; for `volume_of`.

    Raises `ImageRefused`.
    """
    request = {"paths": [str(Path(p).resolve()) for p in paths], "limits": asdict(limits)}
    return run_task("read_series", request, folder, child=child)


def pack_series_sandboxed(
    paths: Iterable[str | Path],
    folder: Path,
    *,
    injection: int | None = None,
    edits: Mapping[str, Any] | None = None,
    limits: Limits = DEFAULT_LIMITS,
    child: ChildLimits = DEFAULT_CHILD_LIMITS,
) -> dict[str, Any]:
    """Read a series, compute its SUV, and write it for transport into `folder`, in a child.

    Writes header.json, one .i16 file per body (`render.body_file_name`) and thumbnail.npy (uint8,
    128 x 128 x 3). edits: fields of `quantify.SuvEdits` without times: weight_kg, height_m, sex,
    dose_bq, author, edition. Returns the header. Raises `ImageRefused`.
    """
    request = {
        "paths": [str(Path(p).resolve()) for p in paths],
        "limits": asdict(limits),
        "injection": injection,
        "edits": dict(edits or {}),
    }
    return run_task("pack_series", request, Path(folder), child=child)


def decode_frames_sandboxed(
    path: str | Path,
    frames: Sequence[int],
    *,
    limits: Limits = DEFAULT_LIMITS,
    child: ChildLimits = DEFAULT_CHILD_LIMITS,
) -> list[bytes]:
    """The named frames (from 0) of one object, decoded in a child: stored values, little endian.

    Raises `ImageRefused`.
    """
    with tempfile.TemporaryDirectory(prefix="hevesy-frames-") as name:
        folder = Path(name)
        request = {
            "path": str(Path(path).resolve()),
            "frames": list(frames),
            "limits": asdict(limits),
        }
        size = int(run_task("decode_frames", request, folder, child=child)["frame_bytes"])
        decoded = (folder / "frames.bin").read_bytes()
    return [decoded[place * size : (place + 1) * size] for place in range(len(frames))]


def render_frame_sandboxed(
    path: str | Path,
    frame: int,
    *,
    media_type: str = "image/jpeg",
    voi: Voi | None = None,
    viewport: Viewport | None = None,
    quality: int = 90,
    limits: Limits = DEFAULT_LIMITS,
    child: ChildLimits = DEFAULT_CHILD_LIMITS,
) -> bytes:
    """A picture file of one frame (from 0), as `render.stored` makes it. Raises `ImageRefused`."""
    with tempfile.TemporaryDirectory(prefix="hevesy-picture-") as name:
        request = {
            "path": str(Path(path).resolve()),
            "frame": frame,
            "media_type": media_type,
            "voi": asdict(voi) if voi else None,
            "viewport": asdict(viewport) if viewport else None,
            "quality": quality,
            "limits": asdict(limits),
        }
        run_task("render_frame", request, Path(name), child=child)
        return (Path(name) / "picture").read_bytes()


def write_plain_sandboxed(
    paths: Sequence[str | Path],
    folder: Path,
    transfer_syntax_uid: str,
    *,
    limits: Limits = DEFAULT_LIMITS,
    child: ChildLimits = DEFAULT_CHILD_LIMITS,
) -> list[str]:
    """Write objects uncompressed into `folder` as 0.dcm, 1.dcm …, in a child; for each why not, or an empty string.

    transfer_syntax_uid: implicit or explicit VR little endian. Raises `ImageRefused` when the child itself ended.
    """
    request = {
        "paths": [str(Path(path).resolve()) for path in paths],
        "syntax": transfer_syntax_uid,
        "limits": asdict(limits),
    }
    refused: list[str] = run_task("write_plain", request, folder, child=child)["refused"]
    return refused


def pack_stored_sandboxed(
    paths: Iterable[str | Path],
    folder: Path,
    codec: str,
    *,
    child: ChildLimits = DEFAULT_CHILD_LIMITS,
) -> list[dict[str, Any]]:
    """Pack stored files (`dicomio.stored`) in a child: file number n becomes FOLDER/n.

    Answers for each: packed, and either size and sha256 (of the data set that it was proved to give
    back) or the reason why not. Raises `ImageRefused` when the child dies.
    """
    request = {"paths": [str(Path(p).resolve()) for p in paths], "codec": codec}
    answer = run_task("pack_stored", request, Path(folder), child=child)
    files: list[dict[str, Any]] = answer["files"]
    return files


def run_task(
    task: str,
    request: Mapping[str, Any],
    folder: Path,
    *,
    child: ChildLimits = DEFAULT_CHILD_LIMITS,
    environment: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Run a named task of `hevesy.imaging.dicomio.child` and return its JSON answer.

    folder: existing folder into which the child writes; requests and answers pass through a
    temporary folder beside it. environment: what the child needs beside the little it always gets.
    """
    with tempfile.TemporaryDirectory(prefix="hevesy-task-") as name:
        desk = Path(name).resolve()
        order = {
            "task": task,
            "folder": str(folder.resolve()),
            "child": asdict(child),
            "request": request,
        }
        (desk / "request.json").write_text(json.dumps(order), encoding="utf-8")
        try:
            status = run_child(desk, child.wall_s, environment)
        except TimeoutError:
            raise ImageRefused("time_limit", f"{child.wall_s:g} s") from None
        return _answer(desk, status)


def _answer(desk: Path, status: int) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = json.loads((desk / "answer.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        if status in (-24, -9):
            raise ImageRefused("time_limit", f"signal {-status}") from None
        said = (desk / "stderr").read_text(encoding="utf-8", errors="replace")
        if "MemoryError" in said:
            raise ImageRefused("memory_limit") from None
        tail = said.strip().splitlines()[-1:]
        raise ImageRefused("reader_crashed", f"exit {status}: {' '.join(tail)[:160]}") from None
    if "refused" in answer:
        raise ImageRefused(answer["refused"], answer.get("detail", ""))
    result: dict[str, Any] = answer["result"]
    return result


def volume_as_json(volume: Volume) -> dict[str, Any]:
    """A volume without its voxels, as plain values that `json` can write."""
    return {
        "ijk_to_lps": volume.ijk_to_lps.tolist(),
        "units": volume.units,
        "modality": volume.modality,
        "frame_of_reference_uid": volume.frame_of_reference_uid,
        "series_instance_uid": volume.series_instance_uid,
        "study_instance_uid": volume.study_instance_uid,
        "description": volume.description,
        "findings": [asdict(one) for one in volume.findings],
        "slices": [asdict(one) for one in volume.slices],
        "headers": [dict(one) for one in volume.headers],
    }


def volume_of(described: dict[str, Any], folder: Path) -> Volume:
    """The volume that `read_series_into` described and left in `folder`."""
    array = np.load(folder / "array.npy", allow_pickle=False)
    return Volume(
        **described
        | {
            "array": array,
            "ijk_to_lps": np.array(described["ijk_to_lps"]),
            "findings": tuple(Finding(**one) for one in described["findings"]),
            "slices": tuple(SliceSource(**one) for one in described["slices"]),
            "headers": tuple(described["headers"]),
        }
    )
