from datetime import timedelta

import pytest
from django.utils import timezone

from hevesy.foundation.accounts.actors import PermissionRefused, system_actor
from hevesy.foundation.audit.models import AuditEvent
from hevesy.foundation.jobs.running import drain
from hevesy.records.archive import settling
from hevesy.records.archive.actions import link_study, unlink_study
from hevesy.records.archive.actions.studies import LinkRefused
from hevesy.records.archive.events import study_settled
from hevesy.records.archive.ingest import receive
from hevesy.records.archive.models import Study
from hevesy.records.archive.settling import reopen_miscounted, settle
from hevesy.records.archive.testing import a_file
from hevesy.records.exams.actions import cancel_exam, mark_arrived, move_step
from hevesy.records.exams.models import Exam
from hevesy.records.exams.testing import at

pytestmark = pytest.mark.django_db(transaction=True)

PET1 = system_actor("dicom:PET1", "archive.store", channel="dicom")
ARCHIVE = system_actor("archive")


@pytest.fixture
def at_once(monkeypatch):
    """A study is quiet as soon as nothing comes."""
    monkeypatch.setattr(settling, "QUIET_S", 0)


@pytest.fixture
def an_injected_exam(an_exam, the_desk, tuesday_morning):
    """An FDG PET-CT that was injected at 09:00; it is 10:20 now."""
    mark_arrived(the_desk, an_exam)
    step = an_exam.steps.get()
    tuesday_morning.move_to(at(9))
    dicom = system_actor("console", "doses.administer", channel="dicom")
    move_step(dicom, step, "administer", at=at(9))
    tuesday_morning.move_to(at(10, 20))
    return Exam.objects.get(pk=an_exam.pk)


def images_of(exam, **attributes):
    """A PET slice as the device sends it after it took the exam from the worklist, acquired at 10:15."""
    return a_file(
        **{
            "StudyInstanceUID": exam.study_instance_uid,
            "SeriesInstanceUID": exam.study_instance_uid + ".1",
            "AccessionNumber": exam.number,
            "PatientID": exam.patient.patient_id,
            "PatientBirthDate": f"{exam.patient.birth_date:%Y%m%d}",
            "PatientSex": exam.patient.sex,
        }
        | attributes
    )


def arrived(*files) -> Study:
    """The study after these files came and it went quiet."""
    for file in files:
        received = receive(file, by=PET1, received_from="PET1")
    study = received.instance.series.study
    settle(study.pk, by=ARCHIVE)
    return Study.objects.get(pk=study.pk)


def state(exam) -> str:
    return Exam.objects.get(pk=exam.pk).state


@pytest.mark.usefixtures("at_once")
class TestMatching:
    @pytest.mark.clause("1.2")
    def test_images_find_their_examination_and_finish_it(self, an_injected_exam):
        study = arrived(images_of(an_injected_exam))

        step = an_injected_exam.steps.get()
        assert (study.exam, study.match, study.mismatch) == (an_injected_exam, "automatic", [])
        assert state(an_injected_exam) == "acquired"
        assert (step.started_at, step.ended_at) == (at(10, 15), at(10, 15))
        assert (
            AuditEvent.objects.get(verb="archive.match").patient_id == an_injected_exam.patient_id
        )

    def test_by_number_and_patient_when_the_study_uid_is_the_devices_own(self, an_injected_exam):
        study = arrived(images_of(an_injected_exam, StudyInstanceUID="1.2.3"))

        assert study.exam == an_injected_exam
        assert state(an_injected_exam) == "acquired"

    def test_patient_of_one_and_number_of_another_are_never_merged(
        self, an_injected_exam, another_patient
    ):
        before = an_injected_exam.timeline.count()

        study = arrived(
            images_of(
                an_injected_exam, StudyInstanceUID="1.2.3", PatientID=another_patient.patient_id
            )
        )

        assert (study.exam, study.match) == (None, "unmatched")
        assert study.mismatch == ["patient_id_differs"]
        assert an_injected_exam.timeline.count() == before
        assert state(an_injected_exam) == "uptake"

    @pytest.mark.parametrize(
        ("attributes", "mismatch"),
        [
            ({"PatientID": "OTHER"}, ["patient_id_differs"]),
            ({"AccessionNumber": "PT26-99999"}, ["accession_differs"]),
            ({"StudyInstanceUID": "1.2.3", "AccessionNumber": ""}, ["no_examination"]),
            ({"StudyInstanceUID": "1.2.3", "PatientID": ""}, ["patient_id_missing"]),
        ],
    )
    def test_what_keeps_images_waiting_for_a_person(self, an_injected_exam, attributes, mismatch):
        study = arrived(images_of(an_injected_exam, **attributes))

        assert (study.exam, study.mismatch) == (None, mismatch)

    def test_a_birth_date_that_differs_is_remarked_on(self, an_injected_exam):
        study = arrived(images_of(an_injected_exam, PatientBirthDate="19010101"))

        assert study.exam == an_injected_exam
        assert study.mismatch == ["birth_date_differs"]

    def test_images_of_a_cancelled_examination_wait(self, an_exam, the_desk):
        cancel_exam(the_desk, an_exam, "patient did not want it")

        assert arrived(images_of(an_exam)).mismatch == ["exam_cancelled"]

    def test_two_patients_within_one_study_wait(self, an_injected_exam):
        study = arrived(images_of(an_injected_exam), images_of(an_injected_exam, PatientID="X"))

        assert study.exam is None
        assert "patient_id_differs_within_study" in study.mismatch


@pytest.mark.usefixtures("at_once")
class TestMovingTheExamination:
    def test_the_ct_of_a_pet_ct_only_begins_it(self, an_injected_exam):
        arrived(images_of(an_injected_exam, Modality="CT"))
        after_ct = state(an_injected_exam)

        arrived(images_of(an_injected_exam, SeriesInstanceUID="2.25.77"))

        assert (after_ct, state(an_injected_exam)) == ("scanning", "acquired")

    def test_without_a_recorded_administration_it_waits_for_the_record(
        self, an_exam, the_desk, tuesday_morning
    ):
        tuesday_morning.move_to(at(10, 20))
        mark_arrived(the_desk, an_exam)
        arrived(images_of(an_exam))
        before = state(an_exam)

        late = system_actor("late entry", "doses.administer", channel="dicom")
        move_step(late, an_exam.steps.get(), "administer", at=at(9))

        assert (before, state(an_exam)) == ("arrived", "acquired")

    def test_older_images_do_not_finish_it(self, an_injected_exam):
        study = arrived(images_of(an_injected_exam, AcquisitionTime="081500"))

        assert study.exam == an_injected_exam
        assert state(an_injected_exam) == "uptake"

    def test_a_later_reconstruction_changes_nothing(self, an_injected_exam):
        arrived(images_of(an_injected_exam))
        rows = an_injected_exam.timeline.count()

        arrived(images_of(an_injected_exam, SeriesInstanceUID="2.25.77"))

        assert an_injected_exam.timeline.count() == rows


class TestCounting:
    def test_only_once_it_is_quiet(self, monkeypatch):
        monkeypatch.setattr(settling, "QUIET_S", 60)
        receive(a_file(), by=PET1)
        study = Study.objects.get()

        again_at = settle(study.pk, by=ARCHIVE)

        study.refresh_from_db()
        assert study.stable_at is None
        assert again_at == study.last_received_at + timedelta(seconds=60)

    @pytest.mark.usefixtures("at_once")
    def test_counters_are_recomputed_and_told(self):
        told = []

        def listen(sender, study, **more):
            told.append(study.instance_count)

        study_settled.connect(listen)
        arrived(a_file(), a_file(), a_file(SeriesInstanceUID="2.25.3", Modality="CT"))
        study = arrived(a_file())
        study_settled.disconnect(listen)

        assert (study.instance_count, study.series_count) == (4, 2)
        assert study.modalities == ["CT", "PT"]
        assert study.size == sum(row.size for s in study.series.all() for row in s.instances.all())
        assert [series.instance_count for series in study.series.order_by("id")] == [3, 1]
        assert told == [3, 4]

    @pytest.mark.usefixtures("at_once")
    def test_the_job_settles_it(self):
        receive(a_file(), by=PET1)

        drain()

        assert Study.objects.get().instance_count == 1

    @pytest.mark.usefixtures("at_once")
    def test_an_object_that_slipped_past_the_count_is_found(self):
        study = arrived(a_file())
        Study.objects.update(instance_count=7, stable_at=timezone.now())

        assert reopen_miscounted() == 1
        settle(study.pk, by=ARCHIVE)

        assert Study.objects.get().instance_count == 1
        assert reopen_miscounted() == 0


@pytest.mark.usefixtures("at_once")
class TestLinkingByHand:
    def test_a_person_links_with_a_reason(self, an_injected_exam, a_technologist, actor_for):
        study = arrived(images_of(an_injected_exam, PatientID="TYPO"))

        link_study(actor_for(a_technologist), study, an_injected_exam, reason="typed by hand")

        study.refresh_from_db()
        row = AuditEvent.objects.get(verb="archive.link")
        assert (study.exam, study.match, study.mismatch) == (an_injected_exam, "manual", [])
        assert row.details["reason"] == "typed by hand"
        assert row.details["against"] == ["patient_id_differs"]
        assert state(an_injected_exam) == "acquired"

    def test_taken_off_it_is_not_matched_again(self, an_injected_exam, a_technologist, actor_for):
        study = arrived(images_of(an_injected_exam))

        unlink_study(actor_for(a_technologist), study, reason="wrong patient on the table")
        study = arrived(images_of(an_injected_exam))

        assert (study.exam, study.match) == (None, "unmatched")
        assert study.mismatch == ["unlinked"]

    def test_not_without_the_right(self, an_injected_exam, a_nurse, actor_for):
        study = arrived(images_of(an_injected_exam, PatientID="TYPO"))

        with pytest.raises(PermissionRefused):
            link_study(actor_for(a_nurse), study, an_injected_exam, reason="because")

    def test_not_without_a_reason(self, an_injected_exam, a_technologist, actor_for):
        study = arrived(images_of(an_injected_exam, PatientID="TYPO"))

        with pytest.raises(LinkRefused):
            link_study(actor_for(a_technologist), study, an_injected_exam, reason=" ")

    def test_not_twice(self, an_injected_exam, a_technologist, actor_for):
        study = arrived(images_of(an_injected_exam))

        with pytest.raises(LinkRefused, match=an_injected_exam.number):
            link_study(actor_for(a_technologist), study, an_injected_exam, reason="again")
