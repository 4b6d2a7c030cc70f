"""Draw lesions-size.svg and lesions-froc.svg from bench/results/lesions.json (`bench/lesions.py`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

HERE = Path(__file__).parent
RESULTS = HERE.parents[2] / "bench" / "results" / "lesions.json"
# Fixed, so that the same numbers draw the same file.
mpl.rcParams["svg.hashsalt"] = "hevesy"


def wilson(hits: int, of: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    z = 1.96
    share, middle = hits / of, 1 + z * z / of
    half = z * np.sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / middle
    centre = (share + z * z / (2 * of)) / middle
    return float(centre - half), float(centre + half)


def draw_sizes(told: dict[str, Any]) -> None:
    """Share suggested of the spheres that reach the rule, by size and by contrast."""
    figure, axes = plt.subplots(1, 2, figsize=(7.5, 2.9), layout="constrained", sharey=True)
    for axis, name, label in zip(
        axes,
        ("diameter", "contrast"),
        ("diameter, mm", "contrast to the surroundings"),
        strict=True,
    ):
        rows = [one for one in told["counts"][name] if one["reach_rule"]]
        shares = [one["suggested"] / one["reach_rule"] for one in rows]
        ends = np.array([wilson(one["suggested"], one["reach_rule"]) for one in rows]).T
        away = np.abs(ends - shares)
        axis.errorbar(range(len(rows)), shares, away, fmt="o", color="black", capsize=3)
        axis.set_xticks(
            range(len(rows)), [f"{one[name]}\nn {one['reach_rule']}" for one in rows], fontsize=8
        )
        axis.set_xlabel(label, fontsize=8)
        axis.set_ylim(0, 1.02)
        axis.grid(axis="y", color="0.9")
        axis.tick_params(axis="y", labelsize=8)
    axes[0].set_ylabel("suggested of those at SUV 4.0", fontsize=8)
    figure.savefig(HERE / "lesions-size.svg", metadata={"Date": None})


def draw_froc(told: dict[str, Any]) -> None:
    """Sensitivity of suggested rows over false rows per patient, in the order of each score."""
    froc = told["froc_of_suggested_rows"]
    names = {
        "hand, all phantoms": ("hand weights, all phantoms", "black", "-"),
        "hand": ("hand weights, second half", "0.5", "--"),
        "learned": ("learned on the first half, judged on the second", "tab:blue", "-"),
    }
    figure, axis = plt.subplots(figsize=(5.2, 3.2), layout="constrained")
    for key, (label, colour, line) in names.items():
        if key in froc["sensitivity"]:
            axis.plot(
                froc["false_rows_per_patient"],
                froc["sensitivity"][key],
                line,
                color=colour,
                label=label,
            )
    axis.set_xscale("log", base=2)
    ticks = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16]
    axis.set_xticks(ticks, ["1/16", "1/8", "1/4", "1/2", "1", "2", "4", "8", "16"], fontsize=8)
    axis.set_xlabel("false rows suggested per patient", fontsize=8)
    axis.set_ylabel("sensitivity (spheres at SUV 4.0)", fontsize=8)
    axis.set_ylim(0, 1.02)
    axis.grid(color="0.9")
    axis.tick_params(axis="y", labelsize=8)
    axis.legend(fontsize=8, loc="lower right")
    figure.savefig(HERE / "lesions-froc.svg", metadata={"Date": None})


if __name__ == "__main__":
    numbers = json.loads(RESULTS.read_text(encoding="utf-8"))
    draw_sizes(numbers)
    draw_froc(numbers)
