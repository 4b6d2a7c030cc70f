"""Filtered back projection, and Chang's correction of its attenuation."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.fft import irfft, next_fast_len, rfft

from hevesy.imaging.compiled import in_parts
from hevesy.imaging.geometry import Finding
from hevesy.imaging.reconstruct.acquisition import Acquisition, Singles
from hevesy.imaging.reconstruct.filters import Filter
from hevesy.imaging.reconstruct.kernels import back_project_lines, view_frame
from hevesy.imaging.reconstruct.projector import Projector
from hevesy.imaging.reconstruct.words import finding, refused

# Beyond this, missing angles show as streaks that no weighting hides.
_LARGEST_GAP_DEG: Final = 20.0


def fbp(
    acquisition: Acquisition, window: Filter, *, scatter: Singles | None = None
) -> tuple[Singles, list[Finding]]:
    """Image [y, x, z] by filtered back projection; may be negative.

    The ramp times the window runs along u, the window alone along z, so that the image is smoothed
    alike in all directions. Views are weighted by the angle each stands for within the half circle:
    180, 360 and other arcs give the same scale. Raises `Refused` arc_too_small if a gap exceeds 20
    degrees.
    """
    weights, largest_deg = angular_weights(acquisition.angles_deg)
    if largest_deg > _LARGEST_GAP_DEG:
        raise refused("arc_too_small", f"gap of {largest_deg:.1f} degrees")
    usual_deg = 180.0 / len({round(a % 180.0, 3) for a in acquisition.angles_deg})
    findings = (
        [finding("uneven_views", gap_deg=largest_deg)] if largest_deg > 2.0 * usual_deg else []
    )
    counts = acquisition.counts if scatter is None else acquisition.counts - scatter
    planes = counts / acquisition.weights.astype(np.float32)[:, None, None]
    filtered = _filtered(planes, acquisition, window)
    size = acquisition.size
    image = np.zeros(acquisition.image_shape, dtype=np.float32)

    def work(start: int, stop: int) -> None:
        # Threads take slices, not views: they share one image without adding into each other.
        own = np.zeros((size, size, stop - start), dtype=np.float32)
        for view, angle in enumerate(acquisition.angles_deg):
            frame = view_frame(
                float(angle), size=size, columns=size, axis_u=float(acquisition.axis_u[view])
            )
            plane = np.ascontiguousarray(filtered[view, :, start:stop])
            back_project_lines(plane, own, frame, float(weights[view]))
        image[:, :, start:stop] = own

    in_parts(work, acquisition.slices, at_least=16)
    return image, findings


def angular_weights(angles_deg: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], float]:
    """Radians of the half circle that each view stands for, pi in all, and the largest gap in degrees.

    A view and its opposite measure the same lines, so they share what lies around them.
    """
    folded = np.round(angles_deg % 180.0, 4) % 180.0
    distinct, place, repeats = np.unique(folded, return_inverse=True, return_counts=True)
    gaps = np.diff(np.append(distinct, distinct[0] + 180.0))
    share = (gaps + np.roll(gaps, 1)) / 2.0 / repeats
    return np.radians(share[place]), float(gaps.max())


def _filtered(planes: Singles, acquisition: Acquisition, window: Filter) -> Singles:
    """Ramp and window along u, window along z.

    The ramp is the transform of its band-limited samples in space (Kak and Slaney, Principles of
    Computerized Tomographic Imaging, 3.3), which keeps the mean that a ramp sampled in frequency
    loses.
    """
    _, columns, slices = planes.shape
    length = next_fast_len(2 * columns, real=True)
    n = np.arange(length)
    n = np.minimum(n, length - n)
    odd = n % 2 == 1
    samples = np.zeros(length)
    samples[0] = 0.25
    samples[odd] = -1.0 / (np.pi * n[odd]) ** 2
    ramp = np.real(rfft(samples))
    response = ramp * window.response(np.fft.rfftfreq(length, acquisition.pixel_mm / 10.0))
    spectrum = rfft(planes, length, axis=1) * response.astype(np.float32)[None, :, None]
    filtered = irfft(spectrum, length, axis=1)[:, :columns]
    if window.kind != "none" and slices > 1:
        room = slices // 2 + 1
        padded = np.pad(filtered, ((0, 0), (0, 0), (room, room)), mode="edge")
        axial = window.response(np.fft.rfftfreq(padded.shape[2], acquisition.slice_mm / 10.0))
        smooth = irfft(rfft(padded, axis=2) * axial.astype(np.float32), padded.shape[2], axis=2)
        filtered = smooth[:, :, room : room + slices]
    return np.asarray(filtered, dtype=np.float32)


def chang(
    image: Singles,
    acquisition: Acquisition,
    mu_per_mm: Singles,
    window: Filter,
    *,
    order: int = 0,
    scatter: Singles | None = None,
) -> Singles:
    """Attenuation correction after Chang, IEEE Trans Nucl Sci 25 (1978) 638.

    Order 0 multiplies by 1 / mean over views of exp(-integral of mu to the detector). Order 1 adds
    the equally corrected FBP of what the projections of that image leave unexplained.
    """
    if order not in (0, 1):
        raise refused("bad_setting", f"Chang of order {order}")
    projector = Projector(acquisition, mu_per_mm=mu_per_mm)
    factor = chang_factor(acquisition, mu_per_mm)
    corrected = image * factor
    if order == 0:
        return np.asarray(corrected)
    expected = projector.forward(corrected)
    counts = acquisition.counts if scatter is None else acquisition.counts - scatter
    rest, _ = fbp(acquisition.with_counts(counts - expected), window)
    return np.asarray(corrected + rest * factor)


def chang_factor(acquisition: Acquisition, mu_per_mm: Singles) -> Singles:
    """1 / mean over views of the fraction that reaches the detector, [y, x, z].

    The mean is taken over the angles that views stand for, by back projecting ones with and without
    attenuation.
    """
    weights = np.asarray(acquisition.weights, dtype=np.float32)[:, None, None]
    ones = np.ones_like(acquisition.counts) / weights
    through = Projector(acquisition, mu_per_mm=mu_per_mm).back(ones)
    without = Projector(acquisition).back(ones)
    reached = np.maximum(through, np.float32(1e-3) * np.maximum(without, np.float32(1e-6)))
    return np.where(without > 0, without / reached, 1.0).astype(np.float32)
