"""Registration of generated torsos with known poses: ours beside elastix and plastimatch.

`python bench/registration.py [--seeds 30] [--peers]`. For each seed a PET, a foreign CT and a
foreign MR of one torso in random poses; error at 12 anatomical targets (TRE). Peers that are not
installed (`pip install itk-elastix`, `apt install plastimatch`) are named as skipped.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813

from hevesy.imaging.geometry import Volume
from hevesy.imaging.phantoms.torso import make_torso, random_pose
from hevesy.imaging.register import register
from hevesy.imaging.register.matrices import Matrix, moved

PEER_MM = 3.0


def tre_mm(found: Matrix, pose: Matrix, targets: Matrix) -> float:
    """Mean distance at the targets between two matrices from fixed to moving."""
    return float(np.linalg.norm(moved(found, targets) - moved(pose, targets), axis=1).mean())


def as_image(volume: Volume) -> sitk.Image:
    """The volume at 3 mm, as the peers of the research note had it."""
    factors = tuple(max(1, int(PEER_MM / s + 0.25)) for s in volume.spacing_mm)
    coarse = volume.binned((factors[0], factors[1], factors[2]))
    image = sitk.GetImageFromArray(np.asarray(coarse.array, dtype=np.float32))
    image.SetSpacing(coarse.spacing_mm)
    image.SetOrigin(coarse.ijk_to_lps[:3, 3].tolist())
    return image


def by_elastix(fixed: Volume, moving: Volume) -> Matrix:
    """itk-elastix, default rigid map."""
    import itk

    with tempfile.TemporaryDirectory() as folder:
        for name, volume in (("f", fixed), ("m", moving)):
            sitk.WriteImage(as_image(volume), f"{folder}/{name}.mha")
        images = [itk.imread(f"{folder}/{n}.mha", itk.F) for n in "fm"]
        parameters = itk.ParameterObject.New()
        parameters.AddParameterMap(parameters.GetDefaultParameterMap("rigid"))
        _, answer = itk.elastix_registration_method(*images, parameter_object=parameters)
    values = [float(x) for x in answer.GetParameter(0, "TransformParameters")]
    centre = [float(x) for x in answer.GetParameter(0, "CenterOfRotationPoint")]
    transform = sitk.Euler3DTransform()
    transform.SetCenter(centre)
    transform.SetParameters(values)
    return as_matrix(transform)


def by_plastimatch(fixed: Volume, moving: Volume) -> Matrix:
    """plastimatch, versor rigid with mutual information over three resolutions."""
    with tempfile.TemporaryDirectory() as folder:
        for name, volume in (("f", fixed), ("m", moving)):
            sitk.WriteImage(as_image(volume), f"{folder}/{name}.mha")
        stages = "".join(
            f"[STAGE]\nxform=rigid\noptim=versor\nmetric=mi\nmax_its=100\nres={r} {r} {r}\n"
            for r in (4, 2, 1)
        )
        Path(folder, "p.txt").write_text(
            f"[GLOBAL]\nfixed={folder}/f.mha\nmoving={folder}/m.mha\nxform_out={folder}/x.tfm\n{stages}"
        )
        command = ["plastimatch", "register", f"{folder}/p.txt"]
        subprocess.run(command, check=True, capture_output=True)
        return as_matrix(sitk.ReadTransform(f"{folder}/x.tfm"))


def as_matrix(transform: sitk.Transform) -> Matrix:
    """4x4 of any linear transform, from what it does to four points."""
    zero = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
    matrix = np.eye(4)
    matrix[:3, 3] = zero
    for axis, unit in enumerate(np.eye(3)):
        matrix[:3, axis] = np.array(transform.TransformPoint(unit.tolist())) - zero
    return matrix


def main() -> None:
    """Run all seeds and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument(
        "--peers", action="store_true", help="also run the peers that are installed"
    )
    asked = parser.parse_args()
    peers = {
        "elastix": by_elastix if find_spec("itk") else None,
        "plastimatch": by_plastimatch if shutil.which("plastimatch") else None,
    }
    print(f"{platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    print("seed pair    start   TRE mm  consistency  overlap  wall s  cpu s  label")
    rows: dict[str, list[tuple[float, bool, float]]] = {"PET<-CT": [], "PET<-MR": []}
    theirs: dict[str, list[str]] = {}
    for seed in range(1, asked.seeds + 1):
        torso, pose = make_torso(seed), random_pose(seed)
        pet, targets = torso.pet(), torso.targets_lps
        for pair, moving in (("PET<-CT", torso.ct(pose)), ("PET<-MR", torso.mr(pose))):
            began, spent = time.perf_counter(), time.process_time()
            found = register(pet, moving)
            wall, cpu = time.perf_counter() - began, time.process_time() - spent
            off = tre_mm(found.fixed_to_moving, pose, targets)
            rows[pair].append((off, found.accepted, wall))
            print(
                f"{seed:4d} {pair} {tre_mm(np.eye(4), pose, targets):6.1f} {off:8.2f}"
                f" {found.consistency_mm or 0:12.2f} {found.overlap or 0:8.2f}"
                f" {wall:7.1f} {cpu:6.1f}  {found.label}",
                flush=True,
            )
            for name, run in peers.items():
                if asked.peers and run is not None:
                    began = time.perf_counter()
                    off = tre_mm(run(pet, moving), pose, targets)
                    ratio = (time.perf_counter() - began) / wall
                    theirs.setdefault(name, []).append(
                        f"{seed:4d} {pair} TRE {off:.2f} mm, {ratio:.1f} times our time"
                    )
    for pair, ends in rows.items():
        errors = [off for off, _, _ in ends]
        trusted = [off for off, accepted, _ in ends if accepted]
        print(
            f"{pair}: {len(trusted)} of {len(ends)} accepted; TRE median"
            f" {statistics.median(errors):.2f} mm; worst accepted {max(trusted, default=0):.2f} mm;"
            f" accepted over 4 mm: {sum(off > 4 for off in trusted)};"
            f" time median {statistics.median(wall for *_, wall in ends):.1f} s"
        )
    for name, run in peers.items():
        lines = theirs.get(name) or ["skipped: " + ("not asked for" if run else "not installed")]
        print("\n".join([name, *lines]))


if __name__ == "__main__":
    main()
