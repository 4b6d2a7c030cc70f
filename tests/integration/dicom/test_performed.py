from datetime import timedelta

import pytest
from django.utils import timezone
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import evt
from pynetdicom.sop_class import ModalityPerformedProcedureStep as Mpps

from hevesy.foundation.audit.models import AuditEvent
from hevesy.gateways.dicom import status
from hevesy.records.archive.models import PerformedStep
from hevesy.records.equipment.models import Device
from hevesy.records.exams.actions import mark_arrived, move_step
from hevesy.records.exams.models import Exam, ExamStep
from hevesy.records.exams.testing import at


@pytest.fixture
def injected(an_exam, serving, the_desk, actor_with, tuesday_morning) -> Exam:
    """An FDG PET-CT whose patient was injected at 09:00; it is 10:30."""
    mark_arrived(the_desk, an_exam)
    tuesday_morning.move_to(at(10, 30))
    nurse = actor_with("doses.administer", channel="dicom")
    move_step(nurse, an_exam.steps.get(), "administer", at=at(9))
    return Exam.objects.get(pk=an_exam.pk)


def stamp(dataset: Dataset, which: str, minutes_ago: int) -> None:
    moment = timezone.localtime() - timedelta(minutes=minutes_ago)
    setattr(dataset, f"PerformedProcedureStep{which}Date", f"{moment:%Y%m%d}")
    setattr(dataset, f"PerformedProcedureStep{which}Time", f"{moment:%H%M%S}")


def beginning(exam: Exam | None, **changes) -> Dataset:
    """What a PET-CT reports when it begins."""
    told = Dataset()
    told.SpecificCharacterSet = "GB18030"
    item = Dataset()
    item.StudyInstanceUID = exam.study_instance_uid if exam else generate_uid(prefix=None)
    item.AccessionNumber = exam.number if exam else ""
    item.ScheduledProcedureStepID = (
        exam.steps.get().scheduled_procedure_step_id if exam else "unscheduled"
    )
    item.ScheduledProcedureStepDescription = "全身显像"
    told.ScheduledStepAttributesSequence = [item]
    told.PatientID = exam.patient.patient_id if exam else "NOBODY"
    told.PatientName = "Shan^Xiongxin=单雄信"
    told.PerformedProcedureStepID = "P1"
    told.PerformedStationAETitle = "PETCT1"
    told.PerformedProcedureStepStatus = "IN PROGRESS"
    told.Modality = "PT"
    stamp(told, "Start", 20)
    told.PerformedProcedureStepEndDate = told.PerformedProcedureStepEndTime = ""
    told.PerformedSeriesSequence = []
    for keyword, value in changes.items():
        setattr(told, keyword, value)
    return told


def ending(state: str = "COMPLETED") -> Dataset:
    """What it reports at the end."""
    told = Dataset()
    told.PerformedProcedureStepStatus = state
    stamp(told, "End", 1)
    return told


def create(serving, told: Dataset, uid: str, **options) -> Dataset:
    association = serving.associate(Mpps, **options)
    code, _reply = association.send_n_create(told, Mpps, uid)
    association.release()
    return code


def update(serving, told: Dataset, uid: str, **options) -> Dataset:
    association = serving.associate(Mpps, **options)
    code, _reply = association.send_n_set(told, Mpps, uid)
    association.release()
    return code


def state(exam: Exam) -> str:
    return Exam.objects.get(pk=exam.pk).state


class TestTheNormalWay:
    @pytest.mark.clause("1.3")
    def test_begin_and_end_on_two_associations_move_the_examination(self, serving, injected):
        begun = create(serving, beginning(injected), "1.2.3").Status
        scanning = state(injected)
        ended = update(serving, ending(), "1.2.3").Status

        step = injected.steps.get()
        performed = PerformedStep.objects.get()
        assert (begun, ended) == (status.SUCCESS, status.SUCCESS)
        assert (scanning, state(injected)) == ("scanning", "acquired")
        assert step.performed_uid == "1.2.3"
        assert timezone.now() - step.started_at > timedelta(minutes=19)
        assert timedelta(0) < timezone.now() - step.ended_at < timedelta(minutes=3)
        assert (performed.state, performed.note) == ("COMPLETED", "")
        assert performed.steps.get() == step
        assert performed.attributes["00100010"]["Value"][0]["Ideographic"] == "单雄信"
        assert injected.timeline.filter(actor_name="dicom:PETCT1").count() == 2

    def test_every_step_that_is_named_moves(self, serving, injected):
        told, first = beginning(injected), injected.steps.get()
        second = ExamStep.objects.get(pk=first.pk)
        second.pk, second.number, second.scheduled_procedure_step_id = None, 2, "SECOND"
        second.save()
        item = Dataset()
        item.StudyInstanceUID = injected.study_instance_uid
        item.ScheduledProcedureStepID = "SECOND"
        told.ScheduledStepAttributesSequence.append(item)

        create(serving, told, "1.2.3")
        scanning = set(injected.steps.values_list("state", "performed_uid"))
        update(serving, ending(), "1.2.3")

        assert scanning == {("acquiring", "1.2.3")}
        assert set(injected.steps.values_list("state", flat=True)) == {"acquired"}
        assert state(injected) == "acquired"

    def test_a_step_that_contradicts_holds_them_all(self, serving, injected):
        told = beginning(injected)
        told.ScheduledStepAttributesSequence[0].AccessionNumber = "OTHER"

        create(serving, told, "1.2.3")

        assert PerformedStep.objects.get().note == "accession_differs"
        assert state(injected) == "uptake"

    def test_discontinued_with_the_reason_of_the_device(self, serving, injected):
        create(serving, beginning(injected), "1.2.3")
        told = ending("DISCONTINUED")
        reason = Dataset()
        reason.CodeValue, reason.CodingSchemeDesignator = "110513", "DCM"
        reason.CodeMeaning = "Patient refused to continue procedure"
        told.PerformedProcedureStepDiscontinuationReasonCodeSequence = [reason]

        update(serving, told, "1.2.3")

        assert state(injected) == "discontinued"
        assert "refused" in injected.timeline.last().reason

    def test_more_may_be_told_on_the_way(self, serving, injected):
        create(serving, beginning(injected), "1.2.3")
        more = Dataset()
        more.PerformedProcedureStepDescription = "whole body"

        assert update(serving, more, "1.2.3").Status == status.SUCCESS
        assert state(injected) == "scanning"
        assert "00400254" in PerformedStep.objects.get().attributes

    def test_without_a_uid_one_is_given(self, serving, injected):
        heard = []
        listening = (evt.EVT_DIMSE_RECV, lambda event: heard.append(event.message.command_set))
        association = serving.associate(Mpps, evt_handlers=[listening])
        association.send_n_create(beginning(injected), Mpps, None)
        association.release()

        assert heard[0].Status == status.SUCCESS
        assert heard[0].AffectedSOPInstanceUID == PerformedStep.objects.get().sop_instance_uid


class TestOutOfOrder:
    def test_created_twice(self, serving, injected):
        create(serving, beginning(injected), "1.2.3")
        rows = injected.timeline.count()

        assert create(serving, beginning(injected), "1.2.3").Status == status.DUPLICATE_SOP_INSTANCE
        assert injected.timeline.count() == rows

    def test_completed_twice(self, serving, injected):
        create(serving, beginning(injected), "1.2.3")
        update(serving, ending(), "1.2.3")
        rows = injected.timeline.count()

        again = update(serving, ending(), "1.2.3")

        assert again.Status == status.PROCESSING_FAILURE
        assert again.ErrorID == status.MAY_NO_LONGER_BE_UPDATED
        assert injected.timeline.count() == rows
        assert update(serving, ending("DISCONTINUED"), "1.2.3").Status == status.PROCESSING_FAILURE
        assert state(injected) == "acquired"

    def test_an_unknown_uid(self, serving, injected):
        assert update(serving, ending(), "1.2.99").Status == status.NO_SUCH_SOP_INSTANCE
        assert state(injected) == "uptake"

    def test_a_step_of_another_device(self, serving, injected):
        create(serving, beginning(injected), "1.2.3")
        Device.objects.create(
            code="other", name_zh="x", name_en="x", kind="scanner", ae_title="OTHER",
            address="127.0.0.1", dicom_rights=["mpps"],
        )  # fmt: skip

        answer = update(serving, ending(), "1.2.3", calling="OTHER")

        assert answer.Status == status.NOT_AUTHORISED
        assert state(injected) == "scanning"

    @pytest.mark.parametrize("bad", ["COMPLETED", "DISCONTINUED", "DONE"])
    def test_begun_in_a_wrong_state(self, serving, injected, bad):
        answer = create(serving, beginning(injected, PerformedProcedureStepStatus=bad), "1.2.3")

        assert answer.Status == status.INVALID_ATTRIBUTE_VALUE
        assert not PerformedStep.objects.exists()

    def test_without_a_state(self, serving, injected):
        told = beginning(injected)
        del told.PerformedProcedureStepStatus

        assert create(serving, told, "1.2.3").Status == status.MISSING_ATTRIBUTE

    @pytest.mark.parametrize("uid", ["1..2", "../../x"])
    @pytest.mark.filterwarnings("ignore")
    def test_an_evil_uid(self, serving, injected, uid):
        assert create(serving, beginning(injected), uid).Status == status.INVALID_OBJECT_INSTANCE

    def test_for_a_finished_examination_it_is_kept_and_moves_nothing(self, serving, injected):
        create(serving, beginning(injected), "1.2.3")
        update(serving, ending(), "1.2.3")
        rows = injected.timeline.count()

        answer = create(serving, beginning(injected), "1.2.4")

        assert answer.Status == status.SUCCESS
        assert PerformedStep.objects.get(sop_instance_uid="1.2.4").note == "not_moved:acquired"
        assert injected.timeline.count() == rows

    def test_somebody_at_the_console_was_quicker(self, serving, injected, actor_with):
        create(serving, beginning(injected), "1.2.3")
        move_step(actor_with("exams.acquire"), injected.steps.get(), "finish")

        update(serving, ending(), "1.2.3")

        assert PerformedStep.objects.get().note == ""
        assert state(injected) == "acquired"


class TestForWhomItIsNot:
    def test_something_nobody_scheduled_is_kept(self, serving, injected):
        assert create(serving, beginning(None), "1.2.3").Status == status.SUCCESS
        assert update(serving, ending(), "1.2.3").Status == status.SUCCESS

        performed = PerformedStep.objects.get()
        assert (performed.note, performed.state) == ("not_scheduled", "COMPLETED")
        assert not performed.steps.exists()
        assert state(injected) == "uptake"

    @pytest.mark.parametrize(
        ("changes", "note"),
        [({"PatientID": "OTHER"}, "patient_id_differs")],
    )
    def test_another_patient_on_the_table(self, serving, injected, changes, note):
        create(serving, beginning(injected, **changes), "1.2.3")

        assert PerformedStep.objects.get().note == note
        assert state(injected) == "uptake"
        assert AuditEvent.objects.get(verb="archive.performed_begin").details["note"] == note

    def test_not_without_the_right(self, serving, injected):
        Device.objects.update(dicom_rights=["echo"])
        association = serving.associate(Mpps)

        assert not association.accepted_contexts
        association.abort()
