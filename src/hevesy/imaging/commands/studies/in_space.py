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
    in_standard_space,
    standard_grid,
)
from hevesy.imaging.dicomio.series import read_series, require_whole
from hevesy.imaging.geometry import Volume
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
    """The volume of the series. Refused (`missing_slices`, `single_slice`) if it is not whole."""
    return _whole(arguments.files)


def _whole(files: Sequence[Path]) -> Volume:
    volume = read_series(files_of(files))
    require_whole(volume)
    return volume


def add_brain(parser: ArgumentParser) -> None:
    """Declare grid, atlas and the matrix of the registration."""
    parser.add_argument("--voxel-mm", type=float, default=4.0, help="of the standard grid")
    parser.add_argument("--atlas", type=Path, help="label volume of the site, standard space")
    parser.add_argument("--atlas-sha256", default="", help="its checksum")
    parser.add_argument("--atlas-names", type=Path, help="TOML: source, checked, names")


def add_matrix(parser: ArgumentParser) -> None:
    """Declare the transform of the registration."""
    parser.add_argument(
        "--matrix",
        type=Path,
        help="JSON, 4x4 LPS mm from standard space to the patient; none: in standard space already",
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


def brain_of(files: Sequence[Path], regions: BrainRegions, matrix: Path | None) -> Floats:
    """A series on the grid of the regions."""
    transform = None if matrix is None else read_json(matrix)
    nk, nj, ni = regions.labels.shape
    return in_standard_space(
        _whole(files),
        (nk, nj, ni),
        regions.ijk_to_lps,
        patient_from_standard=transform,
    )


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
