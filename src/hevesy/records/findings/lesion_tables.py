"""Have lesion tables computed in the lane `imaging`, and keep what comes of it (clause 6.16)."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.audit.actions import record
from hevesy.foundation.files.actions import store_file
from hevesy.foundation.ui import live
from hevesy.imaging.dicomio import ImageRefused
from hevesy.imaging.refusal import Refused
from hevesy.imaging.segment.lesions.tracers import TRACERS, profile_of
from hevesy.records.archive.models import Series, Study
from hevesy.records.archive.queries import role
from hevesy.records.findings.actions import FindingRefused
from hevesy.records.findings.models import LesionTable

DEFAULT_RULE = "F4.0"
FEWEST_SLICES = 3


def ask_lesion_tables(
    by: Actor, study: Study, *, rule: str = DEFAULT_RULE, tracer: str = ""
) -> list[Series]:
    """Have the table of every PET of the study computed, with this rule and tracer (empty: that of the images)."""
    from hevesy.imaging.quantify.thresholds import RULES

    by.require("findings.write")
    # The iterative rule needs the resolution of the scanner, which no header states.
    if rule not in RULES or rule == "ITM" or tracer not in ("", *TRACERS):
        raise FindingRefused(_("There is no such rule or tracer. Choose one of the list."))
    with transaction.atomic():
        found = request_tables(study, rule=rule, tracer=tracer)
        if not found:
            raise FindingRefused(
                _("This study holds no PET with attenuation correction. Nothing to compute.")
            )
        record(
            by,
            "finding.ask_lesions",
            study,
            patient_id=study.exam.patient_id if study.exam else None,
            rule=rule,
            tracer=tracer,
        )
    return found


def request_tables(study: Study, *, rule: str = DEFAULT_RULE, tracer: str = "") -> list[Series]:
    """Enqueue a table for each PET that can have one, in the caller's transaction; those series."""
    from hevesy.records.findings.jobs import find_lesions

    found = [one for one in study.series.filter(modality="PT") if _can_have_table(one)]
    for series in found:
        find_lesions.enqueue(series_id=series.pk, rule=rule, tracer=tracer)
    return found


def _can_have_table(series: Series) -> bool:
    frames = sum(series.instances.values_list("frames", flat=True))
    return role(series) == "PET" and frames >= FEWEST_SLICES


def ct_for(pet: Series) -> Series | None:
    """The CT of the same study and frame of reference with the most images; a topogram has fewer than any other."""
    if not pet.frame_of_reference_uid:
        return None
    same = pet.study.series.filter(modality="CT", frame_of_reference_uid=pet.frame_of_reference_uid)
    return same.filter(instance_count__gte=FEWEST_SLICES).order_by("-instance_count", "pk").first()


def tracer_for(pet: Series) -> str:
    """The lesion profile of the drug that the images name, else of the one that the examination planned; or ""."""
    # Some scanners write "Solution" as the name and the drug as a code.
    names = [str(pet.header.get(key, "")) for key in ("radiopharmaceutical", "drug_code")]
    if any(names) or pet.study.exam is None:
        return profile_of(" ".join(names))
    planned = {
        profile_of(f"{step.tracer.short} {step.tracer.label}")
        for step in pet.study.exam.steps.select_related("tracer")
        if step.tracer is not None
    }
    return planned.pop() if len(planned) == 1 else ""


@dataclass(frozen=True)
class Learned:
    """What this site taught the table: weights by `hevesy retrain`, and a network's folder; each may be missing."""

    score: Path | None
    model: Path | None

    @classmethod
    def of_site(cls, tracer: str) -> Learned:
        """From the folder HEVESY_MODELS, which every machine of the lane must see alike."""
        score = score_path(tracer)
        model = settings.MODELS / "lesions"
        return cls(
            score if score.is_file() else None, model if (model / "model.toml").is_file() else None
        )

    def without(self, left_out: Collection[str]) -> Learned:
        """What remains when "score" or "model" could not be used: a table made without is another one."""
        return Learned(
            None if "score" in left_out else self.score, None if "model" in left_out else self.model
        )

    @property
    def sha256(self) -> str:
        """Of the weights and of `model.toml`, which states the hashes of its own; "" for neither."""
        files = [self.score, self.model and self.model / "model.toml"]
        return _sha256(path.read_bytes() for path in files if path) if any(files) else ""


def score_path(tracer: str) -> Path:
    """Where `hevesy retrain` leaves the weights of a tracer and the table finds them."""
    return Path(settings.MODELS) / f"score-{tracer}.toml"


def content_sha256(pet: Series, ct: Series | None) -> str:
    """Of the stored images of both series, whatever their order."""
    of_series = ("pet", pet), ("ct", ct)
    parts: list[bytes] = []
    for name, series in of_series:
        if series is not None:
            rows = series.instances.order_by("sha256").values_list("sha256", flat=True)
            parts += [name.encode(), *(one.encode() for one in rows)]
    return _sha256(parts)


def _sha256(parts: Iterable[bytes]) -> str:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part).digest())
    return whole.hexdigest()


def keep_made(by: Actor, key: dict[str, Any], report: dict[str, Any], labels: bytes) -> LesionTable:
    """Keep a table with its packed label map, unless its like is there; within the effect of its job."""
    earlier = LesionTable.objects.filter(**key, reason="").first()
    if earlier is not None:
        return earlier
    stored = store_file(
        labels, name="lesions.i32.gz", media_type="application/gzip", kind="lesion_labels", by=by
    )
    return _keep(
        by, key, state=LesionTable.State.MADE, report=report, labels=stored, device=report["device"]
    )


def keep_refused(by: Actor, key: dict[str, Any], refusal: ImageRefused | Refused) -> LesionTable:
    """Keep why there is no table, unless that is known; within the effect of its job."""
    earlier = LesionTable.objects.filter(**key, reason=refusal.key).first()
    if earlier is not None:
        return earlier
    return _keep(
        by,
        key,
        state=LesionTable.State.REFUSED,
        reason=refusal.key,
        text_en=refusal.text_en,
        text_zh=refusal.text_zh,
        detail=refusal.detail,
    )


def _keep(by: Actor, key: dict[str, Any], **what: Any) -> LesionTable:
    table = LesionTable.objects.create(**key, **what)
    study = table.series.study
    record(
        by,
        "finding.lesion_table",
        table,
        patient_id=study.exam.patient_id if study.exam else None,
        state=table.state,
        reason=table.reason,
    )
    live.publish("archive", study=study.study_instance_uid)
    return table
