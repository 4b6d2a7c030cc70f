"""Low-pass filters by their frequency response, for the ramp of FBP and after reconstruction.

Frequencies are cycles per cm, as on the consoles of gamma cameras.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.fft import irfftn, next_fast_len, rfftn
from scipy.ndimage import gaussian_filter

from hevesy.imaging.reconstruct.acquisition import Singles
from hevesy.imaging.reconstruct.words import refused

KINDS: Final = ("none", "butterworth", "hann", "hamming", "cosine", "shepp-logan", "gaussian")
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Filter:
    """A window in frequency.

    kind: of `KINDS`. cutoff_per_cm: of all but gaussian and none. order: of butterworth,
    1 / sqrt(1 + (f/fc)^(2 order)), which is 0.707 at the cutoff; consoles that print
    1 / (1 + (f/fc)^(2 n)) or a power factor p need order = 2 n or p to compare slopes. fwhm_mm: of
    gaussian.
    """

    kind: str = "none"
    cutoff_per_cm: float = 0.5
    order: float = 5.0
    fwhm_mm: float = 0.0

    def __post_init__(self) -> None:
        good = self.kind in KINDS and self.cutoff_per_cm > 0 and self.order > 0
        if not good or (self.kind == "gaussian" and not self.fwhm_mm > 0):
            raise refused("bad_setting", str(self))

    @property
    def text(self) -> str:
        """As shown: kind, cutoff in cycles/cm, order."""
        if self.kind == "none":
            return "none"
        if self.kind == "gaussian":
            return f"gaussian {self.fwhm_mm:g} mm FWHM"
        order = f", order {self.order:g}" if self.kind == "butterworth" else ""
        return f"{self.kind} {self.cutoff_per_cm:g} cycles/cm{order}"

    def response(self, per_cm: npt.ArrayLike) -> Floats:
        """Amplitude at frequencies in cycles/cm, 1 at 0."""
        f = np.abs(np.asarray(per_cm, dtype=np.float64))
        part = f / self.cutoff_per_cm
        inside = part <= 1.0
        if self.kind == "butterworth":
            return np.asarray(1.0 / np.sqrt(1.0 + part ** (2.0 * self.order)))
        if self.kind == "hann":
            return np.where(inside, 0.5 + 0.5 * np.cos(np.pi * part), 0.0)
        if self.kind == "hamming":
            return np.where(inside, 0.54 + 0.46 * np.cos(np.pi * part), 0.0)
        if self.kind == "cosine":
            return np.where(inside, np.cos(np.pi * part / 2.0), 0.0)
        if self.kind == "shepp-logan":
            return np.where(inside, np.sinc(part / 2.0), 0.0)
        if self.kind == "gaussian":
            sigma_cm = self.fwhm_mm / 10.0 / 2.3548200450309493
            return np.asarray(np.exp(-2.0 * (np.pi * sigma_cm * f) ** 2))
        return np.ones_like(f)

    def applied(self, image: Singles, *, pixel_mm: float, slice_mm: float) -> Singles:
        """The image [y, x, z] filtered in three dimensions, alike in all directions.

        The image is padded by its edge values to twice its size where it is filtered by FFT, so
        that opposite edges do not meet. Gaussians are filtered in space.
        """
        if self.kind == "none":
            return image
        spacing = (pixel_mm, pixel_mm, slice_mm)
        if self.kind == "gaussian":
            sigma = [self.fwhm_mm / 2.3548200450309493 / one for one in spacing]
            return np.asarray(gaussian_filter(image, sigma, mode="nearest", truncate=4.0))
        padded = [next_fast_len(n + n // 2, real=True) for n in image.shape]
        before = [(m - n) // 2 for m, n in zip(padded, image.shape, strict=True)]
        widths = [(b, m - n - b) for b, m, n in zip(before, padded, image.shape, strict=True)]
        spectrum = rfftn(np.pad(image, widths, mode="edge"))
        y, x = (np.fft.fftfreq(padded[axis], spacing[axis] / 10.0) for axis in (0, 1))
        z = np.fft.rfftfreq(padded[2], spacing[2] / 10.0)
        radius = np.sqrt(y[:, None, None] ** 2 + x[None, :, None] ** 2 + z[None, None, :] ** 2)
        spectrum *= self.response(radius).astype(np.float32)
        whole = irfftn(spectrum, s=padded)
        crop = tuple(slice(b, b + n) for b, n in zip(before, image.shape, strict=True))
        return np.asarray(whole[crop], dtype=np.float32)


def parse_filter(text: str) -> Filter:
    """A filter from "hann:0.5", "butterworth:0.4:5" (cutoff, order), "gaussian:8" (mm) or "none".

    Raises `Refused` bad_setting.
    """
    kind, *numbers = text.strip().lower().split(":")
    try:
        values = [float(number) for number in numbers]
    except ValueError:
        raise refused("bad_setting", text) from None
    if len(values) > (2 if kind == "butterworth" else 1):
        raise refused("bad_setting", text)
    if kind == "gaussian" and values:
        return Filter(kind, fwhm_mm=values[0])
    if not values:
        return Filter(kind)
    return Filter(kind, cutoff_per_cm=values[0], order=values[1] if len(values) > 1 else 5.0)
