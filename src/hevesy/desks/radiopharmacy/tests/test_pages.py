"""The hot laboratory from the batch to the syringe and back (clauses 9.1, 9.2, 9.4)."""

from __future__ import annotations

from datetime import timedelta

import pypdfium2
import pytest
import zxingcpp
from django.urls import reverse
from django.utils import timezone

from hevesy.desks.radiopharmacy import boards
from hevesy.desks.radiopharmacy.tests.conftest import HTMX, QC
from hevesy.foundation.audit.models import AuditEvent
from hevesy.foundation.stations import qr
from hevesy.records.doses import actions
from hevesy.records.doses.models import Batch, DispensedUnit, Lot
from hevesy.records.doses.seeding import seed

pytestmark = [pytest.mark.django_db, pytest.mark.clause("9.1")]


@pytest.fixture
def desk(a_pharmacist, client_of):
    return client_of(a_pharmacist)


@pytest.fixture
def second(another_pharmacist, client_of):
    return client_of(another_pharmacist)


@pytest.fixture
def typed(tuesday_morning, fdg):
    """What the pharmacist types for a batch of FDG."""
    seed()
    now = timezone.localtime()
    readings = {f"qc_{code}": "pass" if value is True else str(value) for code, value in QC.items()}
    return {
        "tracer": fdg.pk,
        "origin": "pet",
        "activity_mbq": "１0000",
        "reference_at": now.strftime("%Y-%m-%dT%H:%M:%S"),
        "volume_ml": "20",
        "expires_at": (now + timedelta(hours=9)).strftime("%Y-%m-%dT%H:%M"),
        "lot_kind": "cyclotron_run",
        "lot_code": "T-1124-1",
        **readings,
    }


def page_of(answer):
    return answer.content.decode()


def now_text():
    return timezone.localtime().strftime("%H:%M:%S")


@pytest.mark.clause("9.4")
def test_a_batch_is_recorded_and_released_by_a_second_person(desk, second, typed):
    made = desk.post(reverse("radiopharmacy:new_batch"), typed)
    batch = Batch.objects.get()
    assert made.url == reverse("radiopharmacy:batch", args=[batch.number])
    assert float(batch.activity_mbq) == 10000 and batch.state == "recorded"
    assert [lot.code for lot in batch.lots.all()] == ["T-1124-1"]

    url = reverse("radiopharmacy:move", args=[batch.number, "release"])
    assert "你记录了这个批次" in page_of(desk.get(url, headers=HTMX))
    own = desk.post(url, headers=HTMX)
    assert own.status_code == 422 and "override_reason" in page_of(own)
    batch.refresh_from_db()
    assert batch.state == "recorded"

    done = second.post(url, headers=HTMX)
    assert done.status_code == 204 and done.headers["HX-Redirect"] == made.url
    batch.refresh_from_db()
    assert batch.state == "released" and batch.released_by.username == "pharmacist2"
    assert "放行" in page_of(desk.get(made.url))


def test_a_lonely_maker_releases_with_a_reason_that_is_kept(desk, typed):
    desk.post(reverse("radiopharmacy:new_batch"), typed)
    batch = Batch.objects.get()
    url = reverse("radiopharmacy:move", args=[batch.number, "release"])
    assert desk.post(url, {"override_reason": "夜间单人值班"}).status_code == 302
    batch.refresh_from_db()
    assert batch.state == "released" and batch.release_reason == "夜间单人值班"
    assert "夜间单人值班" in page_of(desk.get(reverse("radiopharmacy:batch", args=[batch.number])))


def test_a_refused_batch_keeps_what_was_typed_and_leaves_no_lot(desk, typed):
    answer = desk.post(reverse("radiopharmacy:new_batch"), typed | {"activity_mbq": "多"})
    page = page_of(answer)
    assert answer.status_code == 422 and "T-1124-1" in page and 'value="20"' in page
    assert not Batch.objects.exists() and not Lot.objects.exists()


@pytest.mark.clause("9.4")
def test_a_missing_test_blocks_the_release_until_it_is_entered(desk, second, typed):
    desk.post(reverse("radiopharmacy:new_batch"), typed | {"qc_ph": ""})
    batch = Batch.objects.get()
    url = reverse("radiopharmacy:move", args=[batch.number, "release"])
    refused = second.post(url, headers=HTMX)
    assert refused.status_code == 422 and "pH" in page_of(refused)

    entry = reverse("radiopharmacy:reading", args=[batch.number, "ph"])
    assert "4.5–8.5" in page_of(desk.get(entry, headers=HTMX))
    bad = desk.post(entry, {"value": "x"}, headers=HTMX)
    assert bad.status_code == 422 and 'value="x"' in page_of(bad)
    assert desk.post(entry, {"value": "6.2"}, headers=HTMX).status_code == 204
    assert second.post(url).status_code == 302
    again = desk.post(entry, {"value": "6.4"})
    assert again.status_code == 422 and 'value="6.4"' in page_of(again)


@pytest.mark.clause("9.2")
def test_a_dose_is_drawn_with_the_volume_that_decay_asks_for(desk, ready, a_batch):
    step = ready()
    url = reverse("radiopharmacy:dispense", args=[step.pk])
    page = page_of(desk.get(url))
    # 259 MBq at 09:00 from 500 MBq/mL at 08:05: 55 min of F-18 more.
    ml = 259 / (500 * 2 ** (-55 * 60 / step.tracer.nuclide.half_life_s))
    assert f'value="{ml:.2f}"' in page and a_batch.number in page

    typed = {"batch": a_batch.number, "volume_ml": f"{ml:.2f}", "assay_time": now_text()}
    slip = desk.post(url, typed | {"assay_mbq": "0.366"})
    assert slip.status_code == 422 and f'value="{ml:.2f}"' in page_of(slip)
    assert 'value="0.366"' in page_of(slip) and not DispensedUnit.objects.exists()

    done = desk.post(url, typed | {"assay_mbq": "366"})
    unit = DispensedUnit.objects.get()
    assert done.url == reverse("radiopharmacy:unit", args=[unit.number]) + "?drawn=1"
    following = ready("高远")
    page = page_of(desk.get(done.url))
    assert reverse("documents:dose_label", args=[unit.code]) in page and "打印标签" in page
    assert reverse("radiopharmacy:dispense", args=[following.pk]) in page


@pytest.mark.clause("9.2")
def test_the_label_says_the_number_that_people_read_and_type(desk, drawn, ready):
    unit = drawn(ready())

    made = desk.post(reverse("documents:dose_label", args=[unit.code]))

    pdf = pypdfium2.PdfDocument(b"".join(desk.get(made.url)))
    text = pdf[0].get_textpage().get_text_range()
    assert len(pdf) == 1 and unit.number in text and unit.code[:8] not in text
    image = pdf[0].render(scale=6).to_pil()
    [code] = [code.text for code in zxingcpp.read_barcodes(image)]
    assert qr.read(code).code == unit.code


@pytest.mark.clause("9.2")
def test_scanned_codes_lead_to_batch_and_unit(desk, drawn, ready, a_batch):
    unit = drawn(ready())
    for text, target in [
        (qr.make("B", a_batch.number), reverse("radiopharmacy:batch", args=[a_batch.number])),
        (qr.make("U", unit.code), reverse("radiopharmacy:unit", args=[unit.number])),
    ]:
        answer = desk.post(
            reverse("stations:scan"), {"text": text}, headers={"Accept": "application/json"}
        )
        assert answer.json()["url"] == target


@pytest.mark.clause("9.4")
def test_a_recall_lists_everybody_and_keeps_its_reason(
    desk, ready, drawn, a_batch, a_technologist, actor_for
):
    unit = drawn(ready("孙秀珍"))
    actions.administer(
        actor_for(a_technologist), unit.step, unit, started_at=timezone.now(), site="右肘静脉"
    )
    waiting = drawn(ready("高远"))
    url = reverse("radiopharmacy:move", args=[a_batch.number, "recall"])
    shown = page_of(desk.get(url, headers=HTMX))
    assert "孙秀珍" in shown and waiting.number in shown
    assert desk.post(url, {"reason": ""}, headers=HTMX).status_code == 422
    assert desk.post(url, {"reason": "内毒素超标"}, headers=HTMX).status_code == 204
    page = page_of(desk.get(reverse("radiopharmacy:batch", args=[a_batch.number])))
    assert "内毒素超标" in page and "孙秀珍" in page
    trace = page_of(desk.get(reverse("radiopharmacy:unit", args=[unit.number])))
    assert a_batch.number in trace and "罗刚" in trace and "右肘静脉" in trace


def test_unused_doses_are_discarded_or_taken_back_by_whom_it_concerns(
    desk, ready, drawn, a_technologist, client_of
):
    unit, other, third = drawn(ready()), drawn(ready("高远")), drawn(ready("孙秀珍"))
    page = reverse("radiopharmacy:unit", args=[other.number])
    discard = reverse("radiopharmacy:unit_move", args=[unit.number, "discard"])
    assert desk.post(discard, {"reason": ""}).status_code == 422
    assert desk.post(discard, {"reason": "患者未到"}).status_code == 302
    back = reverse("radiopharmacy:unit_move", args=[other.number, "return"])
    assert back in page_of(desk.get(page)) and page_of(desk.get(back, headers=HTMX))
    assert desk.post(back, {"reason": "患者未到", "activity_mbq": "240"}).status_code == 302
    shown = page_of(desk.get(page))
    assert "患者未到" in shown and "240" in shown
    assert reverse("documents:dose_label", args=[other.code]) in shown
    assert AuditEvent.objects.get(verb="unit.return").details["reason"] == "患者未到"
    room = client_of(a_technologist)
    from_room = reverse("radiopharmacy:unit_move", args=[third.number, "return"])
    assert room.post(from_room, {"reason": "患者未到"}).status_code == 302
    away = reverse("radiopharmacy:unit_move", args=[third.number, "discard"])
    assert room.post(away, {"reason": "患者未到"}).status_code == 403
    assert list(DispensedUnit.objects.order_by("pk").values_list("state", flat=True)) == [
        "discarded", "returned", "returned",
    ]  # fmt: skip


def test_what_the_board_says_of_the_vial_follows_decay(
    ready, drawn, a_batch, a_pharmacist, actor_for
):
    drawn(ready("孙秀珍"), 250)
    ready("高远")
    board = boards.board(actor_for(a_pharmacist))
    [row] = board.batches
    assert row.left.activity_mbq == pytest.approx(10000 - 250, rel=1e-3)
    assert row.left.volume_ml == pytest.approx(20 - 0.5, rel=1e-3)
    assert [line.step.exam.patient.name_zh for line in board.demand] == ["高远"]
    due = board.demand[0].due_at
    grown = 259 * 2 ** ((due - board.now).total_seconds() / a_batch.half_life_s)
    assert row.need_mbq == pytest.approx(grown)


def test_the_home_page_costs_the_same_for_five_as_for_one(
    desk, ready, drawn, django_assert_max_num_queries
):
    drawn(ready("甲"))
    ready("乙")
    page = page_of(desk.get(reverse("radiopharmacy:home")))
    assert "甲" in page and "乙" in page and "分装" in page
    desk.get(reverse("radiopharmacy:board"))
    for name in "丙丁戊己":
        drawn(ready(name))
        ready(name + "二")
    with django_assert_max_num_queries(16):
        desk.get(reverse("radiopharmacy:board"))


def test_unknown_things_are_not_found_and_strangers_stay_out(desk, a_batch, a_sysadmin, client_of):
    for name, args in [
        ("batch", ["FDG-0"]),
        ("batch", ["\x00"]),
        ("unit", ["U-0"]),
        ("dispense", [0]),
        ("move", [a_batch.number, "burn"]),
        ("reading", [a_batch.number, "taste"]),
    ]:
        assert desk.get(reverse(f"radiopharmacy:{name}", args=args)).status_code == 404
    stranger = client_of(a_sysadmin)
    assert stranger.get(reverse("radiopharmacy:home")).status_code == 403
