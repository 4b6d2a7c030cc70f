"""Lesions of a whole-body PET: `hevesy image lesions PET_DIR --ct CT_DIR --json --seg OUT`.

Everything at or above the rule is in the table; class and inclusion are suggestions for a reader
to confirm (clause 6.16). Lesions are found and bounded in SUV by body weight; `--type` gives their
numbers in another SUV. Liver and blood pool are found by rule (the blood pool only with CT) unless
drawn ones are given. `--harmonise` measures the same voxels in a filtered copy too (EARL); the rows
do not change. `--seg` writes one segment per row as DICOM Segmentation. `--model` lets a network of
the department add rows or name organs; it takes nothing away. Exit status 0 if the table was made,
also when it is empty.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from hevesy.imaging.commands import answer, complain, corrections, existing, wrong_call
from hevesy.imaging.commands.references import add_reference_arguments, reference
from hevesy.imaging.device import DEVICES
from hevesy.imaging.dicomio import (
    ImageRefused,
    SeriesIdentity,
    read_dataset,
    read_series,
    require_whole,
)
from hevesy.imaging.geometry import Finding, Volume
from hevesy.imaging.models import Prediction, predict, read_model
from hevesy.imaging.models import lesions as models
from hevesy.imaging.quantify.harmonise import Harmonisation, harmonised, read_harmonisation
from hevesy.imaging.quantify.peak import peak
from hevesy.imaging.quantify.statistics import statistics
from hevesy.imaging.quantify.suv import apply_suv
from hevesy.imaging.quantify.suv_texts import refused
from hevesy.imaging.quantify.thresholds import RULES
from hevesy.imaging.segment.lesions.measured import measured_in
from hevesy.imaging.segment.lesions.report import LesionReport, LesionRow, find_lesions
from hevesy.imaging.segment.lesions.scoring import read_scoring
from hevesy.imaging.segment.lesions.tracers import TRACERS


def add_arguments(parser: ArgumentParser) -> None:
    """Declare images, tracer and rule."""
    parser.add_argument("folder", type=Path, metavar="PET_DIR", help="folder of one PET series")
    parser.add_argument("--ct", type=Path, metavar="DIR", help="CT series of the examination")
    parser.add_argument("--tracer", choices=TRACERS, default="FDG")
    parser.add_argument(
        "--rule", choices=list(RULES), default="F4.0", help="threshold (default F4.0)"
    )
    parser.add_argument("--model", type=Path, metavar="DIR", help="folder of a model, takes part")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument(
        "--score", type=Path, metavar="FILE", help="weights by `hevesy image retrain`"
    )
    add_reference_arguments(parser)
    parser.add_argument("--json", action="store_true", help="answer as JSON")
    parser.add_argument("--seg", type=Path, metavar="OUT", help="write a DICOM Segmentation")
    corrections.add_arguments(parser)


def run(arguments: Namespace) -> int:
    """Find and print; returns the exit status."""
    existing(arguments.folder, arguments.ct, arguments.model, arguments.score)
    existing(arguments.liver, arguments.blood_pool)
    if arguments.rule == "ITM" and arguments.resolution_mm is None:
        raise wrong_call("The rule ITM needs --resolution-mm.")
    by = None if arguments.harmonise is None else read_harmonisation(arguments.harmonise)
    pet, sources = _read(arguments.folder, "PT")
    factor = corrections.factor_of(pet, arguments)
    kind = factor.as_kind(arguments.type.upper())
    if kind.refused:
        raise refused(kind.refused)
    suv = apply_suv(pet, factor)
    ct = None if arguments.ct is None else _read(arguments.ct, "CT")[0]
    prediction = None if arguments.model is None else _predicted(arguments, suv, ct)
    proposed = () if prediction is None else models.proposals(suv, prediction)
    complain("finding lesions")
    scoring = None if arguments.score is None else read_scoring(arguments.score)
    report = find_lesions(
        suv,
        ct,
        tracer=arguments.tracer,
        rule=arguments.rule,
        proposed=proposed,
        scoring=scoring,
        liver=reference(arguments.liver, suv, "liver"),
        blood_pool=reference(arguments.blood_pool, suv, "blood pool"),
        fwhm_mm=arguments.resolution_mm,
    )
    if prediction is not None:
        report = models.with_model(report, prediction)
    if kind.kind != "BW":
        report = measured_in(report, apply_suv(pet, kind), kind.per_slice[0] / factor.per_slice[0])
    told = {"status": "ok", **report.as_json(), "suv": kind.provenance()}
    if prediction is not None:
        told["model"] = models.as_json(report, prediction)
    told["findings"] += [one.as_json() for one in kind.warnings]
    if by is not None:
        told["harmonisation"] = by.as_json()
        shown = apply_suv(pet, kind)
        for row, filtered in zip(told["lesions"], _harmonised(shown, report, by), strict=True):
            row["harmonised"] = filtered
    told["series_instance_uid"] = pet.series_instance_uid
    if arguments.seg is not None and report.rows:
        _write(report, pet, sources, arguments.seg, prediction)
        told["segmentation"] = str(arguments.seg)
    if arguments.json:
        answer(told)
    else:
        for row, own in zip(report.rows, told["lesions"], strict=True):
            sys.stdout.write(_line(row) + _also(own.get("harmonised")) + "\n")
        total = report.burden()
        sys.stdout.write(
            f"included {total.lesions}: TMTV {total.tmtv_ml:.4g} mL, TTLG {total.ttlg:.4g}\n"
        )
        for finding in report.findings:
            sys.stdout.write(_noted(finding) + "\n")
    return 0


def _read(folder: Path, modality: str) -> tuple[Volume, list[Path]]:
    series: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
        if not path.is_file():
            continue
        try:
            header = read_dataset(path, with_pixels=False)
        except (ImageRefused, OSError) as error:
            complain(f"{path}: {error}")
            continue
        if str(header.get("Modality", "")) == modality:
            series.setdefault(str(header.get("SeriesInstanceUID", "")), []).append(path)
    if not series:
        raise ImageRefused("no_images", f"no {modality} in {folder}")
    if len(series) > 1:
        raise ImageRefused("several_series", ", ".join(series))
    paths = next(iter(series.values()))
    complain(f"reading {len(paths)} files of {folder}")
    volume = read_series(paths)
    require_whole(volume)
    return volume, paths


def _predicted(arguments: Namespace, suv: Volume, ct: Volume | None) -> Prediction:
    model = read_model(arguments.model)
    complain(f"running {model.name} {model.version} ({model.regulatory_en})")
    told = 0

    def progress(fraction: float, text: str) -> None:
        nonlocal told
        if int(10 * fraction) > told:
            told = int(10 * fraction)
            complain(text)

    return predict(model, suv, ct, device=arguments.device, progress=progress)


def _write(
    report: LesionReport,
    pet: Volume,
    sources: list[Path],
    target: Path,
    prediction: Prediction | None,
) -> None:
    from hevesy.imaging.dicomio.objects.segmentation import Algorithm, Segment, segmentation
    from hevesy.imaging.dicomio.objects.sources import save

    named = () if prediction is None else models.naming(prediction)
    drew = Algorithm("hevesy-lesions", report.version, (("rule", report.rule.key), *named))
    proposed = drew if prediction is None else models.algorithm(prediction)
    segments = [
        Segment(
            f"{row.number} {row.class_en}",
            row.voi.whole(),
            algorithm=proposed if row.found_by == "model" else drew,
            tracking_id=f"lesion {row.number}",
        )
        for row in report.rows
    ]
    identity = SeriesIdentity(960, f"Lesions {report.rule.key}")
    save(segmentation(pet, sources, segments, identity), target)
    complain(f"written {target}")


def _harmonised(suv: Volume, report: LesionReport, by: Harmonisation) -> list[dict[str, Any]]:
    """Uptake of the rows' own voxels in the filtered copy."""
    complain(f"filtering by {by.fwhm_mm:g} mm")
    copy = harmonised(suv, by)
    answer = []
    for row in report.rows:
        told = statistics(copy, row.voi)
        answer.append(
            {
                "suv_max": told.max,
                "suv_peak": peak(copy, row.voi).value,
                "suv_mean": told.mean,
                "suv_std": told.std,
                "tlg_ml": told.tlg,
                "method": f"voxels of the row; {by.method}",
            }
        )
    return answer


def _also(filtered: dict[str, Any] | None) -> str:
    if filtered is None:
        return ""
    top, ball = filtered["suv_max"], filtered["suv_peak"]
    return f"; harmonised max {top:.4g}, peak {ball:.4g}, mean {filtered['suv_mean']:.4g}"


def _line(row: LesionRow) -> str:
    told = row.statistics
    return (
        f"{row.number:3d} {'+' if row.included else '-'} {row.score:.2f} {row.class_en}"
        f" {row.class_zh}; {row.place_en} {row.place_zh}: max {told.max:.4g}, peak"
        f" {row.peak.value:.4g}, mean {told.mean:.4g} ± {told.std:.4g}, {told.volume_ml:.4g} mL"
    )


def _noted(finding: Finding) -> str:
    return f"! [{finding.key}] {finding.text_en} {finding.text_zh}"
