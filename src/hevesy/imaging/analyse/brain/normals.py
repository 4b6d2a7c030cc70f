"""A site's normal database of brain images: building, checking by leave-one-out, keeping."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from hevesy.imaging.analyse.brain.regions import BrainRegions
from hevesy.imaging.refusal import Refused

Floats: TypeAlias = npt.NDArray[np.float64]
VERSION: Final = "hevesy-brain-normals/1"
FEWEST: Final = 20
# Below this share of its mean a spread is noise of the estimate, not biology.
SD_FLOOR: Final = 0.02
_REFERENCES: Final = ("global", "pons", "cerebellum")
_FWHM_PER_SIGMA: Final = 2.354820045


@dataclass(frozen=True, slots=True)
class Preparation:
    """How an image is made comparable: Gaussian FWHM in mm, and the region whose mean becomes 1."""

    fwhm_mm: float = 10.0
    reference: str = "global"

    def __post_init__(self) -> None:
        if self.reference not in _REFERENCES or not 0 <= self.fwhm_mm <= 30:
            raise Refused(
                "bad_preparation",
                f"Smoothing must be 0 to 30 mm, the reference one of {', '.join(_REFERENCES)}.",
                f"平滑须为0至30 mm，参考区须为 {'、'.join(_REFERENCES)} 之一。",
            )

    def prepared(self, values: Floats, regions: BrainRegions) -> Floats:
        """Smoothed values over the mean of the reference region."""
        if values.shape != regions.labels.shape:
            raise Refused(
                "wrong_grid",
                "The image must lie on the grid of the regions: bring it into standard space first.",
                "图像须先配准到脑区所在的标准空间网格。",
                str(values.shape),
            )
        spacing = np.linalg.norm(regions.ijk_to_lps[:3, :3], axis=0)[::-1]
        smooth = gaussian_filter(values, self.fwhm_mm / _FWHM_PER_SIGMA / spacing)
        mean = float(smooth[self.reference_mask(regions)].mean())
        if not np.isfinite(mean) or mean <= 0:
            raise Refused(
                "empty_reference",
                "The reference region has no activity: check the registration.",
                "参考区内无放射性，请检查配准。",
            )
        return np.asarray(smooth / mean, dtype=np.float64)

    def reference_mask(self, regions: BrainRegions) -> npt.NDArray[np.bool_]:
        """Voxels of the reference region."""
        if self.reference == "global":
            return regions.brain
        if self.reference == "cerebellum":
            return regions.mask("left cerebellum", "right cerebellum")
        return regions.mask("pons")


@dataclass(frozen=True, slots=True, eq=False)
class NormalDatabase:
    """Mean and SD (divisor n - 1) of prepared normal images on one grid.

    valid: voxels of the brain with a mean above 30 % of the brain's. left_out: for each member the
    mean |z| in the brain against the others; near 0.8 if it is one of them.
    """

    mean: Floats
    sd: Floats
    valid: npt.NDArray[np.bool_]
    count: int
    ijk_to_lps: Floats
    preparation: Preparation
    tracer: str
    left_out: tuple[float, ...]
    outliers: tuple[int, ...]
    regions_sha256: str

    def z(self, prepared: Floats) -> Floats:
        """z = (x - mean)/SD, 0 outside the valid voxels."""
        return np.where(self.valid, (prepared - self.mean) / self.sd, 0.0)

    def save(self, path: Path) -> str:
        """Write as .npz; returns the SHA-256 that the site notes down."""
        about = {
            "version": VERSION,
            "count": self.count,
            "tracer": self.tracer,
            "fwhm_mm": self.preparation.fwhm_mm,
            "reference": self.preparation.reference,
            "left_out": self.left_out,
            "outliers": self.outliers,
            "regions_sha256": self.regions_sha256,
        }
        with path.open("wb") as target:
            np.savez_compressed(
                target,
                mean=self.mean.astype(np.float32),
                sd=self.sd.astype(np.float32),
                valid=self.valid,
                ijk_to_lps=self.ijk_to_lps,
                about=np.array(json.dumps(about)),
            )
        return hashlib.sha256(path.read_bytes()).hexdigest()


def build_normals(
    images: Sequence[Floats],
    regions: BrainRegions,
    *,
    preparation: Preparation | None = None,
    tracer: str,
) -> NormalDatabase:
    """A database from at least 20 normal images in standard space, each [k, j, i] on the grid.

    Members whose mean |z| left out exceeds the median by over three robust SDs are named as
    outliers, not removed: the site looks at them and builds again. Raises `Refused`
    (`too_few_normals`).
    """
    preparation = preparation or Preparation()
    if len(images) < FEWEST:
        raise Refused(
            "too_few_normals",
            f"A normal database needs at least {FEWEST} normal examinations, there are "
            f"{len(images)}.",
            f"正常数据库至少需要 {FEWEST} 例正常检查，目前为 {len(images)} 例。",
        )
    prepared = np.stack([preparation.prepared(one, regions) for one in images])
    mean, sd = prepared.mean(axis=0), prepared.std(axis=0, ddof=1)
    valid = regions.brain & (mean > 0.3 * mean[regions.brain].mean())
    n = len(prepared)
    left_out = []
    for one in prepared:
        # Mean and variance without this member, from those with it.
        others = (n * mean - one) / (n - 1)
        spread = (n - 1) * sd**2 - n / (n - 1) * (one - mean) ** 2
        spread = np.sqrt(np.maximum(spread, 0.0) / (n - 2))
        z = (one - others)[valid] / np.maximum(spread, SD_FLOOR * others)[valid]
        left_out.append(float(np.abs(z).mean()))
    middle = float(np.median(left_out))
    robust = 1.4826 * float(np.median(np.abs(np.array(left_out) - middle)))
    outliers = tuple(i for i, one in enumerate(left_out) if one > middle + 3 * robust and one > 1.2)
    return NormalDatabase(
        mean,
        np.maximum(sd, SD_FLOOR * np.abs(mean) + 1e-9),
        valid,
        n,
        regions.ijk_to_lps,
        preparation,
        tracer,
        tuple(left_out),
        outliers,
        regions.sha256,
    )


def load_normals(path: Path, *, sha256: str) -> NormalDatabase:
    """A kept database; refused (`wrong_checksum`) if the file is not the one noted down."""
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256.lower():
        raise Refused(
            "wrong_checksum",
            "The normal database is not the one whose checksum was stated.",
            "正常数据库与登记的校验值不符。",
            found,
        )
    with np.load(path, allow_pickle=False) as kept:
        about: dict[str, Any] = json.loads(str(kept["about"]))
        if about.get("version") != VERSION:
            raise Refused(
                "wrong_version",
                "The normal database was built by another version: build it again.",
                "正常数据库由其他版本生成，请重新建立。",
                str(about.get("version")),
            )
        return NormalDatabase(
            kept["mean"].astype(np.float64),
            kept["sd"].astype(np.float64),
            kept["valid"],
            int(about["count"]),
            kept["ijk_to_lps"],
            Preparation(float(about["fwhm_mm"]), str(about["reference"])),
            str(about["tracer"]),
            tuple(about["left_out"]),
            tuple(about["outliers"]),
            str(about["regions_sha256"]),
        )
