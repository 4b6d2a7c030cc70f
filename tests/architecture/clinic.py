"""One patient's way through the house, made once for the walk: the objects that addresses are about.

What has an action is made by it; what only has to exist (a given dose, an acquired examination) is put there.
"""

from __future__ import annotations

import functools
import gzip
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from hevesy.foundation.accounts.actors import Actor, system_actor
from hevesy.foundation.accounts.permissions import DECLARED
from hevesy.foundation.accounts.testing import cast_member
from hevesy.records.exams.testing import at


class Clinic:
    """Lazily made things; one instance per test, inside its transaction."""

    @functools.cached_property
    def anybody(self) -> Actor:
        """An actor that may do everything, so that what is needed can be made."""
        self._seeded  # noqa: B018
        return system_actor("walk", *DECLARED)

    @functools.cached_property
    def _seeded(self) -> bool:
        from hevesy.foundation.accounts.seeding import run_seeders

        run_seeders()
        return True

    def person(self, fixture: str) -> Actor:
        """An actor of the cast."""
        self._seeded  # noqa: B018
        return Actor(user=cast_member(fixture))

    @functools.cached_property
    def patient(self) -> Any:
        """A registered patient."""
        from hevesy.records.patients.actions import register_patient

        return register_patient(
            self.anybody, name_zh="单雄信", sex="M", birth_date=timezone.localdate()
        )

    @functools.cached_property
    def merge(self) -> Any:
        """Two records that were declared one."""
        from hevesy.records.patients.actions import merge_patients, register_patient

        twin = register_patient(
            self.anybody, name_zh="单雄信二", sex="M", birth_date=timezone.localdate()
        )
        return merge_patients(self.anybody, survivor=self.patient, alias=twin, reason="walk")

    @functools.cached_property
    def item(self) -> Any:
        """An examination that the catalogue delivers."""
        from hevesy.records.catalogue.models import ExamItem

        self._seeded  # noqa: B018
        return ExamItem.objects.get(code="bone-wb")

    @functools.cached_property
    def exam(self) -> Any:
        """Booked for today."""
        from hevesy.records.exams.actions import book_exam

        return book_exam(self.anybody, patient=self.patient, item=self.item, starts_at=at(10))

    @functools.cached_property
    def acquired_exam(self) -> Any:
        """Another examination of the same patient, acquired, so that a report may be written."""
        return self._acquired(14)

    @functools.cached_property
    def report(self) -> Any:
        """A draft of the doctor of the cast: written, not submitted, not published."""
        from hevesy.records.reports.actions import start_report

        return start_report(self.person("a_doctor"), self.acquired_exam, {"findings": "draft"})

    @functools.cached_property
    def ticket(self) -> Any:
        """A place in the injection queue."""
        from hevesy.records.queues.actions import issue_ticket
        from hevesy.records.queues.models import ServicePoint

        return issue_ticket(self.anybody, self.exam, ServicePoint.objects.get(code="injection"))

    @functools.cached_property
    def unit(self) -> Any:
        """A dispensed dose."""
        from hevesy.records.doses.models import Batch, DispensedUnit

        now = timezone.now()
        batch = Batch.objects.create(
            number="B-WALK",
            tracer=self.exam.steps.get().phase.tracer,
            state="released",
            activity_mbq=1000,
            reference_at=now,
            volume_ml=10,
            expires_at=now + timedelta(hours=6),
            released_at=now,
        )
        return DispensedUnit.objects.create(
            code="WALK-UNIT",
            number="U-WALK",
            batch=batch,
            step=self.exam.steps.get(),
            state="dispensed",
            volume_ml=1,
            dispensed_at=now,
        )

    @functools.cached_property
    def administration(self) -> Any:
        """A dose that was given."""
        from hevesy.records.doses.models import Administration

        return Administration.objects.create(
            uid="2.25.1",
            step=self.exam.steps.get(),
            unit=self.unit,
            started_at=timezone.now(),
            half_life_s=21624.0,
        )

    @functools.cached_property
    def publication(self) -> Any:
        """A published report of the same patient, with PDF and a key image, for clinicians."""
        from hevesy.records.documents.models import Document
        from hevesy.records.reports.actions import start_report
        from hevesy.records.reports.models import Publication, Report

        exam = self._acquired(15)
        study = self._received(StudyInstanceUID="2.25.91", SeriesInstanceUID="2.25.92")
        type(study).objects.filter(pk=study.pk).update(exam=exam)
        self._picture(study)
        report = start_report(self.person("a_doctor"), exam, {"impression": "normal"})
        Report.objects.filter(pk=report.pk).update(state="published", audited_at=timezone.now())
        document = Document.objects.create(
            kind="report", exam=exam, file=self._file("report.pdf", "application/pdf")
        )
        return Publication.objects.create(
            report=report,
            version=report.current,
            document=document,
            published_by=cast_member("a_chief"),
        )

    def _acquired(self, hour: int) -> Any:
        from hevesy.records.exams.actions import book_exam
        from hevesy.records.exams.models import Exam

        exam = book_exam(self.anybody, patient=self.patient, item=self.item, starts_at=at(hour))
        Exam.objects.filter(pk=exam.pk).update(state="acquired")
        exam.refresh_from_db()
        return exam

    def _file(self, name: str, media_type: str) -> Any:
        from hevesy.foundation.files.actions import store_file

        return store_file(
            name.encode(), name=name, media_type=media_type, kind="walk", by=self.anybody
        )

    def _picture(self, study: Any) -> Any:
        from hevesy.records.findings.models import KeyImage

        return KeyImage.objects.create(
            study=study, file=self._file("k.png", "image/png"), author=cast_member("a_doctor")
        )

    def _received(self, **attributes: Any) -> Any:
        from hevesy.records.archive.ingest import receive
        from hevesy.records.archive.models import Study
        from hevesy.records.archive.testing import a_file

        receive(a_file(**attributes), by=self.anybody)
        return Study.objects.get(study_instance_uid=attributes["StudyInstanceUID"])

    @functools.cached_property
    def study(self) -> Any:
        """A study of one image that belongs to the acquired examination."""
        study = self._received(StudyInstanceUID="2.25.71", SeriesInstanceUID="2.25.72")
        type(study).objects.filter(pk=study.pk).update(exam=self.acquired_exam)
        study.refresh_from_db()
        return study

    @functools.cached_property
    def unmatched_study(self) -> Any:
        """A study that belongs to nobody yet."""
        return self._received(StudyInstanceUID="2.25.81", SeriesInstanceUID="2.25.82")

    @functools.cached_property
    def key_image(self) -> Any:
        """A captured picture of the acquired examination."""
        return self._picture(self.study)

    @functools.cached_property
    def volume(self) -> Any:
        """A prepared volume of one body."""
        from hevesy.foundation.files.store import store
        from hevesy.records.archive.models import PreparedVolume

        key = store().put_bytes(gzip.compress(b"body"))
        return PreparedVolume.objects.create(
            series=self.study.series.get(),
            content_id="walk",
            state=PreparedVolume.State.READY,
            header={"stored": {"0/body": key}, "thumbnail": key, "levels": []},
        )

    @functools.cached_property
    def document(self) -> Any:
        """The printed appointment slip of the booked examination."""
        from hevesy.records.documents.actions import appointment_slip

        return appointment_slip(self.person("a_registrar"), self.exam)

    @functools.cached_property
    def job(self) -> Any:
        """A job that waits."""
        from hevesy.foundation.jobs.models import Job

        now = timezone.now()
        return Job.objects.create(kind="walk", run_after=now, enqueued_at=now)


Maker = Callable[[Clinic], Any]
