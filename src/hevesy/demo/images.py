"""The demo's scanner: computed phantoms with lesions of known SUV, sent into the archive as DICOM."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from django.utils import timezone
from PIL import Image
from pydicom.uid import generate_uid

from hevesy.foundation.accounts.actors import Actor, system_actor
from hevesy.imaging.dicomio import (
    Administration as Injected,
)
from hevesy.imaging.dicomio import (
    SeriesIdentity,
    StudyIdentity,
    write_ct_series,
    write_pet_series,
)
from hevesy.imaging.phantoms import PhantomPair, make_fdg_phantom
from hevesy.imaging.render import fused_picture, rotating_mip, whole_view
from hevesy.imaging.render.colour import INVERSE_GREY, coloured
from hevesy.records.archive.ingest import receive
from hevesy.records.archive.models import Study
from hevesy.records.archive.settling import settle
from hevesy.records.doses.models import Administration
from hevesy.records.exams.models import Exam
from hevesy.records.findings.actions import save_key_image

SEEDS = {"cancer": 7, "normal": 11}


@dataclass
class Scans:
    """Phantoms made so far, by kind: each takes some ten seconds."""

    made: dict[str, PhantomPair] = field(default_factory=dict)
    kinds: dict[int, str] = field(default_factory=dict)

    def phantom(self, kind: str) -> PhantomPair:
        """The phantom of a kind, made on first use."""
        if kind not in self.made:
            lesions = () if kind == "normal" else None
            self.made[kind] = make_fdg_phantom(SEEDS[kind], lesions=lesions)
        return self.made[kind]

    def send(self, exam: Exam, kind: str, given: Administration | None, scan: dt.datetime) -> None:
        """What the scanner does after the scan: write both series for this worklist entry and send them."""
        pair = self.phantom(kind)
        scan = timezone.localtime(scan)  # scanners write the clock on their wall
        self.kinds[exam.pk] = kind
        identity = identity_of(exam, scan)
        activity_bq = float(given.best_mbq or 0) * 1e6 if given else 259e6
        injected = Injected(
            activity_bq=activity_bq, injected_at=given.started_at if given else scan
        )
        scanner = system_actor(f"dicom:{identity.station_name}", "archive.store", channel="dicom")
        frame = generate_uid(prefix=None)
        with TemporaryDirectory(prefix="hevesy-demo-") as name:
            files = write_ct_series(
                Path(name),
                pair.ct,
                identity,
                SeriesIdentity(2, "CT WB", frame_of_reference_uid=frame),
                scan_started_at=scan,
            )
            files += write_pet_series(
                Path(name),
                pair.pet,
                identity,
                injected,
                SeriesIdentity(3, "PET WB AC", frame_of_reference_uid=frame),
                scan_started_at=scan + dt.timedelta(minutes=1),
            )
            for file in files:
                receive(file, by=scanner, received_from=identity.station_name)

    def settle(self, exam: Exam) -> None:
        """The study has been quiet: count and match it as the clock would."""
        study = Study.objects.get(study_instance_uid=exam.study_instance_uid)
        settle(study.pk, by=system_actor("archive"))

    def key_images(self, by: Actor, exam: Exam) -> None:
        """What the reader captures: the maximum projection and two fused planes through the hottest lesion."""
        study = Study.objects.get(study_instance_uid=exam.study_instance_uid)
        pair = self.phantom(self.kinds[exam.pk])
        lesions = pair.truth["lesions"]
        centre = lesions[0].centre_lps if lesions else None
        cine = rotating_mip(pair.pet, frames=4)
        mip = coloured(cine.values[0], 0.0, 7.0, INVERSE_GREY)
        save_key_image(by, study, _png(mip), caption="MIP")
        for plane, word in (("axial", "横断融合"), ("coronal", "冠状融合")):
            view = whole_view(pair.ct, plane, at_lps=centre, longest=512)
            picture = fused_picture(pair.ct, pair.pet, view, above_window=(0.0, 7.0))
            place = f"{lesions[0].name_zh} " if lesions else ""
            save_key_image(
                by,
                study,
                _png(picture),
                caption=f"{place}{word}",
                view_state={"centre_lps": list(centre)} if centre else {},
            )


def identity_of(exam: Exam, scan: dt.datetime) -> StudyIdentity:
    """The attributes that the worklist gives a scanner."""
    patient = exam.patient
    step = exam.steps.select_related("device").get(number=1)
    return StudyIdentity(
        patient_name=f"{patient.name_latin}={patient.name_zh[0]}^{patient.name_zh[1:]}",
        patient_id=patient.patient_id,
        patient_sex=patient.sex,
        patient_birth_date=patient.birth_date,
        weight_kg=exam.weight_kg,
        height_m=float(exam.height_cm) / 100 if exam.height_cm else None,
        study_instance_uid=exam.study_instance_uid,
        started_at=scan,
        accession_number=exam.number,
        study_description=exam.item.name_en[:64],
        station_name=(step.device.ae_title if step.device else "") or "",
        requested_procedure_id=exam.number,
        scheduled_step_id=step.scheduled_procedure_step_id,
    )


def _png(picture: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(out, "PNG")
    return out.getvalue()
