"""Reading in a child process that may crash, hang or grow without harm to the caller.

A decoder fed by strangers is the most exposed code of an image server. `run_task` starts a fresh
Python process with limits on memory, processor time, file size and open files; it reads a request
from a file in a temporary folder and leaves its results there. What the child refuses arrives here
as the same `ImageRefused`; a child that dies or overstays is refused as `reader_crashed`,
`memory_limit` or `time_limit`. On systems without `resource` (Windows) the limits are not set, the
separate process and the time limit remain.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from hevesy.imaging.dicomio.guards import DEFAULT_LIMITS, Limits
from hevesy.imaging.dicomio.refusal import ImageRefused
from hevesy.imaging.geometry import Finding, SliceSource, Volume

_SOURCE_ROOT: Final = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """What the child process may use. written_bytes: one file; wall_s: until it is ended."""

    memory_bytes: int = 4 * 1024**3
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
        request = {"paths": [str(Path(p).resolve()) for p in paths], "limits": asdict(limits)}
        described = run_task("read_series", request, folder, child=child)
        return _volume(described, folder / "array.npy")


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
    dose_bq. Returns the header. Raises `ImageRefused`.
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
) -> dict[str, Any]:
    """Run a named task of `hevesy.imaging.dicomio.child` and return its JSON answer.

    folder: existing folder into which the child writes; requests and answers pass through a
    temporary folder beside it.
    """
    with tempfile.TemporaryDirectory(prefix="hevesy-task-") as name:
        desk = Path(name)
        order = {
            "task": task,
            "folder": str(folder.resolve()),
            "child": asdict(child),
            "request": request,
        }
        (desk / "request.json").write_text(json.dumps(order), encoding="utf-8")
        command = [sys.executable, "-m", "hevesy.imaging.dicomio.child", str(desk)]
        try:
            done = subprocess.run(
                command,
                env=_environment(desk),
                cwd=desk,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=child.wall_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ImageRefused("time_limit", f"{child.wall_s:g} s") from None
        return _answer(desk / "answer.json", done)


def _answer(path: Path, done: subprocess.CompletedProcess[bytes]) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        if done.returncode in (-24, -9):
            raise ImageRefused("time_limit", f"signal {-done.returncode}") from None
        tail = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        if b"MemoryError" in done.stderr:
            raise ImageRefused("memory_limit") from None
        detail = f"exit {done.returncode}: {' '.join(tail)[:160]}"
        raise ImageRefused("reader_crashed", detail) from None
    if "refused" in answer:
        raise ImageRefused(answer["refused"], answer.get("detail", ""))
    result: dict[str, Any] = answer["result"]
    return result


def _environment(desk: Path) -> dict[str, str]:
    """As little as Python needs: no credentials of the server reach the child."""
    kept = {key: os.environ[key] for key in ("LANG", "SYSTEMROOT") if key in os.environ}
    return kept | {
        "PYTHONPATH": str(_SOURCE_ROOT),
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(desk),
        # Each BLAS thread reserves address space, which RLIMIT_AS counts.
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
    }


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


def _volume(described: dict[str, Any], array_path: Path) -> Volume:
    array = np.load(array_path, allow_pickle=False)
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
