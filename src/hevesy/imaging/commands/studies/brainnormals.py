"""`hevesy image analyse brainnormals FOLDER … --tracer NAME --out FILE`: build a database."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Final

from hevesy.imaging.analyse.brain.normals import VERSION, Preparation, build_normals
from hevesy.imaging.analyse.outcome import ImagePanel, Measure, Outcome
from hevesy.imaging.commands import complain
from hevesy.imaging.commands.studies import in_space
from hevesy.imaging.geometry.volume import Finding

HELP: Final = (
    "Build a normal database from at least 20 normal examinations, a folder each. A file matrix.json"
    " in a folder takes standard space to that patient; without it --template does."
)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    in_space.add_brain(parser)
    in_space.add_way(parser)
    parser.add_argument("--tracer", required=True)
    parser.add_argument("--fwhm-mm", type=float, default=10.0, help="smoothing")
    parser.add_argument("--reference", default="global", help="global, pons or cerebellum")
    parser.add_argument("--out", type=Path, required=True, help="database to write, .npz")


def outcome(arguments: Namespace) -> Outcome:
    """The answer; the database is written on the way."""
    regions = in_space.regions_of(arguments)
    images = []
    for number, folder in enumerate(arguments.folders, start=1):
        complain(f"normal {number} of {len(arguments.folders)}: {folder}")
        matrix = folder / "matrix.json"
        files = [one for one in in_space.files_of([folder]) if one != matrix]
        if matrix.exists():
            patient = in_space.whole_volume(files)
            images.append(in_space.on_grid(patient, regions, in_space.matrix_of(matrix)))
        else:
            images.append(in_space.brain_of(files, regions, arguments))
    preparation = Preparation(arguments.fwhm_mm, arguments.reference)
    built = build_normals(images, regions, preparation=preparation, tracer=arguments.tracer)
    checksum = built.save(arguments.out)
    findings = tuple(
        Finding(
            "outlier",
            f"{arguments.folders[n]} differs from the other normals: look at it.",
            f"{arguments.folders[n]} 与其他正常病例差异较大，请复核。",
            {"mean_abs_z": built.left_out[n]},
        )
        for n in built.outliers
    )
    middle = built.mean.shape[0] // 2
    return Outcome(
        study="brainnormals",
        measures=(
            Measure("normals", float(built.count), "1", "Members", "病例数"),
            Measure(
                "worst_mean_abs_z",
                max(built.left_out),
                "SD",
                "Largest mean |z| left out",
                "最大留一法|z|",
            ),
        ),
        method="Mean and SD per voxel of smoothed, normalised images; each member left out once.",
        decay="cancels in the reference region",
        version=VERSION,
        source=f"regions: {regions.source}",
        inputs={
            "sha256": checksum,
            "tracer": arguments.tracer,
            "fwhm_mm": arguments.fwhm_mm,
            "reference": arguments.reference,
            "left_out_mean_abs_z": list(built.left_out),
        },
        findings=findings,
        panels=(
            ImagePanel("Mean", "均值", built.mean[middle]),
            ImagePanel("SD", "标准差", built.sd[middle]),
        ),
    )
