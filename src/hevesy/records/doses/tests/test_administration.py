"""The dose goes into the right patient, and the number that stays is computed (clause 4.2; H1, H4, H5, H7, H8)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hevesy.foundation.accounts.actors import PermissionRefused
from hevesy.foundation.audit.models import AuditEvent
from hevesy.imaging.quantify.decay import net_administered_mbq
from hevesy.records.doses import actions, queries
from hevesy.records.doses.actions import DoseRefused, DoseStop
from hevesy.records.doses.actions.administering import Measured
from hevesy.records.doses.models import Administration, Assay
from hevesy.records.doses.tests.conftest import F18_S, NINE
from hevesy.records.exams.models import ExamStep

pytestmark = [pytest.mark.django_db, pytest.mark.clause("4.2")]

FIVE_PAST = NINE + timedelta(minutes=5)
TWELVE_PAST = NINE + timedelta(minutes=12)


@pytest.fixture
def drawn(at_nine, released, pharmacist):
    """`drawn(step)`: 400 MBq measured at 09:00 for the step."""
    batch = released()

    def make(step, mbq=400, **more):
        conc = batch.produced_mbq(NINE) / 10
        unit = actions.dispense(pharmacist, batch, step, round(mbq / conc, 3), mbq, NINE, **more)
        at_nine.move_to(FIVE_PAST)
        return unit

    return make


def give(by, step, unit, **more):
    more = {"started_at": FIVE_PAST, "site": "右前臂", **more}
    return actions.administer(by, step, unit, **more)


def test_what_the_patient_got_is_computed_from_assay_decay_and_residual(
    at_nine, an_order_waits, drawn, technologist
):
    unit = drawn(an_order_waits)
    administration = give(technologist, an_order_waits, unit)
    assert administration.administered_mbq is None and administration.is_provisional
    assert administration.best_mbq == pytest.approx(387.568, abs=5e-4)

    at_nine.move_to(TWELVE_PAST)
    done = actions.record_residual(technologist, administration, 12, TWELVE_PAST)

    assert float(done.administered_mbq) == pytest.approx(375.026, abs=5e-4)
    assert float(done.administered_mbq) == pytest.approx(
        net_administered_mbq(
            assayed_mbq=400, assayed_at=NINE, administered_at=FIVE_PAST,
            half_life_s=F18_S, residual_mbq=12, residual_at=TWELVE_PAST,
        ),
        abs=1e-6,
    )  # fmt: skip
    an_order_waits.refresh_from_db()
    assert an_order_waits.state == "administered"
    assert an_order_waits.administered_at == FIVE_PAST


def test_a_syringe_for_another_patient_stops_and_stays_on_record(an_order, drawn, technologist):
    chen, hua = an_order("陈建国"), an_order("陈建华")
    syringe_of_hua = drawn(hua)

    with pytest.raises(DoseStop) as stop:
        give(technologist, chen, syringe_of_hua, overrides=[{"check": "identity", "reason": "急"}])

    assert stop.value.findings[0].code == "identity"
    assert not Administration.objects.exists()
    row = AuditEvent.objects.get(verb="dose.stop")
    assert row.outcome == "refused" and row.patient_id == chen.exam.patient_id


def test_scanning_the_wrong_syringe_is_on_record_before_anybody_injects(
    an_order, drawn, technologist
):
    chen, hua = an_order("陈建国"), an_order("陈建华")
    findings = actions.verify(technologist, chen, drawn(hua))
    assert [finding.code for finding in findings if finding.level >= 4] == ["identity"]
    assert AuditEvent.objects.filter(verb="dose.stop").count() == 1


def test_two_injections_of_one_examination_keep_their_own_syringes_and_records(
    at_nine, an_order, released, pharmacist, technologist
):
    rest = an_order(planned=300, steps=2)
    stress = ExamStep.objects.get(exam=rest.exam, number=2)
    batch = released()
    conc = batch.produced_mbq(NINE) / 10
    for_rest, for_stress = (
        actions.dispense(pharmacist, batch, step, round(300 / conc, 3), 300, NINE)
        for step in (rest, stress)
    )
    at_nine.move_to(FIVE_PAST)

    with pytest.raises(DoseStop) as swapped:
        give(technologist, rest, for_stress)
    assert swapped.value.findings[0].code == "step"

    first = give(technologist, rest, for_rest)
    second = give(technologist, stress, for_stress)
    assert first.uid != second.uid
    assert queries.exam_administrations(rest.exam) == [first, second]


def test_a_syringe_is_used_once_and_says_when(an_order_waits, drawn, technologist):
    unit = drawn(an_order_waits)
    give(technologist, an_order_waits, unit)
    with pytest.raises(DoseStop, match="09:05"):
        give(technologist, an_order_waits, unit)
    assert Administration.objects.count() == 1


def test_a_recalled_batch_stops_syringes_already_drawn(
    an_order_waits, drawn, technologist, actor_for, another_pharmacist
):
    unit = drawn(an_order_waits)
    actions.recall_batch(actor_for(another_pharmacist), unit.batch, "内毒素不合格")
    with pytest.raises(DoseStop) as stop:
        give(technologist, an_order_waits, unit)
    assert "released" in [finding.code for finding in stop.value.findings]


def test_an_expired_batch_stops(at_nine, an_order_waits, drawn, technologist):
    unit = drawn(an_order_waits, 400)
    late = unit.batch.expires_at + timedelta(minutes=1)
    at_nine.move_to(late)
    with pytest.raises(DoseStop) as stop:
        give(
            technologist,
            an_order_waits,
            unit,
            started_at=late,
            overrides=[
                {"check": "stale_assay", "reason": "x"},
                {"check": "activity", "reason": "x"},
            ],
        )
    assert "expired" in [finding.code for finding in stop.value.findings]


def test_another_tracer_than_ordered_stops(an_order_waits, drawn, technologist, psma):
    unit = drawn(an_order_waits)
    ExamStep.objects.filter(pk=an_order_waits.pk).update(tracer=psma)
    with pytest.raises(DoseStop) as stop:
        give(technologist, an_order_waits, unit)
    assert "product" in [finding.code for finding in stop.value.findings]


@pytest.mark.parametrize(
    ("started_at", "code"),
    [(NINE - timedelta(minutes=1), "time_order"), (NINE - timedelta(hours=30), "time_order")],
)
def test_nobody_is_injected_before_the_syringe_was_measured(
    an_order_waits, drawn, technologist, started_at, code
):
    unit = drawn(an_order_waits)
    with pytest.raises(DoseStop) as stop:
        give(technologist, an_order_waits, unit, started_at=started_at)
    assert code in [finding.code for finding in stop.value.findings]


def test_nobody_is_injected_in_the_future(an_order_waits, drawn, technologist):
    unit = drawn(an_order_waits)
    with pytest.raises(DoseRefused):
        give(technologist, an_order_waits, unit, started_at=FIVE_PAST + timedelta(minutes=2))


def test_a_dose_twelve_percent_off_wants_a_reason(an_order, drawn, technologist):
    step = an_order(planned=345)
    unit = drawn(step)
    with pytest.raises(DoseRefused) as refusal:
        give(technologist, step, unit)
    assert refusal.value.field == "override_activity"
    administration = give(
        technologist, step, unit, overrides=[{"check": "activity", "reason": "临时加扫延迟"}]
    )
    assert administration.overrides[0]["reason"] == "临时加扫延迟"


def test_a_dose_thirty_percent_off_wants_a_second_person(
    an_order, drawn, technologist, a_nurse, a_technologist, a_clinician
):
    step = an_order(planned=290)
    unit = drawn(step)
    reasons = [{"check": "activity", "reason": "最后一支"}]
    for nobody in (None, a_technologist, a_clinician):
        with pytest.raises(DoseRefused) as refusal:
            give(technologist, step, unit, overrides=reasons, second=nobody)
        assert refusal.value.field == "second"
    administration = give(technologist, step, unit, overrides=reasons, second=a_nurse)
    assert administration.second == a_nurse


def test_a_thousand_times_too_much_is_a_slip_of_the_unit(an_order, drawn, technologist):
    step = an_order(planned=0.38)
    unit = drawn(step)
    with pytest.raises(DoseStop) as stop:
        give(technologist, step, unit, overrides=[{"check": "activity", "reason": "x"}])
    assert stop.value.findings[0].code == "unit_slip"


@pytest.mark.parametrize(("pregnancy", "level"), [(None, 4), (4, 4), (3, 4), (2, 3), (1, 0)])
def test_pregnancy_is_answered_before_the_injection(
    an_order, drawn, technologist, a_nurse, pregnancy, level
):
    from datetime import date

    step = an_order("李梦琪", sex="F", birth_date=date(1997, 2, 3), pregnancy=pregnancy)
    unit = drawn(step)
    if level == 4:
        with pytest.raises(DoseStop) as stop:
            give(technologist, step, unit)
        assert stop.value.findings[0].code == "pregnancy"
    elif level == 3:
        answer = [{"check": "pregnancy", "reason": "急诊肺栓塞，已与家属沟通"}]
        with pytest.raises(DoseRefused):
            give(technologist, step, unit, overrides=answer)
        give(technologist, step, unit, overrides=answer, second=a_nurse)
    else:
        give(technologist, step, unit)


def test_high_glucose_before_fdg_wants_a_reason(an_order, drawn, technologist):
    step = an_order(glucose_mmol_l="12.3")
    unit = drawn(step)
    with pytest.raises(DoseRefused, match=r"12\.3"):
        give(technologist, step, unit)
    give(technologist, step, unit, overrides=[{"check": "glucose", "reason": "已用胰岛素"}])


def test_a_dose_by_weight_needs_a_weight(an_order, drawn, technologist):
    step = an_order(planned=None, weight_kg=None)
    unit = drawn(step)
    with pytest.raises(DoseStop) as stop:
        give(technologist, step, unit)
    assert stop.value.findings[0].code == "weight"


@pytest.mark.parametrize(
    ("skew", "outcome"),
    [(20, "fine"), (90, "reason"), (-90, "reason"), (3600, "stop"), (-301, "stop")],
)
def test_a_clock_that_is_off_is_asked_about_or_refused(
    an_order_waits, drawn, technologist, skew, outcome
):
    unit = drawn(an_order_waits)
    if outcome == "stop":
        with pytest.raises(DoseStop):
            give(technologist, an_order_waits, unit, clock_skew_s=skew)
        return
    if outcome == "reason":
        with pytest.raises(DoseRefused) as refusal:
            give(technologist, an_order_waits, unit, clock_skew_s=skew)
        assert refusal.value.field == "override_clock"
    give(
        technologist, an_order_waits, unit, clock_skew_s=skew,
        overrides=[{"check": "clock", "reason": "已对表"}],
    )  # fmt: skip


def test_without_a_measurement_nothing_is_injected_unless_typed_with_a_reason(
    an_order_waits, drawn, technologist
):
    unit = drawn(an_order_waits)
    with pytest.raises(DoseRefused):
        give(technologist, an_order_waits, unit, manual_mbq=370)
    administration = give(
        technologist, an_order_waits, unit, manual_mbq=370, manual_reason="活度计故障"
    )
    assert administration.method == "manual" and administration.administered_mbq == 370


def test_typing_the_identity_instead_of_scanning_wants_a_reason(
    an_order_waits, drawn, technologist
):
    unit = drawn(an_order_waits)
    with pytest.raises(DoseRefused):
        give(technologist, an_order_waits, unit, identified_by="manual")
    administration = give(
        technologist, an_order_waits, unit, identified_by="manual",
        overrides=[{"check": "manual", "reason": "标签污损"}],
    )  # fmt: skip
    assert administration.identified_by == "manual"


def test_the_last_reading_counts_and_the_first_one_stays(
    at_nine, an_order_waits, drawn, technologist
):
    unit = drawn(an_order_waits)
    administration = give(
        technologist,
        an_order_waits,
        unit,
        pre_assay=Measured(385, FIVE_PAST - timedelta(minutes=1)),
    )
    at_nine.move_to(TWELVE_PAST)
    done = actions.record_residual(technologist, administration, 0, TWELVE_PAST)
    expected = net_administered_mbq(
        assayed_mbq=385, assayed_at=FIVE_PAST - timedelta(minutes=1),
        administered_at=FIVE_PAST, half_life_s=F18_S,
    )  # fmt: skip
    assert float(done.administered_mbq) == pytest.approx(expected, abs=1e-6)
    assert unit.assays.filter(kind=Assay.Kind.PRE).count() == 2


def test_a_residual_larger_than_the_dose_or_before_it_is_refused(
    at_nine, an_order_waits, drawn, technologist
):
    administration = give(technologist, an_order_waits, drawn(an_order_waits))
    at_nine.move_to(TWELVE_PAST)
    with pytest.raises(DoseRefused):
        actions.record_residual(technologist, administration, 401, TWELVE_PAST)
    with pytest.raises(DoseRefused):
        actions.record_residual(technologist, administration, 12, NINE)
    with pytest.raises(DoseRefused):
        actions.record_residual(technologist, administration, "nan", TWELVE_PAST)
    assert not administration.unit.assays.filter(kind=Assay.Kind.POST).exists()


def test_a_corrected_time_computes_the_activity_anew_and_keeps_the_original(
    at_nine, an_order_waits, drawn, technologist
):
    administration = give(technologist, an_order_waits, drawn(an_order_waits))
    at_nine.move_to(TWELVE_PAST)
    administration = actions.record_residual(technologist, administration, 12, TWELVE_PAST)

    later = FIVE_PAST + timedelta(minutes=2)
    with pytest.raises(DoseRefused):
        actions.correct_administration(technologist, administration, reason="", started_at=later)
    fixed = actions.correct_administration(
        technologist, administration, reason="抄错时间", started_at=later
    )

    assert float(fixed.administered_mbq) == pytest.approx(
        net_administered_mbq(
            assayed_mbq=400, assayed_at=NINE, administered_at=later,
            half_life_s=F18_S, residual_mbq=12, residual_at=TWELVE_PAST,
        ),
        abs=1e-6,
    )  # fmt: skip
    correction = fixed.corrections.get(field="started_at")
    assert correction.before.startswith("2026-11-24 01:05")
    an_order_waits.refresh_from_db()
    assert an_order_waits.administered_at == later


@pytest.mark.clause("9.2")
def test_a_reaction_is_noted_after_the_injection(at_nine, an_order_waits, drawn, technologist):
    administration = give(technologist, an_order_waits, drawn(an_order_waits))
    at_nine.move_to(TWELVE_PAST)
    reaction = actions.note_reaction(technologist, administration, "注射点红肿", grade=1)
    assert queries.administered(an_order_waits).reactions.get() == reaction
    with pytest.raises(DoseRefused):
        actions.note_reaction(technologist, administration, " ")


def test_who_may_not_inject_does_not(an_order_waits, drawn, actor_for, a_pharmacist):
    unit = drawn(an_order_waits)
    with pytest.raises(PermissionRefused):
        give(actor_for(a_pharmacist), an_order_waits, unit)
