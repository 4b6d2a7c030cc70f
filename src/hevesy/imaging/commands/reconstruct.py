"""Reconstruct SPECT projections (NM TOMO, GATED TOMO) into an NM RECON TOMO object."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from hevesy.imaging.analyse.spectsuv import CameraCalibration, read_calibration
from hevesy.imaging.commands import answer, complain, existing
from hevesy.imaging.device import DEVICES
from hevesy.imaging.dicomio import read_series, require_whole
from hevesy.imaging.dicomio.nm_write import Recorded, recon_tomo_dataset
from hevesy.imaging.geometry import Volume
from hevesy.imaging.reconstruct.absolute import in_becquerel
from hevesy.imaging.reconstruct.acquisition import Singles
from hevesy.imaging.reconstruct.attenuation import EllipseContour
from hevesy.imaging.reconstruct.filters import parse_filter
from hevesy.imaging.reconstruct.projections import read_tomo
from hevesy.imaging.reconstruct.run import (
    Contour,
    Reconstruction,
    Settings,
    parameters_text,
    reconstruct,
)
from hevesy.imaging.reconstruct.words import refused


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The call: one file of projections in, one file of slices out."""
    parser.add_argument("file", type=Path, help="projections: NM TOMO or GATED TOMO")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    parser.add_argument("--method", choices=("fbp", "mlem", "osem"), default="osem")
    parser.add_argument("--iterations", type=int, default=4)
    parser.add_argument("--subsets", type=int, default=10)
    parser.add_argument("--ct", type=Path, help="folder of the CT for attenuation correction")
    parser.add_argument("--kvp", type=float, default=120.0, help="tube voltage of the CT")
    parser.add_argument(
        "--contour",
        default="none",
        help="uniform attenuation without CT: counts, or an ellipse x,y,a,b in mm",
    )
    parser.add_argument("--chang-order", type=int, choices=(0, 1), default=0)
    parser.add_argument("--psf", default="", help="collimator for resolution recovery, or header")
    parser.add_argument("--scatter", choices=("none", "tew", "dew"), default="none")
    parser.add_argument(
        "--filter",
        default="none",
        help="hann:0.5, butterworth:0.4:5 (cycles/cm, order), gaussian:8 (mm), … or none",
    )
    parser.add_argument(
        "--window", type=int, help="energy window, from 1; the photopeak if left out"
    )
    parser.add_argument("--gates", choices=("sum", "each"), default="sum")
    parser.add_argument("--shift-axis", action="store_true", help="correct the centre of rotation")
    parser.add_argument(
        "--correct-motion", action="store_true", help="move whole views back after a jump"
    )
    parser.add_argument("--no-decay", action="store_true", help="no decay during the rotation")
    parser.add_argument(
        "--angles",
        choices=("patient", "gantry"),
        default="patient",
        help="what angles are counted from; the standard says the patient",
    )
    parser.add_argument(
        "--calibrations", type=Path, help="the site's table of sensitivities, TOML: write Bq/mL"
    )
    parser.add_argument("--calibration", default="", help="row of that table")
    parser.add_argument(
        "--cps-per-mbq", type=float, help="instead of a table: planar sensitivity of one head"
    )
    parser.add_argument("--sensitivity-source", default="", help="who measured it and when")
    parser.add_argument("--device", choices=DEVICES, default="auto", help="of OSEM and MLEM")
    parser.add_argument("--json", action="store_true", help="print what was done as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Read, reconstruct, write."""
    existing(arguments.file, arguments.ct)
    started = time.monotonic()
    settings = Settings(
        method=arguments.method,
        iterations=arguments.iterations,
        subsets=arguments.subsets,
        filter=parse_filter(arguments.filter),
        collimator=arguments.psf,
        scatter=arguments.scatter,
        contour=_contour(arguments.contour),
        chang_order=arguments.chang_order,
        window=None if arguments.window is None else arguments.window - 1,
        gates=arguments.gates,
        decay=not arguments.no_decay,
        shift_axis=arguments.shift_axis,
        correct_motion=arguments.correct_motion,
        ct_kvp=arguments.kvp,
    )
    study = read_tomo(arguments.file, angles=arguments.angles)
    ct = _read_ct(arguments.ct) if arguments.ct else None

    def tell(what: str, iteration: int, image: Singles) -> None:
        counts = float(image.sum(dtype=np.float64))
        complain(f"{what}: iteration {iteration} of {settings.iterations}, {counts:.0f} counts")

    made = reconstruct(study, settings, ct=ct, progress=tell, device=arguments.device)
    calibration = _calibration(arguments, study.nuclide)
    if calibration is not None:
        made = in_becquerel(made, study, calibration)
    dataset = recon_tomo_dataset(
        made.gates or (made.summed,),
        study.source,
        recorded(made),
        series_description=f"{study.source.get('SeriesDescription') or 'SPECT'} {made.method}",
        energy_window=made.window,
    )
    dataset.save_as(arguments.out, enforce_file_format=True)
    for found in made.findings:
        complain(f"{found.text_en} {found.text_zh} [{found.key}]")
    if arguments.json:
        answer(
            {
                "status": "ok",
                "file": str(arguments.out),
                "seconds": round(time.monotonic() - started, 2),
                **made.as_json(),
            }
        )
    else:
        complain(f"{arguments.out}: {made.method}, {time.monotonic() - started:.1f} s")
    return 0


def recorded(made: Reconstruction) -> Recorded:
    """What of a reconstruction its DICOM object tells."""
    facts = made.parameters
    done = [
        word
        for word, on in (
            ("DECY", facts["decay_during_rotation"]),
            ("ATTN", facts["attenuation"] != "none"),
            ("SCAT", facts["scatter"] != "none"),
            ("COR", bool(facts["axis_shifted_mm"])),
            ("MOTN", facts["motion_corrected"] not in ("none", "no jump")),
        )
        if on
    ]
    return Recorded(
        method=made.method,
        description=parameters_text(facts),
        kernel=facts["filter"].replace(" cycles/cm", "").replace(", order", ""),
        attenuation=facts["attenuation"] if facts["attenuation"] != "none" else "",
        scatter=facts["scatter"].upper() if facts["scatter"] != "none" else "",
        corrections=done,
        iterations=facts["iterations"],
        subsets=facts["subsets"],
    )


def _calibration(arguments: argparse.Namespace, nuclide_name: str) -> CameraCalibration | None:
    if arguments.calibrations:
        return read_calibration(arguments.calibrations, arguments.calibration)
    if arguments.cps_per_mbq is None:
        return None
    if not arguments.cps_per_mbq > 0 or not arguments.sensitivity_source:
        raise refused("bad_setting", "a sensitivity above zero and --sensitivity-source")
    return CameraCalibration(
        key="stated",
        nuclide=nuclide_name,
        collimator=arguments.psf,
        reconstruction="planar",
        counts_per_s_per_bq=arguments.cps_per_mbq / 1e6,
        relative_sd=0.0,
        source=arguments.sensitivity_source,
        checked=False,
        counting_time="view",
    )


def _contour(text: str) -> Contour | EllipseContour:
    if text == "counts":
        return "counts"
    if text == "none":
        return "none"
    try:
        x, y, a, b = (float(one) for one in text.split(","))
    except ValueError:
        raise refused("bad_setting", f"contour {text}") from None
    return EllipseContour(x, y, a, b)


def _read_ct(folder: Path) -> Volume:
    ct = read_series(sorted(path for path in folder.iterdir() if path.is_file()))
    require_whole(ct)
    return ct
