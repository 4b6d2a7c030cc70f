import pytest
from django.utils import timezone
from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom.sop_class import ModalityWorklistInformationFind as Worklist
from tests.peers import run_program

from hevesy.gateways.dicom import status
from hevesy.gateways.dicom.keys import glob, in_range, name_matches
from hevesy.records.exams.actions import cancel_exam, mark_arrived, move_step
from hevesy.records.exams.models import Exam


def query(**keys) -> Dataset:
    """A worklist query as a scanner sends it; `keys` of the step go into its sequence."""
    step = Dataset()
    for keyword in (
        "ScheduledStationAETitle", "ScheduledProcedureStepStartDate", "Modality",
        "ScheduledProcedureStepStartTime", "ScheduledProcedureStepID",
    ):  # fmt: skip
        setattr(step, keyword, keys.pop(keyword, ""))
    identifier = Dataset()
    identifier.PatientName = ""
    identifier.PatientID = ""
    identifier.AccessionNumber = ""
    identifier.StudyInstanceUID = ""
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    identifier.ScheduledProcedureStepSequence = [step]
    return identifier


def ask(serving, identifier: Dataset) -> list[Dataset]:
    """The answers to a worklist query."""
    association = serving.associate(Worklist)
    assert association.is_established
    answers = []
    for code, answer in association.send_c_find(identifier, Worklist):
        if code.Status in (status.PENDING, status.PENDING_OPTIONAL_KEYS_NOT_SUPPORTED):
            answers.append(answer)
        last = code.Status
    association.release()
    assert last == status.SUCCESS
    return answers


@pytest.fixture
def booked(an_exam, serving, a_patient) -> Exam:
    """An FDG PET-CT today at 10:00 on the scanner, with weight and an allergy."""
    Exam.objects.filter(pk=an_exam.pk).update(
        weight_kg="71.5",
        height_cm="172.0",
        requesting_physician="王医生",
        requesting_department="肿瘤科",
        clinical_diagnosis="肺占位",
    )
    a_patient.allergies = "碘"
    a_patient.save()
    return Exam.objects.get(pk=an_exam.pk)


class TestAnswers:
    @pytest.mark.clause("1.3")
    def test_everything_a_scanner_needs(self, serving, booked):
        [answer] = ask(serving, query())

        step = answer.ScheduledProcedureStepSequence[0]
        scheduled = booked.steps.get()
        assert str(answer.PatientName) == "Shan^Xiongxin=单雄信"
        assert answer.PatientID == booked.patient.patient_id
        assert (answer.PatientBirthDate, answer.PatientSex) == ("19640308", "M")
        assert (float(answer.PatientWeight), float(answer.PatientSize)) == (71.5, 1.72)
        assert answer.Allergies == "碘"
        assert answer.AccessionNumber == answer.RequestedProcedureID == booked.number
        assert answer.StudyInstanceUID == booked.study_instance_uid
        assert str(answer.RequestingPhysician).endswith("王医生")
        assert answer.RequestedProcedureDescription == "PET-CT 全身肿瘤显像"
        assert answer.RequestedProcedureCodeSequence[0].CodeValue == "fdg-body"
        assert answer.RequestedProcedurePriority == "ROUTINE"
        assert step.ScheduledStationAETitle == "PETCT1"
        assert step.ScheduledProcedureStepStartTime == "100000"
        assert step.ScheduledProcedureStepID == scheduled.scheduled_procedure_step_id
        assert step.Modality == "PT"
        assert step.ScheduledProtocolCodeSequence[0].CodeValue == "fdg-body"
        assert step.CommentsOnTheScheduledProcedureStep.startswith("F-18 FDG")

    def test_a_woman_whose_pregnancy_nobody_asked_about_is_unknown(self, serving, booked):
        booked.patient.sex = "F"
        booked.patient.save()

        assert ask(serving, query())[0].PregnancyStatus == 4

    @pytest.mark.parametrize(
        ("character_set", "name", "item"),
        [
            ("GB18030", "Shan^Xiongxin=单雄信", "PET-CT 全身肿瘤显像"),
            ("ISO_IR 192", "Shan^Xiongxin=单雄信", "PET-CT 全身肿瘤显像"),
            ("ISO_IR 6", "Shan^Xiongxin", "FDG PET-CT whole body"),
            ("", "Shan^Xiongxin", "FDG PET-CT whole body"),
        ],
    )
    def test_in_the_character_set_of_the_device(
        self, serving, booked, a_scanner, character_set, name, item
    ):
        a_scanner.character_set = character_set
        a_scanner.save()

        [answer] = ask(serving, query())

        if character_set in ("", "ISO_IR 6"):
            assert "SpecificCharacterSet" not in answer
        else:
            assert answer.SpecificCharacterSet == character_set
        assert str(answer.PatientName) == name
        assert answer.RequestedProcedureDescription == item

    def test_rare_characters_reach_a_gb18030_device(self, serving, booked, a_scanner):
        a_scanner.character_set = "GB18030"
        a_scanner.save()
        booked.patient.name_zh = "王𬀩"
        booked.patient.save()

        assert str(ask(serving, query())[0].PatientName).endswith("=王𬀩")

    def test_two_steps_are_two_items(self, serving, booked, an_fdg_item):
        first = booked.steps.get()
        first.pk, first.number, first.scheduled_procedure_step_id = None, 2, "second"
        first.save()

        assert len(ask(serving, query())) == 2


class TestMatching:
    @pytest.mark.parametrize(
        "keys",
        [
            {"PatientName": "单*"},
            {"PatientName": "单雄信"},
            {"PatientName": "shan*"},
            {"PatientName": "Shan^Xiongxin"},
            {"PatientName": "Shan*=单*"},
            {"PatientName": "*"},
            {"Modality": "PT"},
            {"ScheduledStationAETitle": "PETCT1"},
            {"ScheduledStationAETitle": "PET*"},
            {"ScheduledProcedureStepStartTime": "090000-110000"},
        ],
    )
    def test_found(self, serving, booked, keys):
        identifier = query(**keys)
        identifier.SpecificCharacterSet = "ISO_IR 192"

        assert len(ask(serving, identifier)) == 1

    @pytest.mark.parametrize(
        "keys",
        [
            {"PatientName": "李*"},
            {"PatientName": "%"},
            {"PatientName": "'; DROP TABLE exams_exam; --"},
            {"PatientName": "\\\\"},
            {"PatientName": "单" * 5000},
            {"PatientName": "*a" * 2000},
            {"PatientID": "nobody"},
            {"AccessionNumber": "none"},
            {"Modality": "NM"},
            {"ScheduledStationAETitle": "OTHER"},
            {"ScheduledProcedureStepStartTime": "110000-"},
            {"ScheduledProcedureStepStartDate": "20200101-20200131"},
            {"StudyInstanceUID": "1.2.3"},
        ],
    )
    @pytest.mark.filterwarnings("ignore")
    def test_not_found(self, serving, booked, keys):
        identifier = query(**keys)
        identifier.SpecificCharacterSet = "ISO_IR 192"

        assert ask(serving, identifier) == []

    def test_by_day_and_range_of_days(self, serving, booked):
        day = timezone.localtime(booked.booked_for)

        for key in (
            f"{day:%Y%m%d}",
            f"{day:%Y%m%d}-",
            f"-{day:%Y%m%d}",
            f"{day:%Y%m01}-{day:%Y1231}",
        ):
            assert len(ask(serving, query(ScheduledProcedureStepStartDate=key))) == 1

    @pytest.mark.parametrize("label", ["GB18030", "GBK", "ISO_IR 100", ""])
    def test_a_chinese_key_however_the_device_labels_it(self, serving, booked, label):
        from pydicom.dataelem import DataElement

        identifier = query()
        identifier.SpecificCharacterSet = label
        identifier[0x00100010] = DataElement(0x00100010, "UN", "单雄*".encode("gb18030"))

        assert len(ask(serving, identifier)) == 1

    def test_by_numbers(self, serving, booked):
        for keys in (
            {"PatientID": booked.patient.patient_id},
            {"AccessionNumber": booked.number},
            {"AccessionNumber": booked.number[:4] + "*"},
            {"StudyInstanceUID": ["1.2.3", booked.study_instance_uid]},
        ):
            assert len(ask(serving, query(**keys))) == 1

    def test_a_key_we_do_not_have_is_said(self, serving, booked):
        association = serving.associate(Worklist)

        codes = [
            code.Status
            for code, _answer in association.send_c_find(query(EthnicGroup="x"), Worklist)
        ]

        association.release()
        assert codes == [status.PENDING_OPTIONAL_KEYS_NOT_SUPPORTED, status.SUCCESS]


class TestHiding:
    def test_what_is_over_disappears(self, serving, booked, the_desk, actor_with):
        device = actor_with("exams.acquire", "doses.administer", channel="dicom")
        mark_arrived(the_desk, booked)
        step = booked.steps.get()
        seen = [len(ask(serving, query()))]
        for move in ("administer", "start", "finish"):
            step = move_step(device, step, move)
            seen.append(len(ask(serving, query())))

        assert seen == [1, 1, 0, 0]

    def test_cancelled(self, serving, booked, the_desk):
        cancel_exam(the_desk, booked, "ill")

        assert ask(serving, query()) == []

    def test_a_step_that_moved_to_another_device(self, serving, booked):
        booked.steps.update(device=None)

        assert ask(serving, query(ScheduledStationAETitle="PETCT1")) == []


class TestManyAnswers:
    @pytest.fixture
    def a_full_list(self, booked):
        step = booked.steps.get()
        for number in range(2, 700):
            step.pk, step.number = None, number
            step.scheduled_procedure_step_id = f"S{number}"
            step.save()

    def test_there_is_a_limit(self, serving, a_full_list):
        assert len(ask(serving, query())) == 500

    def test_a_query_can_be_cancelled(self, serving, a_full_list):
        association = serving.associate(Worklist)
        codes = []
        for code, _answer in association.send_c_find(query(), Worklist, msg_id=7):
            codes.append(code.Status)
            if len(codes) == 1:
                association.send_c_cancel(7, query_model=Worklist)

        association.release()
        assert codes[-1] in (status.CANCEL, status.SUCCESS)
        assert can_ask_again(serving)


def can_ask_again(serving) -> bool:
    return bool(ask(serving, query()))


class TestBrokenQueries:
    def test_are_refused_and_the_next_one_works(self, serving, booked):
        from io import BytesIO

        from pynetdicom.dimse_primitives import C_FIND

        from hevesy.records.archive.tests.test_scan import nested

        for broken in (b"\x10\0\x10\0PN\xff\xff", nested(20_000)):
            association = serving.associate((Worklist, "1.2.840.10008.1.2.1"))
            request = C_FIND()
            request.MessageID, request.Priority = 1, 2
            request.AffectedSOPClassUID = Worklist
            request.Identifier = BytesIO(broken)
            association._reactor_checkpoint.clear()
            association.dimse.send_msg(request, association.accepted_contexts[0].context_id)
            _context, answer = association.dimse.get_msg(block=True)
            association._reactor_checkpoint.set()
            association.release()

            assert answer.Status == status.IDENTIFIER_DOES_NOT_MATCH
        assert can_ask_again(serving)


@pytest.mark.peer
class TestDcmtk:
    def test_findscu_reads_the_worklist(self, serving, booked, tmp_path):
        done = run_program(
            "findscu", "-W", "-X", "-aet", "PETCT1", "-aec", "HEVESY", "127.0.0.1", serving.port,
            "-k", "PatientName=Shan*", "-k", "PatientID", "-k", "PatientWeight",
            "-k", "ScheduledProcedureStepSequence[0].Modality=PT",
            "-k", "ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartDate",
            cwd=tmp_path,
        )  # fmt: skip

        [file] = tmp_path.glob("rsp*.dcm")
        answer = dcmread(file, force=True)
        assert done.returncode == 0, done.stderr
        assert str(answer.PatientName) == "Shan^Xiongxin=单雄信"
        assert float(answer.PatientWeight) == 71.5

    def test_echoscu_is_answered(self, serving):
        address = ("-aec", "HEVESY", "127.0.0.1", serving.port)

        assert run_program("echoscu", "-aet", "PETCT1", *address).returncode == 0
        assert run_program("echoscu", "-aet", "NOBODY", *address).returncode != 0


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("*", "", True), ("a*c", "abc", True), ("a*c", "ab", False), ("a?c", "abc", True),
        ("a?c", "ac", False), ("**a**", "xay", True), ("", "", True), ("", "a", False),
        ("a.c", "abc", False), ("[a]", "a", False), ("王*明", "王小明", True),
    ],
)  # fmt: skip
def test_glob(pattern, text, found):
    assert glob(pattern, text) is found


def test_glob_takes_linear_time():
    assert not glob("*a" * 500 + "b", "a" * 20_000)


@pytest.mark.parametrize(
    ("kind", "key", "value", "found"),
    [
        ("DA", "20261124", "20261124", True), ("DA", "20261101-", "20261124", True),
        ("DA", "-20261101", "20261124", False), ("DA", "20261124-20261124", "20261124", True),
        ("TM", "10", "101500", True), ("TM", "1000-1015", "101559", True),
        ("TM", "1000-1014", "101500", False), ("DA", "20261124-", "", False),
    ],
)  # fmt: skip
def test_ranges(kind, key, value, found):
    assert in_range(kind, key, value) is found


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("ouyang*", True), ("欧阳*", True), ("Ouyang^Xue", True), ("Ouyang^Xue^^", True),
        ("=欧阳*", True), ("Li*=欧阳*", False), ("欧", False), ("Ouyang^Xue=欧阳雪", True),
    ],
)  # fmt: skip
def test_names(key, found):
    assert name_matches(key, "Ouyang^Xue=欧阳雪") is found
