"""Draw the pictures of planar.md from the phantoms: `python docs/imaging/pictures/planar.py`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hevesy.imaging.analyse.mugaef import analyse_gated_blood_pool
from hevesy.imaging.analyse.plots import write_picture
from hevesy.imaging.analyse.renogram import analyse_renogram
from hevesy.imaging.nuclides import half_life_s
from hevesy.imaging.phantoms import planar

HERE = Path(__file__).parent


def main() -> None:
    kidneys = planar.renogram(uptake=(0.0035, 0.0065), emptying_s=(600.0, 120.0), seed=7)
    renogram = analyse_renogram(
        kidneys.frames,
        kidneys.start_s,
        kidneys.duration_s,
        kidneys.regions,
        half_life_s=half_life_s("Tc-99m"),
    )
    write_picture(renogram, HERE / "renogram.svg")
    heart = planar.gated_blood_pool(seed=7)
    pool = analyse_gated_blood_pool(
        heart.frames, float(heart.duration_s.sum()), heart.regions, harmonics=3
    )
    write_picture(replace(pool, panels=pool.panels[:2]), HERE / "mugaef.svg")


if __name__ == "__main__":
    main()
