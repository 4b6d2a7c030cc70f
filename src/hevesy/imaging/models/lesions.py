"""A model's place in the lesion table: it adds rows and names organs, and takes nothing away.

What is at or above the rule stays in its rows whatever a model says. Regions of a lesion model that
touch no such row become rows of their own, which never count by themselves: the rule of the report
is the rule of its sums. Where a model names organs, what lies mostly inside one takes its name.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np

from hevesy.imaging.dicomio.objects.segmentation import Algorithm
from hevesy.imaging.geometry import Finding, Volume
from hevesy.imaging.models.prediction import Prediction
from hevesy.imaging.quantify.voi import Voi
from hevesy.imaging.segment.components import components_of
from hevesy.imaging.segment.lesions.candidates import Candidate
from hevesy.imaging.segment.lesions.report import LesionReport, LesionRow, ordered

_MOSTLY: Final = 0.5


def proposals(pet: Volume, prediction: Prediction) -> list[Candidate]:
    """The 26-connected components of each label of a lesion model; none of an organ model."""
    if prediction.model.task != "lesion":
        return []
    answer = []
    for label in prediction.model.labels:
        found = components_of(prediction.labels.array == label.value, pet.array)
        for number in range(len(found)):
            voi = Voi.of_component(found, number)
            answer.append(Candidate(voi, "model", voi.voxels * pet.voxel_mm3 / 1000.0))
    return answer


def with_model(report: LesionReport, prediction: Prediction) -> LesionReport:
    """A report that was made with the `proposals`, with the model's organs and what is to be said.

    Findings: model_used; model_beyond_rows where the model's lesions reach beyond all rows.
    """
    rows = report.rows
    if prediction.model.task == "organ":
        rows = ordered(_of_organ(row, prediction) for row in rows)
    findings = (*report.findings, *prediction.findings, _used(prediction))
    if prediction.model.task == "lesion":
        findings += _beyond(report, prediction)
    return replace(report, rows=rows, findings=findings)


def as_json(report: LesionReport, prediction: Prediction) -> dict[str, Any]:
    """The prediction, and which share of each row lies in which label."""
    rows = [{"number": row.number, "shares": _shares(row, prediction)} for row in report.rows]
    return {**prediction.as_json(), "rows": [one for one in rows if one["shares"]]}


def naming(prediction: Prediction) -> tuple[tuple[str, str], ...]:
    """Parameters that a DICOM Segmentation states of rows by the rule: who named their organs."""
    model = prediction.model
    if model.task != "organ":
        return ()
    return (("organs by model", f"{model.name} {model.version}, {model.regulatory_en}"),)


def algorithm(prediction: Prediction) -> Algorithm:
    """What a DICOM Segmentation says of a row that the model proposed (CID 7162)."""
    model = prediction.model
    stated = {
        "regulatory": model.regulatory_en,
        "licence": model.licence,
        "device": prediction.device,
        **{f"sha256 {name}": digest for name, digest in model.weights},
    }
    return Algorithm(
        model.name,
        model.version,
        tuple(stated.items()),
        ("123110", "DCM", "Artificial Intelligence"),
    )


def _of_organ(row: LesionRow, prediction: Prediction) -> LesionRow:
    shares = _shares(row, prediction)
    for label in prediction.model.labels:
        if shares.get(label.key, 0.0) > _MOSTLY:
            return replace(
                row,
                class_key=label.key,
                class_en=label.text_en,
                class_zh=label.text_zh,
                included=row.found_by == "rule" and not label.physiological,
            )
    return row


def _shares(row: LesionRow, prediction: Prediction) -> dict[str, float]:
    """Share of the row's voxels by label key, of those labels that it touches."""
    inside = prediction.labels.array[row.voi.box][row.voi.mask]
    counts = np.bincount(inside, minlength=len(prediction.model.labels) + 1)
    return {
        label.key: float(counts[label.value] / inside.size)
        for label in prediction.model.labels
        if counts[label.value]
    }


def _used(prediction: Prediction) -> Finding:
    model = prediction.model
    return Finding(
        "model_used",
        f"The model {model.name} {model.version} took part ({model.regulatory_en}); its intended"
        f" use: {model.intended_use_en}",
        f"使用了模型 {model.name} {model.version}（{model.regulatory_zh}）；预期用途："
        f"{model.intended_use_zh}",
        {"device": prediction.device},
    )


def _beyond(report: LesionReport, prediction: Prediction) -> tuple[Finding, ...]:
    outside = (prediction.labels.array > 0) & (report.label_volume() == 0)
    ml = float(np.count_nonzero(outside)) * prediction.labels.voxel_mm3 / 1000.0
    if ml == 0.0:
        return ()
    return (
        Finding(
            "model_beyond_rows",
            f"The model's lesions reach {ml:.3g} mL beyond the rows that they touch; these voxels"
            " are below the rule and in no row.",
            f"模型所示病灶超出相应行的范围 {ml:.3g} mL；这些体素低于阈值，未列入任何行。",
            {"volume_ml": ml},
        ),
    )
