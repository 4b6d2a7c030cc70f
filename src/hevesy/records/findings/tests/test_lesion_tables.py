"""Lesion tables: made once of the same images and method, kept as they were, read by those who may open images."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from hevesy.foundation.accounts.actors import Actor, PermissionRefused
from hevesy.foundation.accounts.models import User
from hevesy.foundation.audit.models import AuditEvent
from hevesy.foundation.jobs import leases
from hevesy.foundation.jobs.models import Job
from hevesy.foundation.jobs.running import drain, execute
from hevesy.imaging.segment.lesions.sandboxed import Made
from hevesy.imaging.segment.lesions.scoring import hand_scoring
from hevesy.records.archive.models import Series, Study
from hevesy.records.findings import jobs, lesion_tables
from hevesy.records.findings.actions import FindingRefused
from hevesy.records.findings.lesions import label_lesion
from hevesy.records.findings.models import LesionTable
from hevesy.records.findings.queries import lesion_tables as tables_of
from hevesy.records.findings.tests.conftest import IMAGING, NODULE, ActorFor, Scan, take_in

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("every_pet_has_a_table"),
]


@pytest.mark.clause("6.16")
def test_a_pet_that_settles_gets_its_table_which_readers_open_and_label(
    scan: Scan, a_doctor: User, reader: Actor
) -> None:
    pet, ct = scan(slice(None))
    take_in([*pet, *ct])
    assert not LesionTable.objects.exists()

    assert drain(IMAGING) == 1

    browser = Client()
    browser.force_login(a_doctor)
    study = Study.objects.get()
    (told,) = browser.get(f"/api/v1/studies/{study.study_instance_uid}/lesion-tables").json()
    assert (told["tracer"], told["rule"], told["state"], told["device"]) == (
        "FDG",
        "F4.0",
        "made",
        "cpu",
    )
    assert told["report"]["ct_series_instance_uid"] == f"{study.study_instance_uid}.2"
    grid = told["report"]["grid"]
    packed = b"".join(browser.get(told["labels_url"]))
    labels = np.frombuffer(gzip.decompress(packed), "<i4").reshape(grid["shape_kji"])
    matrix = np.array(grid["ijk_to_lps"]).reshape(4, 4)
    i, j, k = np.rint(np.linalg.solve(matrix, [*NODULE[0], 1])[:3]).astype(int)
    nodule = next(one for one in told["report"]["lesions"] if one["number"] == labels[k, j, i])
    assert nodule["suv_max"] == pytest.approx(NODULE[2], rel=1e-3)
    event = AuditEvent.objects.get(verb="finding.lesion_table")
    assert study.exam is not None and event.patient_id == study.exam.patient_id
    label = label_lesion(
        reader,
        study,
        series_uid=told["series_instance_uid"],
        row=nodule,
        tracer=told["tracer"],
        rule=told["rule"],
        pipeline=told["pipeline"],
        accepted=False,
    )
    assert label.row == nodule["number"] and label.suggested == nodule["included"]


def test_pictures_are_prepared_first(a_slab: Study) -> None:
    first, second = leases.claim("a worker"), leases.claim("another")

    assert first is not None and second is not None
    assert (first.queue, second.queue) == ("volumes", "imaging")


def test_the_same_images_and_method_give_one_row_and_are_computed_once(
    a_slab: Study, quick: list[dict[str, Any]], reader: Actor
) -> None:
    drain(IMAGING)

    lesion_tables.ask_lesion_tables(reader, a_slab)
    assert drain(IMAGING) == 1

    assert LesionTable.objects.count() == 1 and len(quick) == 1


def test_more_images_another_rule_and_learned_weights_give_rows_of_their_own(
    a_slab: Study,
    slab: list[Path],
    quick: list[dict[str, Any]],
    reader: Actor,
    settings: Any,
) -> None:
    drain(IMAGING)
    take_in(slab[6:])
    drain(IMAGING)
    lesion_tables.ask_lesion_tables(reader, a_slab, rule="P41")
    drain(IMAGING)
    settings.MODELS.mkdir()
    score = settings.MODELS / "score-FDG.toml"
    score.write_text(f'source = "a test"\nchecked = false\n[weights]\n{_weights()}')
    lesion_tables.ask_lesion_tables(reader, a_slab)
    drain(IMAGING)

    assert [(one["pet"], one["rule"], one["score"]) for one in quick] == [
        (6, "F4.0", None),
        (8, "F4.0", None),
        (8, "P41", None),
        (8, "F4.0", score),
    ]
    newest = tables_of(reader, a_slab.study_instance_uid)
    assert LesionTable.objects.count() == 4
    assert [(one.rule, bool(one.learned_sha256)) for one in newest] == [
        ("F4.0", True),
        ("P41", False),
    ]


def test_a_table_made_without_the_model_does_not_pass_for_one_made_with_it(
    a_slab: Study,
    quick: list[dict[str, Any]],
    reader: Actor,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = settings.MODELS / "lesions"
    model.mkdir(parents=True)
    (model / "model.toml").write_text('name = "ours"')
    make = jobs.find_lesions_sandboxed

    def without_model(*files: Any, **how: Any) -> Made:
        made = make(*files, **how)
        made.report["findings"] = [{"key": "model_not_used"}]
        return made

    with monkeypatch.context() as a_machine_without_onnx:
        a_machine_without_onnx.setattr(jobs, "find_lesions_sandboxed", without_model)
        drain(IMAGING)
    assert [one.learned_sha256 for one in LesionTable.objects.all()] == [""]

    lesion_tables.ask_lesion_tables(reader, a_slab)
    drain(IMAGING)

    with_model = LesionTable.objects.latest("pk")
    assert LesionTable.objects.count() == 2 and with_model.learned_sha256
    assert [one["model"] for one in quick] == [model, model]


def _weights() -> str:
    return "\n".join(f"{name} = {value}" for name, value in hand_scoring().weights.items())


def test_a_worker_that_lost_its_lease_keeps_nothing(
    a_slab: Study, quick: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = leases.claim("first", IMAGING)
    assert job is not None
    make = jobs.find_lesions_sandboxed

    def overtaken(*args: Any, **how: Any) -> Made:
        Job.objects.filter(pk=job.pk).update(fence=job.fence + 1)
        return make(*args, **how)

    monkeypatch.setattr(jobs, "find_lesions_sandboxed", overtaken)

    assert execute(job, heartbeat=False) is None

    assert not LesionTable.objects.exists()


def test_a_pet_without_weight_is_kept_as_refused_with_a_sentence_and_once(
    slab: list[Path], reader: Actor
) -> None:
    for path in slab:
        image = pydicom.dcmread(path)
        del image.PatientWeight
        image.save_as(path)
    take_in(slab)
    drain(IMAGING)

    lesion_tables.ask_lesion_tables(reader, Study.objects.get())
    drain(IMAGING)

    table = LesionTable.objects.get()
    assert (table.state, table.reason, table.labels) == ("refused", "weight_missing", None)
    assert "weight" in table.text_en and "体重" in table.text_zh
    assert Job.objects.filter(queue="imaging").exclude(state="done").count() == 0


@pytest.mark.parametrize(
    ("slices", "changes"),
    [(8, {"CorrectedImage": ["DECY"], "AttenuationCorrectionMethod": ""}), (2, {})],
)
def test_a_pet_without_attenuation_correction_or_of_few_slices_has_no_table(
    slab: list[Path], reader: Actor, slices: int, changes: dict[str, Any]
) -> None:
    for path in slab[:slices]:
        image = pydicom.dcmread(path)
        for keyword, value in changes.items():
            setattr(image, keyword, value)
        image.save_as(path)
    take_in(slab[:slices])

    with pytest.raises(FindingRefused):
        lesion_tables.ask_lesion_tables(reader, Study.objects.get())

    assert not Job.objects.filter(queue="imaging").exists()
    assert not AuditEvent.objects.filter(verb="finding.ask_lesions").exists()


@pytest.mark.parametrize(
    ("named", "tracer", "reason"),
    [
        ({}, "FDG", ""),
        ({"radiopharmaceutical": "PSMA-1007"}, "PSMA", ""),
        ({"radiopharmaceutical": "Solution", "drug_code": "Gallium DOTATATE"}, "SSTR", ""),
        ({"radiopharmaceutical": "Sodium fluoride F^18^"}, "", "no_lesion_profile"),
    ],
)
def test_the_tracer_is_that_of_the_images_else_of_the_examination(
    a_slab: Study, quick: list[dict[str, Any]], named: dict[str, str], tracer: str, reason: str
) -> None:
    series = a_slab.series.get()
    series.header = {
        key: value
        for key, value in series.header.items()
        if key not in ("radiopharmaceutical", "drug_code")
    } | named
    series.save()

    drain(IMAGING)

    table = LesionTable.objects.get()
    assert (table.tracer, table.reason) == (tracer, reason)


def test_the_ct_is_the_one_in_the_same_frame_with_most_images(a_slab: Study) -> None:
    pet = a_slab.series.get()
    frame = pet.frame_of_reference_uid

    def ct(uid: str, frame: str, images: int) -> Series:
        return a_slab.series.create(
            series_instance_uid=uid,
            modality="CT",
            frame_of_reference_uid=frame,
            instance_count=images,
        )

    ct("1.1", frame, 2), ct("1.2", "other", 900)
    assert lesion_tables.ct_for(pet) is None
    ct("1.3", frame, 300)
    thin = ct("1.4", frame, 600)

    assert lesion_tables.ct_for(pet) == thin


def test_a_table_is_neither_changed_nor_deleted(a_slab: Study, quick: list[dict[str, Any]]) -> None:
    drain(IMAGING)

    for change in (
        lambda: LesionTable.objects.update(report={}),
        lambda: LesionTable.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_the_database_wants_a_map_or_a_reason(a_slab: Study) -> None:
    key = {"series": a_slab.series.get(), "content_sha256": "0" * 64, "rule": "F4.0"}

    for wrong in ({"state": "made"}, {"state": "refused"}):
        with pytest.raises(DatabaseError), transaction.atomic():
            LesionTable.objects.create(**key, **wrong)


def test_asking_needs_the_right_to_mark_and_a_rule_that_exists(
    a_slab: Study, reader: Actor, a_nurse: User, actor_for: ActorFor
) -> None:
    with pytest.raises(PermissionRefused):
        lesion_tables.ask_lesion_tables(actor_for(a_nurse), a_slab)
    for wrong in ({"rule": "F99"}, {"rule": "ITM"}, {"tracer": "NaF"}):
        with pytest.raises(FindingRefused):
            lesion_tables.ask_lesion_tables(reader, a_slab, **wrong)

    assert not AuditEvent.objects.filter(verb="finding.ask_lesions").exists()


def test_the_command_asks_again_and_is_on_the_audit_trail(
    a_slab: Study, quick: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    drain(IMAGING)

    call_command("lesions", a_slab.study_instance_uid, "--rule", "P41", "--tracer", "SSTR")
    drain(IMAGING)

    assert a_slab.series.get().series_instance_uid in capsys.readouterr().out
    assert (quick[-1]["rule"], quick[-1]["tracer"]) == ("P41", "SSTR")
    event = AuditEvent.objects.get(verb="finding.ask_lesions")
    assert (event.channel, event.details["rule"]) == ("command", "P41")
    with pytest.raises(CommandError, match="no study"):
        call_command("lesions", "1.2.3")


def test_who_may_not_open_images_reads_neither_table_nor_map(
    a_slab: Study, quick: list[dict[str, Any]], a_clinician: User
) -> None:
    drain(IMAGING)
    browser = Client()
    browser.force_login(a_clinician)
    table = LesionTable.objects.get()

    answer = browser.get(f"/api/v1/studies/{a_slab.study_instance_uid}/lesion-tables")

    assert answer.status_code == 403
    assert browser.get(f"/files/{table.labels_id}/").status_code == 404


def test_reading_takes_as_many_queries_for_many_tables_as_for_one(
    a_slab: Study, quick: list[dict[str, Any]], a_doctor: User, reader: Actor
) -> None:
    browser = Client()
    browser.force_login(a_doctor)
    address = f"/api/v1/studies/{a_slab.study_instance_uid}/lesion-tables"
    drain(IMAGING)
    browser.get(address)
    with CaptureQueriesContext(connection) as one:
        assert len(json.loads(browser.get(address).content)) == 1
    for rule in ("P41", "P50", "F2.5"):
        lesion_tables.ask_lesion_tables(reader, a_slab, rule=rule)
    drain(IMAGING)

    with CaptureQueriesContext(connection) as four:
        assert len(json.loads(browser.get(address).content)) == 4

    assert len(four) == len(one)
    assert browser.get("/api/v1/studies/1.2.3/lesion-tables").status_code == 404
