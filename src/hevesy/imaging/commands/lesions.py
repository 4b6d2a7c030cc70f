"""Lesions of a whole-body PET: `hevesy image lesions PET_DIR --ct CT_DIR --json --seg OUT`.

Everything at or above the rule is in the table; class and inclusion are suggestions for a reader
to confirm (clause 6.16). PET is read in SUV by body weight. `--seg` writes one segment per row as
DICOM Segmentation. `--model` lets a network of the department add rows or name organs; it takes
nothing away. Exit status 0 if the table was made, also when it is empty.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from hevesy.imaging.commands import answer, complain
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
from hevesy.imaging.quantify.suv import apply_suv, suv_factor
from hevesy.imaging.quantify.suv_texts import refused
from hevesy.imaging.quantify.thresholds import RULES
from hevesy.imaging.segment.lesions.report import LesionReport, LesionRow, find_lesions
from hevesy.imaging.segment.lesions.scoring import read_scoring
from hevesy.imaging.segment.lesions.tracers import TRACERS

# The verb states no resolution of the scanner, which the iterative rule needs.
_RULES = [key for key in RULES if key != "ITM"]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare images, tracer and rule."""
    parser.add_argument("folder", type=Path, metavar="PET_DIR", help="folder of one PET series")
    parser.add_argument("--ct", type=Path, metavar="DIR", help="CT series of the examination")
    parser.add_argument("--tracer", choices=TRACERS, default="FDG")
    parser.add_argument("--rule", choices=_RULES, default="F4.0", help="threshold (default F4.0)")
    parser.add_argument("--model", type=Path, metavar="DIR", help="folder of a model, takes part")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument(
        "--score", type=Path, metavar="FILE", help="weights by `hevesy image retrain`"
    )
    parser.add_argument("--json", action="store_true", help="answer as JSON")
    parser.add_argument("--seg", type=Path, metavar="OUT", help="write a DICOM Segmentation")


def run(arguments: Namespace) -> int:
    """Find and print; returns the exit status."""
    for path in (arguments.folder, arguments.ct, arguments.model, arguments.score):
        if path is not None and not path.exists():
            complain(f"{path}: no such file or folder")
            return 2
    pet, sources = _read(arguments.folder, "PT")
    factor = suv_factor(pet.headers)
    if factor.refused:
        raise refused(factor.refused)
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
    )
    if prediction is not None:
        report = models.with_model(report, prediction)
    told = report.as_json()
    if prediction is not None:
        told["model"] = models.as_json(report, prediction)
    told["findings"] += [one.as_json() for one in factor.warnings]
    told["series_instance_uid"] = pet.series_instance_uid
    if arguments.seg is not None and report.rows:
        _write(report, pet, sources, arguments.seg, prediction)
        told["segmentation"] = str(arguments.seg)
    if arguments.json:
        answer(told)
    else:
        for row in report.rows:
            sys.stdout.write(_line(row) + "\n")
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


def _line(row: LesionRow) -> str:
    told = row.statistics
    return (
        f"{row.number:3d} {'+' if row.included else '-'} {row.score:.2f} {row.class_en}"
        f" {row.class_zh}; {row.place_en} {row.place_zh}: max {told.max:.4g}, peak"
        f" {row.peak.value:.4g}, mean {told.mean:.4g} ± {told.std:.4g}, {told.volume_ml:.4g} mL"
    )


def _noted(finding: Finding) -> str:
    return f"! [{finding.key}] {finding.text_en} {finding.text_zh}"
