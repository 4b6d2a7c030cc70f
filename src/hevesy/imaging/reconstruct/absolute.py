"""Bq/mL from a reconstruction and the camera's sensitivity."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hevesy.imaging.analyse.spectsuv import CameraCalibration
from hevesy.imaging.geometry import Finding, Volume
from hevesy.imaging.nuclides import nuclide
from hevesy.imaging.reconstruct.projections import TomoStudy
from hevesy.imaging.reconstruct.run import Reconstruction
from hevesy.imaging.reconstruct.words import finding, refused


def in_becquerel(
    made: Reconstruction, study: TomoStudy, calibration: CameraCalibration
) -> Reconstruction:
    """The reconstruction in Bq/mL when its first view began: C = n / (t S V).

    n: counts of a voxel per view of weight 1, what OSEM and FBP of this package give; t: time of
    that view; V: volume of the voxel; S: sensitivity in counts per second and Bq, of one head, as a
    planar source shows it (NEMA NU 1) or as a cylinder reconstructed in the same way calibrates it.
    Decay during the rotation is in n. A `Finding` names corrections that were left out, and a
    calibration not checked. Raises `Refused` not_absolute for gates, whose counting time is not
    stated, without decay correction, for another nuclide, or a sensitivity not per time of a view.
    """
    view_s = float(made.parameters["view_s"])
    if study.gates > 1:
        raise refused("not_absolute", "gated")
    if view_s <= 0 or not made.parameters["decay_during_rotation"]:
        raise refused("not_absolute", "time of a view or decay correction missing")
    if calibration.counting_time != "view":
        raise refused("not_absolute", f"{calibration.key} counts over the scan, not over a view")
    if nuclide(study.nuclide).symbol != calibration.nuclide:
        raise refused("not_absolute", f"calibrated for {calibration.nuclide}, not {study.nuclide}")
    missing = [what for what in ("attenuation", "scatter") if made.parameters[what] == "none"]
    notes: list[Finding] = []
    if missing:
        notes.append(finding("absolute_uncorrected", what=" and ".join(missing)))
    if not calibration.checked:
        notes.append(finding("table_unchecked", what=f"The sensitivity {calibration.key}"))
    per_count = 1000.0 / (view_s * made.summed.voxel_mm3 * calibration.counts_per_s_per_bq)

    def scaled(volume: Volume) -> Volume:
        values = (volume.array * per_count).astype(np.float32)
        known = replace(volume, findings=(*volume.findings, *notes))
        return known.with_values(values, units="BQML")

    return replace(
        made,
        summed=scaled(made.summed),
        units="BQML",
        findings=(*made.findings, *notes),
        parameters={
            **made.parameters,
            "cps_per_mbq": round(calibration.counts_per_s_per_bq * 1e6, 6),
            "sensitivity_from": f"{calibration.key}: {calibration.source}"[:120],
        },
    )
