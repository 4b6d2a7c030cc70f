"""Draw the pictures of formulas and definitions: `python docs/imaging/pictures/formulas.py`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

from hevesy.imaging.analyse.bmd import analyse_bmd
from hevesy.imaging.analyse.brain.projections import surface_projections
from hevesy.imaging.analyse.brain.regions import coarse_regions, standard_grid
from hevesy.imaging.analyse.kinetics import Frames, Input, patlak
from hevesy.imaging.analyse.lutetium import RegionActivities, analyse_therapy
from hevesy.imaging.analyse.plots import write_picture
from hevesy.imaging.quantify import normalise
from hevesy.imaging.quantify.sphere_model import blurred_sphere

HERE = Path(__file__).parent
SMALL = {"figsize": (6.0, 2.8), "layout": "constrained"}
# Fixed, so that the same code draws the same file.
mpl.rcParams["svg.hashsalt"] = "hevesy"
mpl.rcParams["font.size"] = 8


def _save(figure: plt.Figure, name: str) -> None:
    figure.savefig(HERE / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)


def suv() -> None:
    """SUL of SUVbw 2 against weight, for a woman of 1.62 m: where the formulas part."""
    weights = np.arange(40.0, 141.0)
    masses: dict[str, Callable[..., float]] = {
        "Janmahasatian 2005": normalise.lean_body_mass_janmahasatian_kg,
        "James 1976": normalise.lean_body_mass_james_kg,
        "ideal weight, Sugawara 1999": normalise.ideal_body_weight_kg,
    }
    figure, axis = plt.subplots(**SMALL)
    for name, mass in masses.items():
        kg = [mass(weight_kg=w, height_m=1.62, sex="F") for w in weights]
        axis.plot(weights, 2.0 * np.array(kg) / weights, label=name)
    axis.axhline(2.0, color="0.6", lw=1, label="SUVbw")
    axis.set(xlabel="weight in kg", ylabel="SUL where SUVbw is 2", ylim=(0, 2.2))
    axis.legend()
    _save(figure, "suv")


def volumes() -> None:
    """Places of slices: even, one missing, uneven, and what is found."""
    even = np.arange(10) * 4.0
    rows = {
        "whole": even,
        "missing_slices": np.delete(even, [5, 6]),
        "uneven_spacing": even + np.where(np.arange(10) > 5, 0.4, 0.0),
        "sparse (Slice Thickness 2 mm)": even,
    }
    figure, axis = plt.subplots(**SMALL)
    for row, (name, places) in enumerate(rows.items()):
        thick = 2.0 if "sparse" in name else 4.0
        axis.barh(
            [-row] * len(places),
            thick * 0.94,
            left=places - thick / 2,
            height=0.5,
            color="tab:blue",
        )
        if name == "missing_slices":
            axis.barh([-row] * 2, 3.76, left=even[5:7] - 2, height=0.5, color="0.85")
        axis.text(40, -row, name, va="center")
    axis.set(xlabel="mm along the slice normal", yticks=[], xlim=(-3, 62))
    _save(figure, "volumes")


def response() -> None:
    """PERCIST: where a second scan lies, by SULpeak before and after."""
    before = np.linspace(0.5, 12, 400)
    figure, axis = plt.subplots(figsize=(4.6, 3.6), layout="constrained")
    up = np.maximum(1.3 * before, before + 0.8)
    down = np.minimum(0.7 * before, before - 0.8)
    axis.fill_between(before, up, 16, color="tab:red", alpha=0.25, label="PMD")
    axis.fill_between(before, down, up, color="0.85", label="SMD")
    axis.fill_between(before, 0, np.maximum(down, 0), color="tab:green", alpha=0.25, label="PMR")
    axis.set(xlabel="SULpeak before", ylabel="SULpeak after", ylim=(0, 12), xlim=(0.5, 12))
    axis.legend(loc="upper left")
    _save(figure, "response")


def recovery() -> None:
    """Recovery of the hottest voxel of NEMA spheres at three resolutions, 10:1."""
    diameters = np.linspace(8, 40, 60)
    figure, axis = plt.subplots(**SMALL)
    for fwhm in (4.0, 6.0, 8.0):
        peaks = [
            1 + 9 * float(blurred_sphere(np.array([0.0]), radius_mm=d / 2, fwhm_mm=fwhm)[0])
            for d in diameters
        ]
        axis.plot(diameters, np.array(peaks) / 10, label=f"FWHM {fwhm:g} mm")
    for diameter in (10, 13, 17, 22, 28, 37):
        axis.axvline(diameter, color="0.85", lw=1)
    axis.set(xlabel="diameter in mm", ylabel="maximum / true", ylim=(0, 1.05))
    axis.legend()
    _save(figure, "recovery")


def bone() -> None:
    """T by hip density for the shipped reference, with the limits of WHO."""
    densities = np.linspace(0.5, 1.2, 60)
    scores = [
        analyse_bmd(float(d), reference="cn_female_total_hip", sex="F", age_years=70).value(
            "t_score"
        )
        for d in densities
    ]
    figure, axis = plt.subplots(**SMALL)
    axis.axhspan(-6, -2.5, color="tab:red", alpha=0.2)
    axis.axhspan(-2.5, -1, color="tab:orange", alpha=0.2)
    axis.axhspan(-1, 4, color="tab:green", alpha=0.15)
    axis.plot(densities, scores, color="black")
    for level, word in ((-3.4, "osteoporosis"), (-1.9, "low bone mass"), (0.6, "normal")):
        axis.text(1.02, level, word)
    axis.set(xlabel="total hip, g/cm²", ylabel="T", ylim=(-4, 2), xlim=(0.5, 1.2))
    _save(figure, "bone")


def brain() -> None:
    """Surface views of a brain whose left temporal lobe lies three SDs low."""
    regions = coarse_regions(*standard_grid(4.0))
    z = np.where(regions.mask("left temporal"), -3.0, 0.0)
    views = surface_projections(z, regions.brain, 4.0)
    figure, axes = plt.subplots(2, 4, figsize=(7.0, 3.4), layout="constrained")
    for axis, (name, view) in zip(axes.ravel(), views.items(), strict=False):
        axis.imshow(view, cmap="coolwarm", vmin=-4, vmax=4)
        axis.set_title(name)
        axis.set_axis_off()
    figure.savefig(HERE / "brain.png", dpi=80)
    plt.close(figure)


def dosimetry() -> None:
    """A kidney after 7.4 GBq: four scans, the fitted curve, and what lies behind the last."""
    hours = np.array([4.0, 24.0, 96.0, 168.0])
    kidney = RegionActivities("kidney", hours, 200.0 * 0.5 ** (hours / 52.0))
    write_picture(analyse_therapy([kidney], injected_mbq=7400.0), HERE / "dosimetry.svg")


def kinetics() -> None:
    """Patlak's line of a tissue that keeps 0.03 mL/min/mL of what the plasma brings."""
    ends = np.arange(2.0, 62.0, 2.0)
    fine = np.arange(0.0, 60.05, 0.05)
    plasma = 40.0 * np.exp(-0.02 * fine) * -np.expm1(-2.0 * fine)
    kept = np.concatenate(([0.0], np.cumsum((plasma[1:] + plasma[:-1]) * 0.025)))
    tissue = 0.03 * kept + 0.4 * plasma
    means = [tissue[(fine > end - 2) & (fine <= end)].mean() for end in ends]
    found = patlak(Frames(ends - 2, ends, np.array(means)), Input(fine, plasma))
    write_picture(found, HERE / "kinetics.svg")


def main() -> None:
    """Draw them all."""
    for make in (suv, volumes, response, recovery, bone, brain, dosimetry, kinetics):
        make()


if __name__ == "__main__":
    main()
