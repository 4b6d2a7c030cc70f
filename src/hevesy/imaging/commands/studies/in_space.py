"""Options of studies on volumes: image files, the way into standard space, regions of the brain."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from hevesy.imaging.analyse.brain.regions import (
    BrainRegions,
    coarse_regions,
    import_atlas,
    import_template,
    in_standard_space,
    standard_grid,
)
from hevesy.imaging.commands import complain
from hevesy.imaging.dicomio.series import read_series, require_whole
from hevesy.imaging.geometry import Finding, Volume
from hevesy.imaging.refusal import Refused

Floats: TypeAlias = npt.NDArray[np.float64]


def files_of(paths: Sequence[Path]) -> list[Path]:
    """Files named, and those in folders named. Raises OSError if one does not exist."""
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(2, "no such file or folder", str(path))
        found += sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    return found


def add_volume(parser: ArgumentParser) -> None:
    """Declare the images of one series."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="DICOM, one series")


def volume_of(arguments: Namespace) -> Volume:
    """The volume of the series, as `whole_volume`."""
    return whole_volume(arguments.files)


def whole_volume(files: Sequence[Path]) -> Volume:
    """The volume of a series. Refused (`missing_slices`, `single_slice`) if it is not whole."""
    volume = read_series(files_of(files))
    require_whole(volume)
    return volume


def add_brain(parser: ArgumentParser) -> None:
    """Declare grid, atlas and the matrix of the registration."""
    parser.add_argument("--voxel-mm", type=float, default=4.0, help="of the standard grid")
    parser.add_argument("--atlas", type=Path, help="label volume of the site, standard space")
    parser.add_argument("--atlas-sha256", default="", help="its checksum")
    parser.add_argument("--atlas-names", type=Path, help="TOML: source, checked, names")


def add_way(parser: ArgumentParser) -> None:
    """Declare how the patient comes into the standard space."""
    parser.add_argument(
        "--matrix",
        type=Path,
        help="JSON, 4x4 LPS mm from standard space to the patient, or an answer of `register`"
        " (patient fixed, template moving); none: in standard space already",
    )
    parser.add_argument(
        "--template", type=Path, help="image of the site in standard space, laid on the patient"
    )
    parser.add_argument("--template-sha256", default="", help="its checksum")
    parser.add_argument(
        "--template-modality",
        choices=("PT", "NM", "MR", "CT"),
        help="whose look the template has (default: that of the series)",
    )


def regions_of(arguments: Namespace) -> BrainRegions:
    """The site's atlas, or the coarse regions."""
    shape, affine = standard_grid(arguments.voxel_mm)
    if arguments.atlas is None:
        return coarse_regions(shape, affine)
    if arguments.atlas_names is None:
        raise Refused(
            "no_names",
            "An atlas needs --atlas-names: what its labels are called.",
            "使用图谱时须提供 --atlas-names（标签名称表）。",
        )
    return import_atlas(
        arguments.atlas,
        sha256=arguments.atlas_sha256,
        names=arguments.atlas_names,
        shape=shape,
        ijk_to_lps=affine,
    )


def brain_of(files: Sequence[Path], regions: BrainRegions, arguments: Namespace) -> Floats:
    """A series on the grid of the regions, by what `add_way` declares."""
    if arguments.matrix is not None and arguments.template is not None:
        raise Refused(
            "two_ways",
            "Give --matrix or --template, not both.",
            "--matrix 与 --template 只能给出一个。",
        )
    patient = whole_volume(files)
    if arguments.template is not None:
        return on_grid(patient, regions, laid_on(patient, arguments))
    return on_grid(patient, regions, arguments.matrix and matrix_of(arguments.matrix))


def on_grid(patient: Volume, regions: BrainRegions, matrix: Floats | None) -> Floats:
    """A volume on the grid of the regions."""
    nk, nj, ni = regions.labels.shape
    return in_standard_space(
        patient, (nk, nj, ni), regions.ijk_to_lps, patient_from_standard=matrix
    )


def laid_on(patient: Volume, arguments: Namespace) -> Floats:
    """The matrix from the template to the patient; what speaks against it becomes a doubt of the answer."""
    from hevesy.imaging.register.template import register_to_template

    template = import_template(
        arguments.template,
        sha256=arguments.template_sha256,
        modality=arguments.template_modality or patient.modality,
    )
    found = register_to_template(
        template, patient, progress=lambda share, text: complain(f"{share:4.0%} {text}")
    )
    told = {
        "template": arguments.template.name,
        "sha256": arguments.template_sha256.lower(),
        "registration": found.as_json(),
    }
    way = Finding(
        "laid_on_template",
        "The series was brought into the standard space by an affine registration: look at it.",
        "本序列经仿射配准进入标准空间，请核对位置。",
        told,
    )
    if not found.accepted:
        reasons = [gate for gate in found.gates if not gate.passed]
        way = Finding(
            "check_alignment",
            "The registration with the template is not to be trusted: "
            + " ".join(gate.text_en for gate in reasons),
            "与模板的配准不可信：" + "".join(gate.text_zh for gate in reasons),
            told,
        )
    arguments.doubts = [*getattr(arguments, "doubts", []), way]
    return found.moving_to_fixed


def matrix_of(path: Path) -> Floats:
    """A 4x4 matrix from a JSON file: itself, or as `register` answers it. Refused (`bad_matrix`) otherwise."""
    given = read_json(path)
    if isinstance(given, dict):
        given = given.get("moving_to_fixed_lps_mm")
    try:
        matrix = np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        matrix = np.empty(0)
    if matrix.shape != (4, 4) or not np.all(np.isfinite(matrix)):
        raise Refused(
            "bad_matrix",
            f"{path.name} holds no 4x4 matrix of numbers, nor an answer of “register”.",
            f"{path.name} 中没有4x4数字矩阵，也不是 register 的结果。",
        )
    return matrix


def read_json(path: Path) -> Any:
    """A JSON file; refused (`bad_json`) if it is none."""
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise Refused(
            "bad_json",
            f"{path.name} is not valid JSON.",
            f"{path.name} 不是有效的 JSON。",
            str(error),
        ) from None


def numbers(given: Any, key: str) -> Floats:
    """A list of numbers of a JSON object; refused (`bad_json`) if missing or something else."""
    try:
        found = np.array(given[key], dtype=np.float64)
    except (KeyError, TypeError, ValueError):
        found = np.empty(0)
    if found.ndim != 1 or not found.size or not np.all(np.isfinite(found)):
        raise Refused(
            "bad_json",
            f"The file needs “{key}”: a list of numbers.",
            f"文件缺少“{key}”（数字列表）。",
            key,
        )
    return found
