"""Scatter in the photopeak window, estimated from windows beside it."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from scipy.ndimage import gaussian_filter

from hevesy.imaging.geometry import Finding
from hevesy.imaging.reconstruct.acquisition import Singles
from hevesy.imaging.reconstruct.attenuation import photons_kev
from hevesy.imaging.reconstruct.projections import EnergyWindow, TomoStudy
from hevesy.imaging.reconstruct.words import finding, refused

Method = Literal["none", "tew", "dew"]

# Jaszczak et al., J Nucl Med 25 (1984) 893: half of a window below the photopeak of Tc-99m.
DEW_FACTOR: Final = 0.5
# Estimates from narrow windows are noisy and vary slowly: they are smoothed before use.
SMOOTHING_FWHM_MM: Final = 12.0


def photopeak(study: TomoStudy) -> int:
    """Index of the window to reconstruct: a photon of the nuclide inside it, most counts per keV."""
    counts = study.counts.sum(axis=(1, 2, 3, 4), dtype=np.float64)
    photons = photons_kev(study.nuclide)
    holds = [any(w.low_kev <= one <= w.high_kev for one in photons) for w in study.windows]
    if any(holds):
        counts = counts * np.array(holds)
    widths = np.array([window.width_kev for window in study.windows])
    if len(counts) == 1 or not np.all(widths > 0):
        return int(counts.argmax())
    return int((counts / widths).argmax())


def scatter_estimate(
    study: TomoStudy, *, method: Method, peak: int, gate: int | None = None
) -> tuple[Singles | None, list[Finding]]:
    """Scattered counts in window `peak` as [view, u, z] of the acquisition, or None for "none".

    TEW (Ogawa et al., IEEE Trans Med Imaging 10 (1991) 408): (C_l / W_l + C_u / W_u) W_peak / 2,
    without an upper window C_u = 0. DEW: 0.5 C_l. Raises `Refused` scatter_window_missing.
    """
    if method == "none":
        return None, []
    if method not in ("tew", "dew"):
        raise refused("bad_setting", f"scatter {method}")
    main = study.windows[peak]
    lower = _beside(study.windows, peak, below=True)
    upper = _beside(study.windows, peak, below=False)
    if lower is None or main.width_kev <= 0:
        raise refused("scatter_window_missing", main.name)
    findings: list[Finding] = []
    if method == "dew":
        planes = DEW_FACTOR * _counts(study, lower, gate)
    else:
        per_kev = _counts(study, lower, gate) / study.windows[lower].width_kev
        if upper is None:
            findings.append(finding("upper_window_missing"))
        else:
            per_kev = per_kev + _counts(study, upper, gate) / study.windows[upper].width_kev
        planes = per_kev * main.width_kev / 2.0
    sigma_mm = SMOOTHING_FWHM_MM / 2.355
    widths = (0.0, sigma_mm / study.column_mm, sigma_mm / study.row_mm)
    return gaussian_filter(planes, widths).astype(np.float32), findings


def _counts(study: TomoStudy, window: int, gate: int | None) -> Singles:
    chosen = study.counts[window]
    planes = chosen.sum(axis=0) if gate is None else chosen[gate]
    return np.asarray(planes[:, ::-1, :].transpose(0, 2, 1), dtype=np.float32)


def _beside(windows: tuple[EnergyWindow, ...], peak: int, *, below: bool) -> int | None:
    """The nearest window on one side of the photopeak window."""
    centre = windows[peak].centre_kev
    gaps = {
        index: (centre - one.centre_kev) * (1 if below else -1)
        for index, one in enumerate(windows)
        if index != peak and one.width_kev > 0
    }
    beside = {index: gap for index, gap in gaps.items() if gap > 0}
    return min(beside, key=lambda index: beside[index]) if beside else None
