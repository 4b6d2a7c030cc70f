"""What readers say about lesions is kept, the newest counts, and the table learns from it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction

from hevesy.foundation.accounts.actors import Actor, PermissionRefused
from hevesy.foundation.accounts.models import User
from hevesy.foundation.audit.models import AuditEvent
from hevesy.imaging.segment.lesions.labels import read_labels
from hevesy.imaging.segment.lesions.report import VERSION
from hevesy.imaging.segment.lesions.scoring import read_scoring
from hevesy.imaging.segment.lesions.tests.test_learning import TRUE, labels_of
from hevesy.records.archive.models import Study
from hevesy.records.exams.models import Exam
from hevesy.records.exams.testing import at
from hevesy.records.findings.actions import FindingRefused
from hevesy.records.findings.lesion_tables import Learned
from hevesy.records.findings.lesions import label_lesion, labels_to_learn_from
from hevesy.records.findings.models import LesionLabel
from hevesy.records.findings.queries import newest_lesion_labels
from hevesy.records.findings.tests.conftest import ActorFor

pytestmark = pytest.mark.django_db

TABLE = {"tracer": "FDG", "rule": "F4.0", "pipeline": VERSION}


def a_study_of(uid: str, exam: Exam | None = None) -> Study:
    study = Study.objects.create(study_instance_uid=uid, exam=exam, last_received_at=at(11))
    study.series.create(series_instance_uid=f"{uid}.1", modality="PT")
    return study


def a_row(number: int = 1, x_mm: float = 10.0, **more: Any) -> dict[str, Any]:
    """A row of a lesion table, as the library tells it."""
    return {
        "number": number,
        "included": True,
        "max_at_lps_mm": [x_mm, -20.0, -350.04],
        "features": dict(labels_of(1)[0].features),
        **more,
    }


@pytest.fixture
def a_study(an_acquired_exam: Exam) -> Study:
    """The PET of the examination, with one series."""
    return a_study_of(an_acquired_exam.study_instance_uid, an_acquired_exam)


def say(by: Actor, study: Study, row: dict[str, Any], accepted: bool, **more: Any) -> LesionLabel:
    uid = study.series.get().series_instance_uid
    return label_lesion(
        by, study, **{"series_uid": uid, "row": row, "accepted": accepted, **TABLE, **more}
    )


@pytest.mark.clause("6.16")
def test_a_decision_is_kept_with_who_and_what_and_is_on_the_audit_trail(
    a_study: Study, reader: Actor
) -> None:
    label = say(reader, a_study, a_row(number=7), False)

    kept = LesionLabel.objects.get()
    assert (kept.author, kept.row, kept.accepted, kept.suggested) == (reader.user, 7, False, True)
    assert kept.row_key == "10.0 -20.0 -350.0"
    assert kept.features == a_row()["features"]
    event = AuditEvent.objects.get(verb="finding.label_lesion")
    assert (event.subject_id, event.details) == (str(label.pk), {"row": 7, "accepted": False})
    assert event.patient_id == a_study.exam.patient_id


@pytest.mark.clause("6.16")
def test_the_newest_decision_about_a_row_counts_and_the_earlier_stays(
    a_study: Study, reader: Actor
) -> None:
    say(reader, a_study, a_row(1), True)
    say(reader, a_study, a_row(2, x_mm=44.0), True)
    # Learned weights gave the row another number since.
    again = say(reader, a_study, a_row(5), False)
    other_rule = say(reader, a_study, a_row(1), True, rule="P41")

    newest = list(newest_lesion_labels())

    assert LesionLabel.objects.count() == 4
    assert [(one.row, one.accepted) for one in newest] == [(2, True), (5, False), (1, True)]
    assert newest[1:] == [again, other_rule]


def test_a_decision_is_neither_changed_nor_deleted(a_study: Study, reader: Actor) -> None:
    label = say(reader, a_study, a_row(), True)

    for change in (
        lambda: LesionLabel.objects.update(accepted=False),
        lambda: LesionLabel.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()

    assert LesionLabel.objects.get() == label


def test_who_may_not_write_findings_labels_nothing(
    a_study: Study, a_nurse: User, actor_for: ActorFor
) -> None:
    with pytest.raises(PermissionRefused):
        say(actor_for(a_nurse), a_study, a_row(), True)

    assert not LesionLabel.objects.exists()


@pytest.mark.parametrize(
    "broken",
    [
        {"features": {}},
        {"features": None},
        {"max_at_lps_mm": [1.0, 2.0]},
        {"max_at_lps_mm": [1.0, 2.0, float("nan")]},
        {"included": "yes"},
        {"number": "first"},
        {"number": -1},
    ],
)
def test_what_is_no_row_is_refused(a_study: Study, reader: Actor, broken: dict[str, Any]) -> None:
    with pytest.raises(FindingRefused):
        say(reader, a_study, a_row(**broken), True)

    assert not LesionLabel.objects.exists()
    assert not AuditEvent.objects.filter(verb="finding.label_lesion").exists()


def test_a_series_of_another_study_is_refused(a_study: Study, reader: Actor) -> None:
    with pytest.raises(FindingRefused):
        say(reader, a_study, a_row(), True, series_uid="1.2.3")


@pytest.fixture
def a_hundred_labels(reader: Actor) -> None:
    """Decisions that follow a known logistic, on ten studies; and one by an older table."""
    studies = [a_study_of(f"1.2.{number}") for number in range(10)]
    far_from_the_hand_weights = {**TRUE, "log_to_liver": -2.0, "flatness": 4.0}
    for number, one in enumerate(labels_of(100, weights=far_from_the_hand_weights)):
        row = a_row(number, x_mm=float(number), features=dict(one.features))
        say(reader, studies[number % 10], row, one.accepted)
    say(reader, studies[0], a_row(), True, pipeline="hevesy-lesions/0")
    say(reader, studies[0], a_row(), True, tracer="PSMA", rule="P41")


@pytest.mark.clause("6.16")
def test_the_table_learns_from_the_departments_own_labels(
    a_hundred_labels: None, tmp_path: Path
) -> None:
    out, exported, said = tmp_path / "score.toml", tmp_path / "labels.jsonl", io.StringIO()

    call_command("retrain", "--out", str(out), "--labels", str(exported), stdout=said)

    scoring = read_scoring(out)
    assert (scoring.tracer, scoring.pipeline) == ("FDG", VERSION)
    assert "100 labels" in said.getvalue() and "10 studies" in scoring.source
    labels = read_labels(exported)
    assert labels == list(labels_to_learn_from(pipeline=VERSION, tracer="FDG"))
    assert "1.2." not in exported.read_text(encoding="utf-8")


def test_without_a_name_the_weights_go_where_the_tables_find_them(
    a_hundred_labels: None, tmp_path: Path, settings: Any
) -> None:
    settings.MODELS = tmp_path / "models"
    assert Learned.of_site("FDG") == Learned(None, None)

    call_command("retrain", stdout=io.StringIO())

    score = Learned.of_site("FDG").score
    assert score is not None and read_scoring(score).tracer == "FDG"
    assert Learned.of_site("PSMA").score is None
    assert [one.name for one in settings.MODELS.iterdir()] == [score.name]


def test_too_few_labels_write_nothing(a_study: Study, reader: Actor, tmp_path: Path) -> None:
    say(reader, a_study, a_row(), True)
    out = tmp_path / "score.toml"

    with pytest.raises(CommandError, match="too_few_labels"):
        call_command("retrain", "--out", str(out))

    assert not out.exists()
