"""Draw registration.png: outlines of a phantom's CT on its PET, before and after.

python docs/imaging/pictures/registration.py
"""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np

from hevesy.imaging.geometry import Volume
from hevesy.imaging.phantoms.torso import make_torso, random_pose
from hevesy.imaging.register import register

matplotlib.use("Agg")
from matplotlib import pyplot as plt


def coronal(volume: Volume, matrix: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Values of a volume at points of the fixed frame; matrix: fixed to the volume."""
    return volume.sample(grid @ matrix[:3, :3].T + matrix[:3, 3])


def main() -> None:
    """Register one pair and draw it."""
    torso, pose = make_torso(1), random_pose(1)
    pet, ct = torso.pet(), torso.ct(pose)
    found = register(pet, ct)
    low, high = pet.corners_lps().min(axis=0), pet.corners_lps().max(axis=0)
    x, z = np.meshgrid(np.arange(low[0], high[0], 3.0), np.arange(high[2], low[2], -3.0))
    grid = np.stack((x, np.full_like(x, (low[1] + high[1]) / 2), z), axis=-1)
    figure, axes = plt.subplots(1, 2, figsize=(6.0, 4.6), layout="constrained")
    for axis, matrix, title in zip(
        axes, (np.eye(4), found.fixed_to_moving), ("before", found.label), strict=True
    ):
        axis.imshow(coronal(pet, np.eye(4), grid), cmap="Greys")
        axis.contour(coronal(ct, matrix, grid), levels=[-300, 200], colors=["tab:blue", "tab:red"])
        axis.set_title(title, fontsize=9)
        axis.set_axis_off()
    figure.savefig(Path(__file__).with_name("registration.png"), dpi=90)


if __name__ == "__main__":
    main()
