"""The lesion table of a stranger's series, made in child processes.

One child decodes a series under the narrow limits of every decoder (`dicomio.sandbox`) and leaves
its voxels; another makes the table from them, with more memory and time but within bounds: a volume
of noise has millions of foci. A model of the department runs in the second child too. It is trusted
as a program is (`hevesy.imaging.models`), and a GPU maps more address space than any limit on
memory would grant, so that then only time is bounded.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from hevesy.imaging.device import Device
from hevesy.imaging.dicomio import ImageRefused, require_whole
from hevesy.imaging.dicomio.sandbox import ChildLimits, read_series_into, run_task, volume_of
from hevesy.imaging.geometry import Finding, Volume
from hevesy.imaging.refusal import Refused
from hevesy.imaging.segment.lesions.scoring import Scoring, read_scoring

# Only the child computes; a server that asks for it does not load what computes.
if TYPE_CHECKING:
    from hevesy.imaging.models import Prediction

Part = TypeVar("Part")
LABELS_FILE: Final = "labels.i32"
_LIMITS: Final = ChildLimits(memory_bytes=8 * 1024**3, processor_s=900, wall_s=900.0)
_LIMITS_WITH_MODEL: Final = ChildLimits(
    memory_bytes=None, processor_s=24 * 3600, wall_s=3300.0, open_files=4096
)
# A patient full of metastases has some hundreds.
_MOST_ROWS: Final = 5000
_ZH: Final = {"ct": "CT", "score": "学习得到的权重", "model": "模型"}


@dataclass(frozen=True, slots=True)
class Made:
    """A table: `LesionReport.as_json()` with "grid", "device", "model" (or None) and the doubts about SUV.

    labels: file of little-endian int32 in the order of "grid" "shape_kji": 0, or the row's number.
    """

    report: dict[str, Any]
    labels: Path

    @property
    def left_out(self) -> set[str]:
        """Of "ct", "score" and "model" those that could not be used."""
        keys = {finding["key"] for finding in self.report["findings"]}
        return {name for name in _ZH if f"{name}_not_used" in keys}


def find_lesions_sandboxed(
    pet: Sequence[Path],
    ct: Sequence[Path],
    folder: Path,
    *,
    tracer: str,
    rule: str,
    score: Path | None = None,
    model: Path | None = None,
    device: Device = "auto",
    progress: Callable[[float, str], None] = lambda fraction, what: None,
) -> Made:
    """Lesions of the PET in these files, in SUV by body weight, as `find_lesions` finds them.

    ct: files of the CT in the same frame of reference, or none. A CT, weights or a model that cannot
    be used are left out and named in "findings" (ct_not_used, score_not_used, model_not_used): the
    rule needs none of them. folder: empty and existing. progress: called with a fraction and "pet",
    "ct" or "lesions" before each stage. Raises `ImageRefused`, `Refused`.
    """
    progress(0.05, "pet")
    asked: dict[str, Any] = {
        "pet": _read(pet, folder / "pet"),
        "ct": None,
        "ct_refused": None,
        "tracer": tracer,
        "rule": rule,
        "score": None if score is None else str(score.resolve()),
        "model": None if model is None else str(model.resolve()),
        "device": device,
    }
    if ct:
        progress(0.2, "ct")
        try:
            asked["ct"] = _read(ct, folder / "ct")
        except ImageRefused as refusal:
            asked["ct_refused"] = refusal.key
    progress(0.5, "lesions")
    told = run_task(
        "find_lesions",
        asked,
        folder,
        child=_LIMITS if model is None else _LIMITS_WITH_MODEL,
        environment={} if model is None else _environment_of_models(),
    )
    if "refused" in told:
        raise Refused(*told["refused"])
    return Made(told, folder / LABELS_FILE)


def find_lesions_task(request: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """In the child: leave the label map and answer with the report, or with what was refused."""
    try:
        return _find(request, folder)
    except Refused as refusal:
        return {"refused": [refusal.key, refusal.text_en, refusal.text_zh, refusal.detail]}


def _find(request: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    from hevesy.imaging.quantify.suv import apply_suv, suv_factor
    from hevesy.imaging.quantify.suv_texts import refused

    pet = volume_of(request["pet"], folder / "pet")
    require_whole(pet)
    factor = suv_factor(pet.headers)
    if factor.refused:
        raise refused(factor.refused)

    from hevesy.imaging.models import lesions as models
    from hevesy.imaging.segment.lesions.report import find_lesions

    suv = apply_suv(pet, factor)
    left_out: list[Finding] = []
    ct = _usable("ct", "CT", left_out, lambda: _ct(request, folder))
    scoring = _usable("score", "learned weights", left_out, lambda: _scoring(request))
    prediction = _usable("model", "model", left_out, lambda: _prediction(request, suv, ct))
    report = find_lesions(
        suv,
        ct,
        tracer=request["tracer"],
        rule=request["rule"],
        proposed=() if prediction is None else models.proposals(suv, prediction),
        scoring=scoring,
    )
    if len(report.rows) > _MOST_ROWS:
        raise Refused(
            "too_many_foci",
            f"More than {_MOST_ROWS} foci reach the rule; the images are noise or not SUV, or the"
            " rule is too low: check them.",
            f"超过 {_MOST_ROWS} 个病灶达到阈值；图像可能是噪声或并非 SUV，或阈值过低，请检查。",
            str(len(report.rows)),
        )
    if prediction is not None:
        report = models.with_model(report, prediction)
    (folder / LABELS_FILE).write_bytes(report.label_volume().astype("<i4", copy=False).tobytes())
    report = replace(report, findings=(*report.findings, *left_out))
    told = report.as_json()
    told["findings"] += [one.as_json() for one in factor.warnings]
    return {
        **told,
        "model": None if prediction is None else models.as_json(report, prediction),
        "device": "cpu" if prediction is None else prediction.device,
        "ct_series_instance_uid": None if ct is None else ct.series_instance_uid,
        "grid": {
            "shape_kji": list(report.shape),
            "ijk_to_lps": suv.ijk_to_lps.reshape(-1).tolist(),
            "frame_of_reference_uid": suv.frame_of_reference_uid,
        },
    }


def _usable(
    key: str, name_en: str, left_out: list[Finding], made: Callable[[], Part | None]
) -> Part | None:
    """What `made` makes; None where it refuses, and then a finding that says why."""
    try:
        return made()
    except (ImageRefused, Refused) as refusal:
        left_out.append(
            Finding(
                f"{key}_not_used",
                f"The {name_en} could not be used: {refusal.text_en}",
                f"{_ZH[key]} 未能使用：{refusal.text_zh}",
                {"reason": refusal.key},
            )
        )
        return None


def _ct(request: Mapping[str, Any], folder: Path) -> Volume | None:
    if request["ct_refused"] is not None:
        raise ImageRefused(request["ct_refused"])
    if request["ct"] is None:
        return None
    ct = volume_of(request["ct"], folder / "ct")
    require_whole(ct)
    return ct


def _scoring(request: Mapping[str, Any]) -> Scoring | None:
    if request["score"] is None:
        return None
    from hevesy.imaging.segment.lesions.report import VERSION

    scoring = read_scoring(Path(request["score"]))
    scoring.require(request["tracer"], VERSION)
    return scoring


def _prediction(request: Mapping[str, Any], suv: Volume, ct: Volume | None) -> Prediction | None:
    if request["model"] is None:
        return None
    from hevesy.imaging.models import predict, read_model

    return predict(read_model(request["model"]), suv, ct, device=request["device"])


def _read(paths: Sequence[Path], folder: Path) -> dict[str, Any]:
    folder.mkdir()
    return read_series_into(paths, folder)


def _environment_of_models() -> dict[str, str]:
    """What a program of a model needs to find its GPU and its own folders; no credentials."""
    names = ("PATH", "HOME", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return kept | {k: v for k, v in os.environ.items() if k.startswith("nnUNet_")}
