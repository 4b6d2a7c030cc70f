"""Make colour-maps.png: all colour maps by group. Run from anywhere; needs matplotlib."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt

from hevesy.imaging.render.colourmaps import colour_maps, groups

COLUMNS = 4


def main() -> None:
    """Draw and save."""
    maps = sorted(colour_maps().values(), key=lambda one: list(groups()).index(one.group))
    rows = -(-len(maps) // COLUMNS)
    figure, axes = plt.subplots(rows, COLUMNS, figsize=(10, 0.3 * rows), dpi=80)
    for place, axis in enumerate(axes.T.reshape(-1)):
        axis.set_axis_off()
        if place < len(maps):
            one = maps[place]
            axis.imshow(np.repeat(one.table[None], 16, axis=0), aspect="auto")
            axis.set_title(
                f"{'● ' if one.monotone else ''}{one.id}  ({groups()[one.group][0]})",
                fontsize=6, pad=1, loc="left",
            )  # fmt: skip
    figure.tight_layout(h_pad=0.2, w_pad=0.6)
    figure.savefig(Path(__file__).with_name("colour-maps.png"))


if __name__ == "__main__":
    main()
