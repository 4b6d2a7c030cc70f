"""The whole lesion report of a whole-body study, and the first call after the program starts.

PET 384 x 384 x 340 and CT 512 x 512 x 340: the FDG phantom on finer grids (linear for the PET, nearest
for the CT). Counted is `find_lesions` from SUV and Hounsfield units in memory to the finished table:
anatomy, references, candidates, split, classes, places, measures and peaks. Not counted is what comes
before and after: reading DICOM, the SUV factor, writing the Segmentation.

The first call is that of a new process on the phantom's own grid, once with an empty cache of
compiled kernels and once with the one that this filled, beside a later call in the same process.
Usage: `python bench/whole_report.py [PROCESS]` (PROCESS: only the first call, for this script itself).
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from hevesy.imaging.geometry import Volume
from hevesy.imaging.geometry.reslice import resliced
from hevesy.imaging.phantoms.fdg import make_fdg_phantom

BAR_S = 3.0


def finer(volume: Volume, across: int, *, nearest: bool = False) -> Volume:
    """The volume on as many voxels across, over the same field of view."""
    k, _, i = volume.array.shape
    step = i / across
    affine = volume.ijk_to_lps @ np.diag((step, step, 1.0, 1.0))
    affine[:3, 3] += volume.ijk_to_lps[:3, :2] @ np.full(2, (step - 1.0) / 2.0)
    grid = replace(volume, array=np.zeros((k, across, across), np.float32), ijk_to_lps=affine)
    return resliced(volume, grid, nearest=nearest)


def timed(pet: Volume, ct: Volume, rounds: int) -> list[tuple[float, float]]:
    """Seconds of the clock and of the processors for each call, the first included."""
    from hevesy.imaging.segment.lesions.report import find_lesions

    seconds = []
    for _ in range(rounds):
        began, used = time.perf_counter(), time.process_time()
        find_lesions(pet, ct)
        seconds.append((time.perf_counter() - began, time.process_time() - used))
    return seconds


def first_calls(folder: Path) -> None:
    """A new process with an empty and then with a filled cache of kernels."""
    for name in ("empty", "filled"):
        done = subprocess.run(
            [sys.executable, __file__, str(folder / "phantom.npz")],
            env=os.environ | {"NUMBA_CACHE_DIR": str(folder / "kernels")},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        first, second = (float(one) for one in done.stdout.split())
        print(f"first call, {name:>6} cache   {first:6.2f} s   later call {second:6.2f} s"
              f"   ratio {first / second:5.1f}")  # fmt: skip


def main() -> None:
    """Run and print."""
    pair = make_fdg_phantom(1)
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        np.savez(
            Path(folder, "phantom.npz"), pet=pair.pet.array, pet_to=pair.pet.ijk_to_lps,
            ct=pair.ct.array, ct_to=pair.ct.ijk_to_lps,
        )  # fmt: skip
        first_calls(Path(folder))
    pet, ct = finer(pair.pet, 384), finer(pair.ct, 512, nearest=True)
    told = timed(pet, ct, 6)[1:]
    size = " and ".join("x".join(map(str, one.shape_ijk)) for one in (pet, ct))
    print(f"find_lesions on {size}, five calls after the first; bar {BAR_S:g} s by the clock")
    for name, seconds in zip(("clock", "processors"), zip(*told, strict=True), strict=True):
        print(f"{name:>12}: median {statistics.median(seconds):.2f} s,"
              f" {min(seconds):.2f} to {max(seconds):.2f} s")  # fmt: skip


def process(path: str) -> None:
    """What the new process does: two calls, two numbers."""
    kept = np.load(path)
    pet = Volume(kept["pet"], kept["pet_to"], "SUVbw", "PT")
    ct = Volume(kept["ct"], kept["ct_to"], "HU", "CT")
    print(*(clock for clock, _ in timed(pet, ct, 2)))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        process(sys.argv[1])
    else:
        main()
