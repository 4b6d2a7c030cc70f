"""Draw the picture of models.md: `python docs/imaging/pictures/models.py`."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

from hevesy.imaging.models.windows import profile, starts

HERE = Path(__file__).parent
# Fixed, so that the same code draws the same file.
mpl.rcParams["svg.hashsalt"] = "hevesy"


def draw_windows() -> None:
    """Share of each window in the answer along an axis of 110 voxels, patch 64, overlap 0.5."""
    size, patch = 110, 64
    begins = starts(size, patch, 0.5)
    weights = np.zeros((len(begins), size))
    for number, start in enumerate(begins):
        weights[number, start : start + patch] = profile(patch)
    figure, axis = plt.subplots(figsize=(6.0, 2.2), layout="constrained")
    for start, share in zip(begins, weights / weights.sum(axis=0), strict=True):
        axis.plot(np.where(share > 0, share, np.nan), label=f"from {start} to {start + patch - 1}")
    axis.set_xlabel("voxel", fontsize=8)
    axis.set_ylabel("share in the answer", fontsize=8)
    axis.tick_params(labelsize=7)
    axis.legend(fontsize=7, loc="center left")
    figure.savefig(HERE / "windows.svg", metadata={"Date": None})


if __name__ == "__main__":
    draw_windows()
