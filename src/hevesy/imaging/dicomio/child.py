"""The child process of `dicomio.sandbox`: limits first, then read.

Run as `python -m hevesy.imaging.dicomio.child FOLDER`; reads request.json there and leaves
answer.json. Only the tasks named here can be asked for.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Any


def limit_this_process(limits: dict[str, Any]) -> None:
    """Bound memory, processor time, file size and open files; end with the parent."""
    try:
        import resource
    except ImportError:
        return
    wanted = {
        resource.RLIMIT_AS: limits["memory_bytes"],
        resource.RLIMIT_CPU: limits["processor_s"],
        resource.RLIMIT_FSIZE: limits["written_bytes"],
        resource.RLIMIT_NOFILE: limits["open_files"],
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in wanted.items():
        if value is None:
            continue
        _, hard = resource.getrlimit(kind)
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (most, most))
    with contextlib.suppress(OSError, AttributeError):
        import ctypes

        parent_death_signal, kill = 1, 9
        ctypes.CDLL(None).prctl(parent_death_signal, kill)


def read_series_task(request: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Leave the voxels as array.npy and answer with the rest of the volume."""
    import numpy as np

    from hevesy.imaging.dicomio.guards import Limits
    from hevesy.imaging.dicomio.sandbox import volume_as_json
    from hevesy.imaging.dicomio.series import read_series

    volume = read_series(request["paths"], limits=Limits(**request["limits"]))
    np.save(folder / "array.npy", volume.array, allow_pickle=False)
    return volume_as_json(volume)


def pack_series_task(request: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Leave header, bodies and thumbnail and answer with the header."""
    import numpy as np

    from hevesy.imaging.dicomio.guards import Limits
    from hevesy.imaging.dicomio.series import read_series
    from hevesy.imaging.quantify.suv import SuvEdits, apply_suv, suv_factor
    from hevesy.imaging.render.slices import thumbnail
    from hevesy.imaging.render.transport import pack_volume

    volume = read_series(request["paths"], limits=Limits(**request["limits"]))
    factor = None
    if volume.modality == "PT":
        edits = SuvEdits(**request["edits"])
        factor = suv_factor(volume.headers, injection=request["injection"], edits=edits)
    packed = pack_volume(volume, factor)
    packed.write(folder)
    shown = apply_suv(volume, factor) if factor and factor.per_slice else volume
    np.save(folder / "thumbnail.npy", thumbnail(shown), allow_pickle=False)
    return packed.header


def decode_frames_task(request: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Leave the named frames one after another as frames.bin, little endian."""
    from hevesy.imaging.dicomio.guards import Limits, read_dataset
    from hevesy.imaging.dicomio.pixels import decode_frames

    limits = Limits(**request["limits"])
    dataset = read_dataset(request["path"], limits=limits)
    pixels = decode_frames(dataset, request["frames"], limits=limits)
    little = pixels.astype(pixels.dtype.newbyteorder("<"), copy=False)
    (folder / "frames.bin").write_bytes(little.tobytes())
    return {"frame_bytes": little[0].nbytes, "dtype": little.dtype.str}


def render_frame_task(request: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Leave a picture of one frame as the file `picture`."""
    from hevesy.imaging.dicomio.guards import Limits, read_dataset
    from hevesy.imaging.render.stored import Viewport, Voi, render_stored_frame

    limits = Limits(**request["limits"])
    picture = render_stored_frame(
        read_dataset(request["path"], limits=limits),
        request["frame"],
        media_type=request["media_type"],
        voi=Voi(**request["voi"]) if request["voi"] else None,
        viewport=Viewport(**request["viewport"]) if request["viewport"] else None,
        quality=request["quality"],
        limits=limits,
    )
    (folder / "picture").write_bytes(picture)
    return {}


def find_lesions_task(request: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Make a lesion table from voxels that another child has read."""
    from hevesy.imaging.segment.lesions import sandboxed

    return sandboxed.find_lesions_task(request, folder)


def write_plain_task(request: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Leave the objects uncompressed as 0.dcm, 1.dcm … and answer with what was refused."""
    from hevesy.imaging.dicomio.plain import write_each

    return write_each(request, folder)


def pack_stored_task(request: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Pack each file into FOLDER/<its place>, and answer what became of each."""
    from hevesy.imaging.dicomio.stored import pack_file

    return {
        "files": [
            pack_file(Path(path), folder / str(place), request["codec"])
            for place, path in enumerate(request["paths"])
        ]
    }


TASKS = {
    "read_series": read_series_task,
    "pack_series": pack_series_task,
    "decode_frames": decode_frames_task,
    "render_frame": render_frame_task,
    "find_lesions": find_lesions_task,
    "write_plain": write_plain_task,
    "pack_stored": pack_stored_task,
}


def main(desk: Path) -> int:
    """Carry out the request in `desk`. 0 also for a refusal: it is an answer."""
    order = json.loads((desk / "request.json").read_text(encoding="utf-8"))
    limit_this_process(order["child"])

    from hevesy.imaging.dicomio.refusal import ImageRefused

    answer: dict[str, Any]
    try:
        answer = {"result": TASKS[order["task"]](order["request"], Path(order["folder"]))}
    except ImageRefused as refusal:
        answer = {"refused": refusal.key, "detail": refusal.detail}
    except MemoryError:
        answer = {"refused": "memory_limit"}
    except RecursionError:
        answer = {"refused": "nested_too_deep"}
    unfinished = desk / "answer.part"
    unfinished.write_text(json.dumps(answer, allow_nan=False), encoding="utf-8")
    unfinished.rename(desk / "answer.json")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
