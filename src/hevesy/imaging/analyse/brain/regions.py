"""Regions of the brain in a standard space: our coarse geometric set, or a site's own atlas.

Hevesy ships no published atlas: licences forbid it or ask for an agreement of the site. A site
imports its own label volume with the checksum that it was given, and the checksum stands in every
result.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from hevesy.imaging.analyse.outcome import bad_table
from hevesy.imaging.geometry import Volume
from hevesy.imaging.refusal import Refused

Bools: TypeAlias = npt.NDArray[np.bool_]
Floats: TypeAlias = npt.NDArray[np.float64]
COARSE: Final = Path(__file__).parent.parent / "tables" / "coarse_brain.toml"


@dataclass(frozen=True, slots=True, eq=False)
class BrainRegions:
    """Labels [k, j, i] (0 = none) on the grid of the standard space, names, and where from.

    names: label to (English, Chinese). brain: voxels of the brain. sha256: of the file it came
    from.
    """

    labels: npt.NDArray[np.int32]
    names: Mapping[int, tuple[str, str]]
    brain: Bools
    ijk_to_lps: Floats
    source: str
    checked: bool
    sha256: str

    def mask(self, *names: str) -> Bools:
        """Voxels of all regions of these English names. Raises `Refused` (`no_region`)."""
        wanted = [label for label, (english, _) in self.names.items() if english in names]
        if len({self.names[label][0] for label in wanted}) != len(set(names)):
            raise Refused(
                "no_region",
                f"The region set has no region “{', '.join(names)}”.",
                f"脑区集中没有区域“{'、'.join(names)}”。",
                ", ".join(english for english, _ in self.names.values()),
            )
        inside: Bools = np.isin(self.labels, wanted)
        if not inside.any():
            raise Refused(
                "no_region",
                f"The region “{', '.join(names)}” holds no voxel of this grid.",
                f"区域“{'、'.join(names)}”在该网格中没有体素。",
            )
        return inside


def standard_grid(voxel_mm: float = 4.0) -> tuple[tuple[int, int, int], Floats]:
    """Shape (k, j, i) and `ijk_to_lps` of a grid over the brain in MNI152 space.

    x and y are those of LPS: MNI is right-anterior-superior, so that both change sign.
    """
    low, high = np.array((-80.0, -80.0, -72.0)), np.array((80.0, 112.0, 88.0))
    count = np.floor((high - low) / voxel_mm).astype(int) + 1
    affine = np.diag([voxel_mm, voxel_mm, voxel_mm, 1.0])
    affine[:3, 3] = low
    return (int(count[2]), int(count[1]), int(count[0])), affine


def coarse_regions(
    shape: tuple[int, int, int], ijk_to_lps: Floats, *, table: Path = COARSE
) -> BrainRegions:
    """The geometric regions of the table on a grid of the standard space."""
    text = table.read_bytes()
    rows = tomllib.loads(text.decode("utf-8"))
    if not rows.get("source") or "checked" not in rows or "brain" not in rows:
        raise bad_table("source, checked and brain are needed")
    k, j, i = np.indices(shape, dtype=np.float64)
    lps = np.stack((i, j, k), axis=-1) @ ijk_to_lps[:3, :3].T + ijk_to_lps[:3, 3]
    x, y, z = -lps[..., 0], -lps[..., 1], lps[..., 2]
    cerebrum = _ellipsoid(rows["brain"], x, y, z)
    brain = cerebrum.copy()
    labels = np.zeros(shape, dtype=np.int32)
    names: dict[int, tuple[str, str]] = {}
    for row in rows.get("region", ()):
        sides = ((1, "right ", "右侧"), (-1, "left ", "左侧")) if row["paired"] else ((1, "", ""),)
        for sign, english, chinese in sides:
            if "box" in row:
                (a, b), (c, d), (e, f) = row["box"]
                inside = (sign * x >= a) & (sign * x <= b) & (y >= c) & (y <= d)
                inside &= (z >= e) & (z <= f) & cerebrum
            else:
                inside = _ellipsoid(row["ellipsoid"], sign * x, y, z)
                brain |= inside
            label = len(names) + 1
            names[label] = (english + row["name"], chinese + row["name_zh"])
            labels[inside] = label
    return BrainRegions(
        labels,
        names,
        brain,
        np.asarray(ijk_to_lps, dtype=np.float64),
        str(rows["source"]),
        bool(rows["checked"]),
        hashlib.sha256(text).hexdigest(),
    )


def _ellipsoid(row: Mapping[str, Any], x: Floats, y: Floats, z: Floats) -> Bools:
    (cx, cy, cz), (rx, ry, rz) = row["centre"], row["radii"]
    inside: Bools = ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 + ((z - cz) / rz) ** 2 <= 1
    return inside


def import_atlas(
    path: Path, *, sha256: str, names: Path, shape: tuple[int, int, int], ijk_to_lps: Floats
) -> BrainRegions:
    """A site's label volume (NIfTI or another form SimpleITK reads), on the given grid.

    sha256: what the site was given with the file; another file is refused (`wrong_checksum`).
    names: TOML with source, checked and a table `[names]` of label = ["English", "中文"]. Nearest
    label, no interpolation; all labelled voxels count as brain.
    """
    stored, affine = _read_image(path, sha256)
    rows = tomllib.loads(names.read_text("utf-8"))
    if not rows.get("source") or "checked" not in rows or not rows.get("names"):
        raise bad_table("names, source and checked are needed")
    k, j, i = np.indices(shape, dtype=np.float64)
    lps = np.stack((i, j, k), axis=-1) @ ijk_to_lps[:3, :3].T + ijk_to_lps[:3, 3]
    back = np.linalg.inv(affine)
    index = np.rint(lps @ back[:3, :3].T + back[:3, 3]).astype(int)
    inside = np.all((index >= 0) & (index < np.array(stored.shape[::-1])), axis=-1)
    index[~inside] = 0
    labels = np.where(
        inside, stored.astype(np.int32)[index[..., 2], index[..., 1], index[..., 0]], 0
    )
    named = {int(key): (str(v[0]), str(v[1])) for key, v in rows["names"].items()}
    return BrainRegions(
        labels.astype(np.int32),
        named,
        labels > 0,
        np.asarray(ijk_to_lps, dtype=np.float64),
        str(rows["source"]),
        bool(rows["checked"]),
        sha256.lower(),
    )


def import_template(path: Path, *, sha256: str, modality: str) -> Volume:
    """A site's template in standard space (NIfTI or another form SimpleITK reads), to be laid on patients.

    sha256: what the site was given with the file; another file is refused (`wrong_checksum`).
    modality: whose look the template has, "PT", "NM", "MR" or "CT".
    """
    values, affine = _read_image(path, sha256)
    return Volume(values.astype(np.float32), affine, "1", modality, description=path.name)


def _read_image(path: Path, sha256: str) -> tuple[npt.NDArray[Any], Floats]:
    """Voxels [k, j, i] and `ijk_to_lps` of an image file, if it is the one with this checksum."""
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256.lower():
        raise Refused(
            "wrong_checksum",
            f"{path.name} is not the file whose checksum was stated: fetch it again.",
            f"文件 {path.name} 与登记的校验值不符，请重新获取。",
            found,
        )
    import SimpleITK

    try:
        image = SimpleITK.ReadImage(str(path))
    except RuntimeError as error:
        raise Refused(
            "no_image",
            f"{path.name} cannot be read as an image volume; NIfTI is expected.",
            f"无法将 {path.name} 读作图像容积，应为 NIfTI 文件。",
        ) from error
    affine = np.eye(4)
    direction = np.array(image.GetDirection()).reshape(3, 3)
    affine[:3, :3] = direction * np.array(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return SimpleITK.GetArrayFromImage(image), affine


def in_standard_space(
    volume: Volume,
    shape: tuple[int, int, int],
    ijk_to_lps: Floats,
    *,
    patient_from_standard: npt.ArrayLike | None = None,
) -> Floats:
    """Values of a volume on the standard grid, trilinear, 0 outside; float64 [k, j, i].

    patient_from_standard: 4x4 LPS mm from points of the standard space to points of the patient,
    from a registration; None if the volume lies in the standard space already.
    """
    k, j, i = np.indices(shape, dtype=np.float64)
    lps = np.stack((i, j, k), axis=-1) @ ijk_to_lps[:3, :3].T + ijk_to_lps[:3, 3]
    if patient_from_standard is not None:
        matrix = np.asarray(patient_from_standard, dtype=np.float64)
        if matrix.shape != (4, 4) or abs(np.linalg.det(matrix)) < 1e-6:
            raise Refused(
                "bad_matrix",
                "The transform to the standard space must be an invertible 4x4 matrix.",
                "到标准空间的变换须为可逆的4x4矩阵。",
            )
        lps = lps @ matrix[:3, :3].T + matrix[:3, 3]
    return volume.sample(lps).astype(np.float64)
