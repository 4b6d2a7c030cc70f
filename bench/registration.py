"""Registration of generated torsos with known poses: ours beside elastix and plastimatch.

`python bench/registration.py [--seeds 30] [--first 1] [--peers]`. For each seed a PET, a foreign CT
and a foreign MR of one torso in random poses; error at 12 anatomical targets (mean TRE). Peers that are
not installed (`apt install elastix plastimatch`) are named as skipped; before they are believed, each
must find a pose of a PET onto itself that is known exactly, so that no convention is read wrongly.

Peers are given the same volumes as block means of about 3 mm, with origin and direction in LPS, and search
as their manuals have it: elastix twice as many iterations and four times as many samples as its default; plastimatch
three stages. Their time is that of their process; writing their input is not counted. Ours starts at
the stored volumes.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813

from hevesy.imaging.geometry import Volume
from hevesy.imaging.phantoms.torso import make_torso, random_pose
from hevesy.imaging.register import register
from hevesy.imaging.register.matrices import Matrix, moved

PEER_MM = 3.0
CHECK_MM = 2.0
OURS = "hevesy"

ELASTIX = """
(FixedInternalImagePixelType "float")
(MovingInternalImagePixelType "float")
(UseDirectionCosines "true")
(Registration "MultiResolutionRegistration")
(FixedImagePyramid "FixedSmoothingImagePyramid")
(MovingImagePyramid "MovingSmoothingImagePyramid")
(NumberOfResolutions 4)
(Transform "EulerTransform")
(AutomaticScalesEstimation "true")
(AutomaticTransformInitialization "{centred}")
(AutomaticTransformInitializationMethod "GeometricalCenter")
(Metric "AdvancedMattesMutualInformation")
(NumberOfHistogramBins 32)
(Optimizer "AdaptiveStochasticGradientDescent")
(MaximumNumberOfIterations 500)
(ImageSampler "RandomCoordinate")
(NumberOfSpatialSamples 8192)
(NewSamplesEveryIteration "true")
(Interpolator "LinearInterpolator")
(RequiredRatioOfValidSamples 0.05)
(WriteResultImage "false")
"""
PLASTIMATCH = """[GLOBAL]
fixed={folder}/fixed.mha
moving={folder}/moving.mha
xform_out={folder}/answer.tfm
{start}"""
PLASTIMATCH_STAGE = """[STAGE]
xform=rigid
optim=versor
metric=mi
max_its=200
res={res} {res} {res}
"""


@dataclass(frozen=True)
class Run:
    """One registration: mean TRE, seconds on the clock and of all processors, whether trusted."""

    tre_mm: float
    wall_s: float
    cpu_s: float
    accepted: bool = True


Peer = Callable[[Path], Matrix]


def tre_mm(found: Matrix, pose: Matrix, targets: Matrix) -> float:
    """Mean distance at the targets between two matrices from fixed to moving."""
    return float(np.linalg.norm(moved(found, targets) - moved(pose, targets), axis=1).mean())


def as_image(volume: Volume) -> sitk.Image:
    """The volume at about 3 mm, where it lies in LPS."""
    factors = tuple(max(1, int(PEER_MM / s + 0.25)) for s in volume.spacing_mm)
    coarse = volume.binned((factors[0], factors[1], factors[2]))
    image = sitk.GetImageFromArray(np.asarray(coarse.array, dtype=np.float32))
    image.SetSpacing(coarse.spacing_mm)
    image.SetOrigin(coarse.ijk_to_lps[:3, 3].tolist())
    directions = coarse.ijk_to_lps[:3, :3] / np.array(coarse.spacing_mm)
    image.SetDirection(directions.ravel().tolist())
    return image


def called(*command: str) -> None:
    """Run a peer, and say what it said if it fails."""
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"{command[0]} failed: {(ended.stdout + ended.stderr)[-600:]}")


def by_elastix(folder: Path, *, centred: bool) -> Matrix:
    """elastix: Euler, Mattes, four resolutions; centre of volume on centre of volume, or as stored."""
    (folder / "p.txt").write_text(ELASTIX.format(centred="true" if centred else "false"))
    called("elastix", "-f", f"{folder}/fixed.mha", "-m", f"{folder}/moving.mha",
           "-p", f"{folder}/p.txt", "-out", str(folder), "-threads", "2")  # fmt: skip
    answer = {}
    for line in (folder / "TransformParameters.0.txt").read_text().splitlines():
        if line.startswith("("):
            key, *values = line.strip("()").split()
            answer[key] = values
    transform = sitk.Euler3DTransform()
    transform.SetComputeZYX(answer["ComputeZYX"] == ['"true"'])
    transform.SetCenter([float(x) for x in answer["CenterOfRotationPoint"]])
    transform.SetParameters([float(x) for x in answer["TransformParameters"]])
    return as_matrix(transform)


def by_plastimatch(folder: Path) -> Matrix:
    """plastimatch: Mattes at every fourth, every second and every voxel of 3 mm."""
    stages = [PLASTIMATCH_STAGE.format(res=res) for res in (4, 2, 1)]
    text = PLASTIMATCH.format(folder=folder, start="".join(stages))
    (folder / "p.txt").write_text(text)
    called("plastimatch", "register", f"{folder}/p.txt")
    return as_matrix(sitk.ReadTransform(f"{folder}/answer.tfm"))


def as_matrix(transform: sitk.Transform) -> Matrix:
    """4x4 of any linear transform, from what it does to four points."""
    zero = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
    matrix = np.eye(4)
    matrix[:3, 3] = zero
    for axis, unit in enumerate(np.eye(3)):
        matrix[:3, axis] = np.array(transform.TransformPoint(unit.tolist())) - zero
    return matrix


PEERS: dict[str, tuple[str, Peer]] = {
    "elastix": ("elastix", lambda folder: by_elastix(folder, centred=False)),
    "elastix, centred": ("elastix", lambda folder: by_elastix(folder, centred=True)),
    "plastimatch": ("plastimatch", by_plastimatch),
}


def by_peer(peer: Peer, fixed: Volume, moving: Volume) -> tuple[Matrix, float, float]:
    """The matrix from fixed to moving, seconds on the clock, seconds of processors."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sitk.WriteImage(as_image(fixed), f"{folder}/fixed.mha")
        sitk.WriteImage(as_image(moving), f"{folder}/moving.mha")
        began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        found = peer(folder)
        wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return found, wall, spent


def check(name: str, peer: Peer) -> None:
    """A PET and itself, laid elsewhere by its origin and direction alone: the pose is known exactly."""
    torso, pose = make_torso(1), random_pose(3)
    pet = torso.pet(coarser=1.5)
    found, *_ = by_peer(peer, pet, replace(pet, ijk_to_lps=pose @ pet.ijk_to_lps))
    off = tre_mm(found, pose, torso.targets_lps)
    start = tre_mm(np.eye(4), pose, torso.targets_lps)
    print(f"{name}: a PET and itself, {start:.1f} mm away, found to {off:.2f} mm")
    if off > CHECK_MM:
        raise SystemExit(f"the transform of {name} is not read as it was written, or not found")


def main() -> None:
    """Run all seeds and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=30, help="how many")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument(
        "--peers", action="store_true", help="also run the peers that are installed"
    )
    asked = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    peers: dict[str, Peer] = {}
    for name, (program, peer) in PEERS.items():
        if not asked.peers or not shutil.which(program):
            print(f"{name} skipped: {'not installed' if asked.peers else 'not asked for'}")
            continue
        check(name, peer)
        peers[name] = peer
    print("seed pair    start   TRE mm  consistency  overlap  wall s  cpu s  label")
    runs: dict[str, dict[str, list[Run]]] = defaultdict(lambda: defaultdict(list))
    for seed in range(asked.first, asked.first + asked.seeds):
        torso, pose = make_torso(seed), random_pose(seed)
        pet, targets = torso.pet(), torso.targets_lps
        for pair, moving in (("PET<-CT", torso.ct(pose)), ("PET<-MR", torso.mr(pose))):
            began, spent = time.perf_counter(), time.process_time()
            found = register(pet, moving)
            wall, cpu = time.perf_counter() - began, time.process_time() - spent
            off = tre_mm(found.fixed_to_moving, pose, targets)
            runs[pair][OURS].append(Run(off, wall, cpu, found.accepted))
            print(
                f"{seed:4d} {pair} {tre_mm(np.eye(4), pose, targets):6.1f} {off:8.2f}"
                f" {found.consistency_mm or 0:12.2f} {found.overlap or 0:8.2f}"
                f" {wall:7.1f} {cpu:6.1f}  {found.label}",
                flush=True,
            )
            for name, peer in peers.items():
                matrix, wall, cpu = by_peer(peer, pet, moving)
                off = tre_mm(matrix, pose, targets)
                runs[pair][name].append(Run(off, wall, cpu))
                print(f"{seed:4d} {pair} {'':6} {off:8.2f} {'':21} {wall:7.1f} {cpu:6.1f}  {name}")
    for pair, by_name in runs.items():
        _report(pair, by_name)


def _report(pair: str, by_name: dict[str, list[Run]]) -> None:
    ours = by_name[OURS]
    trusted = [run.tre_mm for run in ours if run.accepted]
    print(
        f"\n{pair}: {len(trusted)} of {len(ours)} accepted; TRE median"
        f" {statistics.median(run.tre_mm for run in ours):.2f} mm;"
        f" worst accepted {max(trusted, default=0):.2f} mm;"
        f" accepted over 4 mm: {sum(off > 4 for off in trusted)};"
        f" slowest {max(run.wall_s for run in ours):.1f} s"
    )
    print("                  TRE median    worst  over 4 mm  wall s  cpu s  cores  wall x  cpu x")
    wall_s = statistics.median(run.wall_s for run in ours)
    cpu_s = statistics.median(run.cpu_s for run in ours)
    for name, runs in by_name.items():
        wall = statistics.median(run.wall_s for run in runs)
        cpu = statistics.median(run.cpu_s for run in runs)
        errors = [run.tre_mm for run in runs]
        print(
            f"{name:18s} {statistics.median(errors):9.2f} {max(errors):8.2f}"
            f" {sum(off > 4 for off in errors):7d}/{len(runs):<3d}"
            f" {wall:6.1f} {cpu:6.1f} {cpu / wall:6.1f} {wall / wall_s:7.1f} {cpu / cpu_s:6.1f}"
        )


if __name__ == "__main__":
    main()
