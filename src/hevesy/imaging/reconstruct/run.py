"""From projections to volumes: one call with all settings, and everything it did in its answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from hevesy.imaging.device import Arrays, Device, Place, gpu_if, on_processor_only
from hevesy.imaging.geometry import Finding, Volume
from hevesy.imaging.nuclides import NUCLIDES
from hevesy.imaging.reconstruct import scatter as scatter_windows
from hevesy.imaging.reconstruct.acquisition import Acquisition, Singles, acquisition, as_array
from hevesy.imaging.reconstruct.analytic import chang, fbp
from hevesy.imaging.reconstruct.arrays import ArrayProjector
from hevesy.imaging.reconstruct.attenuation import (
    EllipseContour,
    contour_from_image,
    mu_from_ct,
    photon_energy_kev,
    unchecked_tables,
    uniform_per_mm,
)
from hevesy.imaging.reconstruct.checks import centre_of_rotation, motion
from hevesy.imaging.reconstruct.collimators import Collimator, collimator
from hevesy.imaging.reconstruct.filters import Filter
from hevesy.imaging.reconstruct.iterate import osem
from hevesy.imaging.reconstruct.movement import Shifts, find_shifts, shifted, shifted_rows
from hevesy.imaging.reconstruct.projections import TomoStudy
from hevesy.imaging.reconstruct.projector import Projector
from hevesy.imaging.reconstruct.words import finding, refused

VERSION: Final = "hevesy-spect/1"
_SOURCES: Final = {
    "fbp": "Kak and Slaney, Principles of Computerized Tomographic Imaging, 1988",
    "mlem": "Shepp and Vardi, IEEE Trans Med Imaging 1982",
    "osem": "Hudson and Larkin, IEEE Trans Med Imaging 1994",
}

Method = Literal["fbp", "mlem", "osem"]
Contour = Literal["none", "counts"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How to reconstruct.

    method: fbp, mlem (one subset) or osem. filter: for FBP the window of the ramp, else the
    post-filter. collimator: for resolution recovery, a key or header name of the table, "header"
    for what the header names, "" for none. scatter: none, tew, dew. contour: uniform attenuation
    inside an ellipse or the outline of the counts, where no CT is given ("none" for none).
    chang_order: of FBP, 0 or 1. window: energy window from 0, None to choose the photopeak.
    gates: "sum", or "each" for one volume per gate and their sum. shift_axis: correct the centre
    of rotation as fitted, where the fit is reliable. correct_motion: put the views after a jump
    where the others expect them.
    """

    method: Method = "osem"
    iterations: int = 4
    subsets: int = 10
    filter: Filter = field(default_factory=Filter)
    collimator: str = ""
    scatter: scatter_windows.Method = "none"
    contour: Contour | EllipseContour = "none"
    chang_order: int = 0
    window: int | None = None
    gates: Literal["sum", "each"] = "sum"
    decay: bool = True
    shift_axis: bool = False
    correct_motion: bool = False
    ct_kvp: float = 120.0


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """Volumes and how they were made.

    summed: of all gates. gates: one volume each where asked for, else empty. Voxel values are
    counts that a view of full weight would see from the voxel without attenuation ("CNTS").
    parameters: plain values for records. log_likelihood: per iteration, of the sum. device: where
    it was iterated.
    """

    summed: Volume
    gates: tuple[Volume, ...]
    window: int
    parameters: dict[str, Any]
    findings: tuple[Finding, ...]
    log_likelihood: tuple[float, ...] = ()
    device: Place = "cpu"
    units: str = "CNTS"
    method: str = ""
    version: str = VERSION

    def as_json(self) -> dict[str, Any]:
        """Plain values, units in the keys."""
        return {
            "method": self.method,
            "version": self.version,
            "source": _SOURCES[self.parameters["method"]],
            "units": self.units,
            "device": self.device,
            "shape_ijk": list(self.summed.shape_ijk),
            "spacing_mm": [round(one, 6) for one in self.summed.spacing_mm],
            "gates": len(self.gates),
            "sum_counts": float(self.summed.array.sum(dtype=np.float64)),
            "parameters": self.parameters,
            "log_likelihood": list(self.log_likelihood),
            "findings": [
                {"key": one.key, "text_en": one.text_en, "text_zh": one.text_zh}
                for one in self.findings
            ],
        }


# Called with what is being reconstructed ("sum", "gate 1", …), the iteration and the image so far.
Progress = Callable[[str, int, Singles], object]


def reconstruct(
    study: TomoStudy,
    settings: Settings,
    *,
    ct: Volume | None = None,
    progress: Progress | None = None,
    device: Device = "auto",
) -> Reconstruction:
    """Reconstruct a study: the sum of its gates, and each gate if asked for.

    Gates are reconstructed with the settings and the attenuation of the sum, on the same scale:
    their images add up to about that of the sum. device: auto (a GPU where there is one), cpu,
    cuda; FBP runs on the processor. Raises `Refused`, of a GPU no_cuda and no_cuda_path.
    """
    if settings.method not in ("fbp", "mlem", "osem"):
        raise refused("bad_setting", settings.method)
    if settings.collimator and settings.method == "fbp":
        raise refused("bad_setting", "resolution recovery needs OSEM or MLEM")
    arrays = None
    if settings.method == "fbp":
        on_processor_only(device)
    else:
        arrays = gpu_if(device)
    plan = _Plan(study, settings, ct, arrays)
    image, history = plan.image(None, progress)
    images = []
    if settings.gates == "each" and study.gates > 1:
        images = [plan.image(gate, progress)[0] for gate in range(study.gates)]
    parameters = plan.parameters()
    text = method_text(parameters)
    return Reconstruction(
        summed=plan.volume(image),
        gates=tuple(plan.volume(one) for one in images),
        window=plan.peak,
        parameters=parameters,
        findings=tuple(plan.findings),
        log_likelihood=history,
        device="cpu" if arrays is None else arrays.place,
        method=text,
    )


class _Plan:
    """What sum and gates share: places, attenuation, collimator."""

    def __init__(
        self, study: TomoStudy, settings: Settings, ct: Volume | None, arrays: Arrays | None
    ) -> None:
        self.study, self.settings, self.arrays = study, settings, arrays
        self.findings = list(study.findings)
        asked = settings.window
        self.peak = scatter_windows.photopeak(study) if asked is None else asked
        self.acquisition = acquisition(study, window=self.peak, decay=settings.decay)
        if not self.acquisition.counts.any():
            raise refused("no_counts", f"window {self.peak + 1}")
        if settings.decay and (
            study.nuclide not in NUCLIDES or min(view.duration_s for view in study.views) <= 0
        ):
            self.findings.append(finding("no_decay_correction"))
        self.energy_kev = photon_energy_kev(study.nuclide, study.windows[self.peak])
        self._check_motion_and_axis()
        self.collimator = self._collimator()
        _, notes = self._scatter(None)
        self.findings += notes
        self.mu_source = "none"
        self.mu: Singles | None = self._attenuation(ct)
        uses_tables = ct is not None or self.mu is not None or self.collimator is not None
        if uses_tables and unchecked_tables():
            self.findings.append(finding("table_unchecked", what="Attenuation coefficients"))

    def _check_motion_and_axis(self) -> None:
        detectors = np.array([view.detector for view in self.study.views])
        self.fits, notes = centre_of_rotation(self.acquisition, detectors)
        self.shifted_mm: dict[int, float] = {}
        if self.settings.shift_axis:
            axis_u = self.acquisition.axis_u.copy()
            for fit in self.fits:
                if fit.reliable:
                    axis_u[detectors == fit.detector] += fit.offset_px
                    self.shifted_mm[fit.detector] = round(fit.offset_mm, 3)
            self.acquisition = replace(self.acquisition, axis_u=axis_u)
        _, moved = motion(self.acquisition, detectors)
        self.findings += [*notes, *moved]
        self.shifts: Shifts | None = None
        if self.settings.correct_motion:
            self.shifts, corrected = find_shifts(self.acquisition, detectors)
            self.acquisition = shifted(self.acquisition, self.shifts)
            # Gates and scatter windows are read from the study, with the same shifts.
            self.study = shifted_rows(self.study, self.shifts)
            self.findings += corrected

    def _collimator(self) -> Collimator | None:
        name = self.settings.collimator
        if not name:
            return None
        chosen = collimator(
            self.study.collimator if name == "header" else name, energy_kev=self.energy_kev
        )
        if not chosen.checked:
            self.findings.append(finding("table_unchecked", what=f"Holes of {chosen.key}"))
        return chosen

    def _scatter(self, gate: int | None) -> tuple[Singles | None, list[Finding]]:
        return scatter_windows.scatter_estimate(
            self.study, method=self.settings.scatter, peak=self.peak, gate=gate
        )

    def _attenuation(self, ct: Volume | None) -> Singles | None:
        if ct is not None:
            frame = str(self.study.source.get("FrameOfReferenceUID") or "")
            mu, notes = mu_from_ct(
                ct,
                self.acquisition,
                energy_kev=self.energy_kev,
                frame_of_reference_uid=frame if self.study.position_known else "",
                kvp=self.settings.ct_kvp,
            )
            self.findings += notes
            self.mu_source = f"CT bilinear at {self.energy_kev:g} keV, {self.settings.ct_kvp:g} kVp"
            return mu
        contour = self.settings.contour
        if contour == "none":
            return None
        value = uniform_per_mm(self.energy_kev, scatter_corrected=self.settings.scatter != "none")
        inside: npt.NDArray[np.bool_]
        if isinstance(contour, EllipseContour):
            inside, name = contour.mask(self.acquisition), "ellipse"
        else:
            first, _ = fbp(self.acquisition, Filter("hann", cutoff_per_cm=0.5))
            inside, name = contour_from_image(first, self.acquisition), "outline of counts"
            self.findings.append(finding("contour_from_counts"))
        self.mu_source = f"uniform {10 * value:.4f}/cm, {name}"
        return np.where(inside, np.float32(value), np.float32(0.0))

    def image(
        self, gate: int | None, progress: Progress | None
    ) -> tuple[Singles, tuple[float, ...]]:
        """Image [y, x, z] of one gate or of the sum, and the likelihood per iteration."""
        settings = self.settings
        places = self.acquisition
        if gate is not None:
            own = acquisition(self.study, window=self.peak, gate=gate, decay=settings.decay)
            places = places.with_counts(own.counts)
        estimate, _ = self._scatter(gate)
        if settings.method == "fbp":
            image, notes = fbp(places, settings.filter, scatter=estimate)
            if gate is None:
                self.findings += notes
            if self.mu is not None:
                image = chang(
                    image,
                    places,
                    self.mu,
                    settings.filter,
                    order=settings.chang_order,
                    scatter=estimate,
                )
            return image, ()
        name = "sum" if gate is None else f"gate {gate + 1}"
        result = osem(
            self._projector(places),
            iterations=settings.iterations,
            subsets=settings.subsets if settings.method == "osem" else 1,
            scatter=estimate,
            progress=None if progress is None else lambda n, image: progress(name, n, image),
        )
        smooth = settings.filter.applied(
            result.image, pixel_mm=places.pixel_mm, slice_mm=places.slice_mm
        )
        return np.maximum(smooth, np.float32(0.0)), result.log_likelihood

    def _projector(self, places: Acquisition) -> Projector:
        if self.arrays is None:
            return Projector(places, mu_per_mm=self.mu, collimator=self.collimator)
        return ArrayProjector(
            places, arrays=self.arrays, mu_per_mm=self.mu, collimator=self.collimator
        )

    def volume(self, image: Singles) -> Volume:
        """The image in the patient."""
        source = self.study.source
        known = self.study.position_known
        return Volume(
            array=as_array(image),
            ijk_to_lps=self.acquisition.ijk_to_lps(),
            units="CNTS",
            modality="NM",
            # Without a stated position the volume is not where the camera's frame says.
            frame_of_reference_uid=str(source.get("FrameOfReferenceUID") or "") if known else "",
            study_instance_uid=str(source.get("StudyInstanceUID") or ""),
            findings=tuple(self.findings),
        )

    def parameters(self) -> dict[str, Any]:
        """What was done, in plain values."""
        settings, chosen = self.settings, self.collimator
        window = self.study.windows[self.peak]
        iterative = settings.method != "fbp"
        return {
            "method": settings.method,
            "iterations": settings.iterations if iterative else 0,
            "subsets": {"fbp": 0, "mlem": 1, "osem": settings.subsets}[settings.method],
            "filter": settings.filter.text,
            "attenuation": self.mu_source,
            "chang_order": (
                settings.chang_order if not iterative and self.mu is not None else None
            ),
            "resolution": (
                f"{chosen.key} holes {chosen.hole_mm:g} x {chosen.length_mm:g} mm, intrinsic"
                f" {chosen.intrinsic_mm:g} mm"
                if chosen
                else "none"
            ),
            "scatter": settings.scatter,
            "decay_during_rotation": bool(
                settings.decay and not any(f.key == "no_decay_correction" for f in self.findings)
            ),
            "nuclide": self.study.nuclide,
            "photon_kev": self.energy_kev,
            "window_kev": [window.low_kev, window.high_kev],
            "views": len(self.study.views),
            "view_s": self.acquisition.seconds,
            "axis_fits": [fit.as_json() for fit in self.fits],
            "axis_shifted_mm": {str(key): mm for key, mm in self.shifted_mm.items()},
            "motion_shifts": None if self.shifts is None else self.shifts.as_json(),
            "motion_corrected": "none" if self.shifts is None else self.shifts.text or "no jump",
        }


def method_text(parameters: dict[str, Any]) -> str:
    """The method in one line, as it stands in Reconstruction Method."""
    if parameters["method"] == "fbp":
        order = parameters["chang_order"]
        return "FBP" + ("" if order is None else f" Chang{order}")
    name = "MLEM" if parameters["method"] == "mlem" else "OSEM"
    count = f" {parameters['iterations']}i{parameters['subsets']}s"
    extras = [
        word
        for word, on in (
            ("AC", parameters["attenuation"] != "none"),
            ("PSF", parameters["resolution"] != "none"),
            ("SC", parameters["scatter"] != "none"),
            ("MC", parameters["motion_corrected"] not in ("none", "no jump")),
        )
        if on
    ]
    return name + count + "".join(f" {word}" for word in extras)


def parameters_text(parameters: dict[str, Any]) -> str:
    """All parameters as one line of JSON without what is measured, for Derivation Description."""
    measured = ("axis_fits", "motion_shifts")
    kept = {key: value for key, value in parameters.items() if key not in measured}
    return json.dumps(kept, ensure_ascii=True, separators=(",", ":"))
