"""Ratios of regions: dopamine transporter SBR, amyloid SUVR and Centiloid, bone scan index."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from hevesy.imaging.analyse.brain.regions import BrainRegions
from hevesy.imaging.analyse.outcome import ImagePanel, Measure, Outcome, bad_table
from hevesy.imaging.geometry.volume import Finding
from hevesy.imaging.refusal import Refused

Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]

TABLES: Final = Path(__file__).parent / "tables"


def _means(values: Floats, regions: BrainRegions, *names: str) -> float:
    if values.shape != regions.labels.shape:
        raise Refused(
            "wrong_grid",
            "The image must lie on the grid of the regions: bring it into standard space first.",
            "图像须先配准到脑区所在的标准空间网格。",
            str(values.shape),
        )
    return float(values[regions.mask(*names)].mean())


def _above_zero(value: float, what: str) -> float:
    if not np.isfinite(value) or value <= 0:
        raise Refused(
            "empty_reference",
            f"The reference region ({what}) has no activity: check the registration.",
            f"参考区（{what}）内无放射性，请检查配准。",
        )
    return value


def analyse_dat(
    values: npt.ArrayLike,
    regions: BrainRegions,
    *,
    left: str = "left striatum",
    right: str = "right striatum",
    reference: tuple[str, ...] = ("left occipital", "right occipital"),
) -> Outcome:
    """Specific binding ratio (striatum - reference)/reference per side, and asymmetry in percent.

    values: reconstructed counts [k, j, i] on the grid of the regions. Region means; no partial
    volume correction, so that values hold for one camera and reconstruction only.
    """
    image = np.asarray(values, dtype=np.float64)
    ground = _above_zero(_means(image, regions, *reference), ", ".join(reference))
    one, other = ((_means(image, regions, side) - ground) / ground for side in (left, right))
    mean = (one + other) / 2
    return Outcome(
        study="dat",
        measures=(
            Measure("left_sbr", one, "1", "Left SBR", "左侧特异性结合比"),
            Measure("right_sbr", other, "1", "Right SBR", "右侧特异性结合比"),
            Measure("mean_sbr", mean, "1", "Mean SBR", "平均特异性结合比"),
            Measure(
                "asymmetry_percent",
                100 * abs(one - other) / mean if mean > 0 else None,
                "%",
                "Asymmetry",
                "不对称指数",
            ),
        ),
        method="SBR = (mean of striatum - mean of reference)/mean of reference; whole regions.",
        decay="cancels in the ratio",
        version="hevesy-dat-sbr/1",
        source=f"regions: {regions.source}",
        inputs={"reference": list(reference), "regions_sha256": regions.sha256},
        findings=(
            Finding(
                "own_normals",
                "SBR depends on camera, reconstruction and regions: use normals of the site.",
                "SBR 取决于设备、重建与脑区，请使用本科室的正常值。",
            ),
        ),
        panels=_slices(image, regions),
    )


def analyse_amyloid(
    values: npt.ArrayLike,
    regions: BrainRegions,
    *,
    tracer: str,
    cortex: tuple[str, ...],
    reference: tuple[str, ...] = ("left cerebellum", "right cerebellum"),
    standard_regions: bool = False,
    table: Path = TABLES / "centiloid.toml",
) -> Outcome:
    """SUVR of a cortex over a reference region, and Centiloid by the tracer's line of the table.

    standard_regions: the caller declares that the regions are the standard Centiloid ones; without
    it the Centiloid is given with the finding `not_standard`.
    """
    rows: Mapping[str, Any] = tomllib.loads(table.read_text("utf-8")).get("tracer", {})
    if tracer not in rows:
        raise bad_table(f"no tracer “{tracer}”; there are {', '.join(rows)}")
    row = rows[tracer]
    if not row.get("source") or "checked" not in row:
        raise bad_table(f"{tracer}: source and checked are needed")
    image = np.asarray(values, dtype=np.float64)
    ground = _above_zero(_means(image, regions, *reference), ", ".join(reference))
    suvr = _means(image, regions, *cortex) / ground
    findings = []
    if not standard_regions:
        findings.append(
            Finding(
                "not_standard",
                "The regions are not the standard Centiloid ones: the Centiloid is an estimate.",
                "所用脑区并非标准 Centiloid 脑区，数值仅为估计。",
            )
        )
    if not row["checked"]:
        findings.append(
            Finding(
                "table_not_checked",
                "The tracer's conversion has not been compared with its paper.",
                "该示踪剂的换算公式尚未与文献核对。",
            )
        )
    return Outcome(
        study="amyloid",
        measures=(
            Measure("suvr", suvr, "1", "SUVR", "标准摄取值比"),
            Measure(
                "centiloid",
                float(row["slope"]) * suvr + float(row["intercept"]),
                "CL",
                "Centiloid",
                "Centiloid 值",
            ),
        ),
        method="SUVR = mean of cortex over mean of reference; Centiloid = slope x SUVR + intercept.",
        decay="cancels in the ratio",
        version="hevesy-centiloid/1",
        source=f"{row['source']}; regions: {regions.source}",
        inputs={
            "tracer": tracer,
            "window_min": list(row["window_min"]),
            "slope": float(row["slope"]),
            "intercept": float(row["intercept"]),
            "conversion_checked": bool(row["checked"]),
            "cortex": list(cortex),
            "reference": list(reference),
            "regions_sha256": regions.sha256,
        },
        findings=tuple(findings),
        panels=_slices(image, regions),
    )


def _slices(image: Floats, regions: BrainRegions) -> tuple[ImagePanel, ...]:
    """The axial slice through most of the labelled voxels, and the labels on it."""
    k = int(np.argmax((regions.labels > 0).sum(axis=(1, 2))))
    return (
        ImagePanel("Image", "图像", image[k]),
        ImagePanel("Regions", "脑区", regions.labels[k].astype(np.float64)),
    )


def analyse_bone_scan_index(
    image: npt.ArrayLike,
    bones: Mapping[str, Bools],
    lesions: npt.ArrayLike,
    *,
    table: Path = TABLES / "skeleton.toml",
) -> Outcome:
    """Bone scan index in percent of the skeleton's weight, from regions drawn by hand. Research.

    image: planar counts (rows, columns). bones: bone of the table to its pixels, drawn for all
    bones that are to count. lesions: pixels of lesions. BSI = sum over bones of (lesion pixels in
    the bone / pixels of the bone) x its share of the skeleton. Bones must not overlap.
    """
    rows = tomllib.loads(table.read_text("utf-8"))
    shares: Mapping[str, float] = rows.get("percent", {})
    if not rows.get("source") or "checked" not in rows:
        raise bad_table("source and checked are needed")
    if not shares or not 0 < sum(shares.values()) <= 101.0:
        raise bad_table("the shares must add up to at most 100 percent")
    ill = np.asarray(lesions, dtype=bool)
    covered = np.zeros(ill.shape, dtype=np.intp)
    measures, total = [], 0.0
    for bone, mask in bones.items():
        if bone not in shares:
            raise bad_table(f"no bone “{bone}”; there are {', '.join(shares)}")
        pixels = np.asarray(mask, dtype=bool)
        if pixels.shape != ill.shape or not pixels.any():
            raise _bad_bones(f"{bone}: other size, or empty")
        covered += pixels
        involved = float((pixels & ill).sum() / pixels.sum())
        total += involved * shares[bone]
        label = bone.replace("_", " ")
        measures.append(
            Measure(f"{bone}_involved_percent", 100 * involved, "%", f"{label}, involved", bone)
        )
    if covered.max(initial=0) > 1:
        raise _bad_bones("two bones overlap")
    findings = [
        Finding(
            "research",
            "Research only: area on a planar image, bones and lesions drawn by hand.",
            "仅供研究：基于平面图像面积，骨与病灶由人工勾画。",
        )
    ]
    outside = int((ill & (covered == 0)).sum())
    if outside:
        findings.append(
            Finding(
                "lesion_outside",
                f"{outside} lesion pixels lie in no bone and do not count.",
                f"{outside} 个病灶像素不在任何骨内，未计入。",
                {"pixels": outside},
            )
        )
    if not rows["checked"]:
        findings.append(
            Finding(
                "table_not_checked",
                "The bones' shares have not been compared with their source.",
                "骨重量比例尚未与原始文献核对。",
            )
        )
    picture = np.asarray(image, dtype=np.float64)
    return Outcome(
        study="bsi",
        measures=(Measure("bsi_percent", total, "%", "Bone scan index", "骨扫描指数"), *measures),
        method="Sum over bones of involved share of the area times share of the skeleton's weight.",
        decay="none",
        version="hevesy-bsi/1",
        source=f"Imbriaco M et al. Clin Cancer Res 1998;4:1765; shares: {rows['source']}",
        inputs={"bones": list(bones), "shares_checked": bool(rows["checked"])},
        findings=tuple(findings),
        panels=(
            ImagePanel("Image", "图像", np.sqrt(np.maximum(picture, 0))),
            ImagePanel("Lesions in bones", "骨内病灶", covered + 2.0 * (ill & (covered > 0))),
        ),
    )


def _bad_bones(detail: str) -> Refused:
    return Refused(
        "bad_bones",
        f"The regions of the bones are not usable: {detail}.",
        f"骨区域无法使用：{detail}。",
        detail,
    )
