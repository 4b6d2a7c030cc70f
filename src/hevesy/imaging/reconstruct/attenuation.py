"""Linear attenuation at the photon's energy: from CT numbers, or uniform within a contour."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.geometry import Finding, Volume
from hevesy.imaging.reconstruct.acquisition import Acquisition, Singles
from hevesy.imaging.reconstruct.projections import EnergyWindow
from hevesy.imaging.reconstruct.words import finding, refused

AIR_HU: Final = -1000.0


def water_per_mm(energy_kev: float) -> float:
    """Linear attenuation of water, narrow beam, in 1/mm; log-log between tabulated energies."""
    return _interpolated("energy_kev", "water_cm2_g", energy_kev) / 10.0


def bone_per_mm(energy_kev: float) -> float:
    """Linear attenuation of cortical bone, narrow beam, in 1/mm."""
    density = float(_table()["materials"]["bone_density_g_cm3"])
    return _interpolated("energy_kev", "bone_cm2_g", energy_kev) * density / 10.0


def lead_per_mm(energy_kev: float) -> float:
    """Linear attenuation of lead in 1/mm, for septal penetration."""
    density = float(_table()["materials"]["lead_density_g_cm3"])
    return _interpolated("lead_energy_kev", "lead_cm2_g", energy_kev) * density / 10.0


def uniform_per_mm(energy_kev: float, *, scatter_corrected: bool) -> float:
    """Water, lowered to the broad beam value where scattered counts are still in the data."""
    ratio = 1.0 if scatter_corrected else float(_table()["broad_beam"]["ratio"])
    return water_per_mm(energy_kev) * ratio


def mu_of_hu(hu: npt.ArrayLike, *, energy_kev: float, kvp: float = 120.0) -> Singles:
    """Linear attenuation in 1/mm of CT numbers, bilinear.

    Up to 0 HU a mixture of air and water: mu_w (1 + HU/1000). Above, of water and cortical bone:
    the slope is (mu_b - mu_w) at the photon's energy over bone's CT number at the CT's effective
    energy, which the tube voltage gives.
    """
    table = _table()["ct"]
    effective = float(np.interp(kvp, table["kvp"], table["effective_kev"]))
    bone_hu = 1000.0 * (bone_per_mm(effective) / water_per_mm(effective) - 1.0)
    water = water_per_mm(energy_kev)
    slope = (bone_per_mm(energy_kev) - water) / bone_hu
    numbers = np.maximum(np.asarray(hu, dtype=np.float32), np.float32(AIR_HU))
    below = water * (1.0 + numbers / 1000.0)
    return np.where(numbers <= 0, below, water + slope * numbers).astype(np.float32)


def mu_from_ct(
    ct: Volume,
    acquisition: Acquisition,
    *,
    energy_kev: float,
    frame_of_reference_uid: str = "",
    kvp: float = 120.0,
) -> tuple[Singles, list[Finding]]:
    """The attenuation map [y, x, z] in 1/mm of a CT on the grid of an acquisition.

    CT numbers are converted before they are averaged to the coarser grid. Raises `Refused`
    not_a_ct, and ct_beside where the CT covers less than half of the middle of the image.
    """
    if ct.units != "HU":
        raise refused("not_a_ct", ct.units)
    findings = []
    if not frame_of_reference_uid or ct.frame_of_reference_uid != frame_of_reference_uid:
        findings.append(finding("ct_other_frame"))
    mu = ct.with_values(mu_of_hu(ct.array, energy_kev=energy_kev, kvp=kvp), units="1/mm")
    values = acquisition.sampled(mu, outside=-1.0)
    inner = acquisition.size // 4
    core = values[inner:-inner, inner:-inner] < 0
    outside = float(core.mean())
    if outside > 0.5:
        raise refused("ct_beside", f"{outside:.0%} outside")
    if outside > 0.01:
        findings.append(finding("ct_short", outside=round(outside, 3)))
    return np.maximum(values, np.float32(0.0)), findings


@dataclass(frozen=True, slots=True)
class EllipseContour:
    """An elliptic body outline in every slice: centre in patient mm and semi-axes in mm."""

    centre_x_mm: float
    centre_y_mm: float
    semi_x_mm: float
    semi_y_mm: float

    def mask(self, acquisition: Acquisition) -> npt.NDArray[np.bool_]:
        """Voxels [y, x, z] inside. Raises `Refused` for axes that are not above zero."""
        if not (self.semi_x_mm > 0 and self.semi_y_mm > 0):
            raise refused("bad_setting", "semi-axes of the contour")
        affine = acquisition.ijk_to_lps()
        across = np.arange(acquisition.size) * acquisition.pixel_mm
        x = (affine[0, 3] + across - self.centre_x_mm) / self.semi_x_mm
        y = (affine[1, 3] + across - self.centre_y_mm) / self.semi_y_mm
        inside = x[None, :] ** 2 + y[:, None] ** 2 <= 1.0
        return np.repeat(inside[:, :, None], acquisition.slices, axis=2)


def contour_from_image(
    image: Singles, acquisition: Acquisition, *, level: float = 0.08
) -> npt.NDArray[np.bool_]:
    """Body outline [y, x, z] from a first reconstruction without attenuation.

    After smoothing by 15 mm, what lies above `level` of the volume's 99.5th percentile is taken as
    warm; half of the median of that is where a blurred edge lies. Per slice the convex hull of the
    largest piece above it. Raises `Refused` no_contour.
    """
    from scipy.ndimage import gaussian_filter, label
    from skimage.morphology import convex_hull_image

    sigma_mm = 15.0 / 2.355
    widths = [sigma_mm / acquisition.pixel_mm] * 2 + [sigma_mm / acquisition.slice_mm]
    smooth = gaussian_filter(np.maximum(image, 0.0), widths)
    warm = smooth > level * float(np.percentile(smooth, 99.5))
    if not warm.any():
        raise refused("no_contour")
    pieces, _ = label(smooth > 0.5 * float(np.median(smooth[warm])))
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    body = pieces == int(sizes.argmax())
    for z in range(body.shape[2]):
        if body[:, :, z].any():
            body[:, :, z] = convex_hull_image(body[:, :, z])
    return np.asarray(body)


def photons_kev(nuclide: str) -> tuple[float, ...]:
    """Energies that SPECT images of a nuclide, lowest first; empty if it is not in the table."""
    return tuple(float(one) for one in _table()["photons"].get(nuclide, ()))


def photon_energy_kev(nuclide: str, window: EnergyWindow) -> float:
    """The photon that the window images: a tabulated one inside it, else the window's middle.

    Raises `Refused` energy_unknown if the window has no limits and the nuclide no single photon.
    """
    photons = photons_kev(nuclide)
    inside = [one for one in photons if window.low_kev <= one <= window.high_kev]
    if inside:
        return inside[0]
    if window.high_kev > 0:
        return window.centre_kev
    if len(photons) == 1:
        return photons[0]
    raise refused("energy_unknown", nuclide)


def unchecked_tables() -> list[str]:
    """Names of the tables that no physicist has checked yet."""
    return [name for name, table in _table().items() if not table["checked"]]


@cache
def _table() -> dict[str, Any]:
    path = Path(__file__).with_name("attenuation.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _interpolated(energies: str, values: str, energy_kev: float) -> float:
    table = _table()["materials"]
    at, of = np.log(table[energies]), np.log(table[values])
    return float(np.exp(np.interp(np.log(energy_kev), at, of)))
