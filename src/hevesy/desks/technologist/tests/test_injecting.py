"""The injection page from the first scan to the residual (clauses 4.2, 4.3; H1, H8)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from hevesy.desks.technologist.checking import Check
from hevesy.desks.technologist.tests.conftest import HTMX
from hevesy.foundation.audit.models import AuditEvent
from hevesy.foundation.stations import qr
from hevesy.records.doses.models import Administration

pytestmark = [pytest.mark.django_db, pytest.mark.clause("4.2"), pytest.mark.clause("4.3")]

SCAN, COMMIT = "technologist:scan", "technologist:commit"


def patient_code(step):
    return qr.make("E", step.exam.code)


def syringe_code(unit):
    return qr.make("U", unit.code)


def check_in(answer):
    found = re.search(r'name="check" value="([^"]+)"', answer.content.decode())
    return found[1] if found else ""


def clock(minutes=0):
    return (timezone.localtime() + timedelta(minutes=minutes)).strftime("%H:%M:%S")


@pytest.fixture
def desk(a_technologist, client_of):
    """`desk(code, check)`: scan something at the injection place."""
    client = client_of(a_technologist)

    def scan(text, check="", **headers):
        return client.post(
            reverse(SCAN), {"text": text, "check": check}, headers={**HTMX, **headers}
        )

    scan.client = client
    return scan


@pytest.fixture
def verified(desk):
    """`verified(step, unit)`: both scanned and in order; the signed check."""

    def make(step, unit):
        first = desk(patient_code(step))
        return check_in(desk(syringe_code(unit), check_in(first)))

    return make


def give(desk, check, **data):
    data = {"check": check, "started_time": clock(), "site": "forearm-r", **data}
    return desk.client.post(reverse(COMMIT), data, headers=HTMX)


@pytest.mark.parametrize("order", ["patient first", "syringe first"])
def test_patient_and_syringe_are_scanned_in_any_order(ready, drawn, desk, order):
    step = ready()
    codes = [patient_code(step), syringe_code(drawn(step))]
    if order == "syringe first":
        codes.reverse()
    first = desk(codes[0])
    assert "确认给药" not in first.content.decode()
    second = desk(codes[1], check_in(first))
    page = second.content.decode()
    assert "三方一致" in page and "确认给药" in page and "陈建国" in page


def test_the_injection_is_recorded_and_the_residual_makes_the_number(
    tuesday_morning, ready, drawn, desk, verified
):
    step = ready()
    check = verified(step, drawn(step))
    tuesday_morning.shift(timedelta(minutes=5))

    answer = give(desk, check)

    assert "注后残留" in answer.content.decode()
    administration = Administration.objects.get()
    assert administration.identified_by == "scan"
    assert administration.site and administration.laterality == "R"

    tuesday_morning.shift(timedelta(minutes=3))
    url = reverse("technologist:preview", args=[administration.pk])
    typed = {"residual_mbq": "6.2", "residual_time": clock()}
    shown = desk.client.post(url, typed, headers=HTMX).content.decode()
    answer = desk.client.post(
        reverse("technologist:residual", args=[administration.pk]), typed, headers=HTMX
    )
    assert answer.status_code == 204 and "hv:close" in answer.headers["HX-Trigger"]
    administration.refresh_from_db()
    assert f"{administration.administered_mbq:.1f}" in shown


def test_the_wrong_syringe_fills_the_screen_and_the_only_way_out_puts_it_down(ready, drawn, desk):
    chen, hua = ready("陈建国"), ready("陈建华")
    right = drawn(chen)
    wrong = drawn(hua)
    stop = desk(syringe_code(wrong), check_in(desk(patient_code(chen))))
    page = stop.content.decode()
    assert "停！不要注射" in page and 'role="alertdialog"' in page and "data-hard" in page
    assert wrong.number in page and right.number in page and "姓名相近" in page
    assert page.count('class="btn') == 1
    assert AuditEvent.objects.filter(verb="dose.stop").exists()

    back = desk.client.get(
        re.search(r'hx-get="([^"]+)"', page)[1].replace("&amp;", "&"), headers=HTMX
    )
    done = desk(syringe_code(right), check_in(back))
    assert "三方一致" in done.content.decode()


def test_the_wrong_patient_after_the_syringe_stops_too(ready, drawn, desk):
    chen, hua = ready("陈建国"), ready("李四")
    first = desk(syringe_code(drawn(chen)))
    assert "停！不要注射" in desk(patient_code(hua), check_in(first)).content.decode()


def test_an_old_label_says_when_it_was_used(ready, drawn, desk, verified):
    step = ready()
    unit = drawn(step)
    give(desk, verified(step, unit))
    again = desk(syringe_code(unit))
    page = desk(patient_code(step), check_in(again))
    assert f"已在 {timezone.localtime():%H:%M} 使用过" in page.content.decode()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"started_time": ""}, "F7"),
        ({"started_time": "25:99"}, "10:45"),
        ({"site": ""}, "注射部位"),
        ({"pre_mbq": "250"}, "测量时间"),
        ({"pre_mbq": "0.25", "pre_time": "now"}, "单位"),
        ({"manual_mbq": "255"}, "原因"),
    ],
)
def test_what_is_missing_is_said_at_its_field_and_nothing_is_lost(
    ready, drawn, desk, verified, data, words
):
    step = ready()
    check = verified(step, drawn(step))
    data = {key: clock() if value == "now" else value for key, value in data.items()}
    answer = give(desk, check, ended_time=clock(), **data)
    page = answer.content.decode()
    assert answer.status_code == 422 and words in page
    assert clock()[:5] in page and check_in(answer)
    assert not Administration.objects.exists()


def test_a_warning_asks_for_its_reason(ready, drawn, desk, verified):
    step = ready(glucose=12.5)
    check = verified(step, drawn(step))
    answer = give(desk, check)
    assert answer.status_code == 422 and 'name="reason_glucose"' in answer.content.decode()
    give(desk, check, reason_glucose="已用胰岛素，医师同意")
    assert Administration.objects.get().overrides[0]["check"] == "glucose"


def test_a_second_person_shows_who_they_are(ready, drawn, desk, verified, a_nurse):
    from hevesy.foundation.accounts.testing import PASSWORD

    step = ready()
    check = verified(step, drawn(step, 330))
    answer = give(desk, check, reason_activity="最后一支")
    assert 'name="second_username"' in answer.content.decode()
    wrong = {"second_username": a_nurse.username, "second_password": "guess"}
    assert give(desk, check, reason_activity="最后一支", **wrong).status_code == 422
    right = {**wrong, "second_password": PASSWORD}
    give(desk, check, reason_activity="最后一支", **right)
    assert Administration.objects.get().second == a_nurse
    assert desk.client.get(reverse("technologist:worklist")).wsgi_request.user.username == (
        "technologist"
    )


def test_typing_instead_of_scanning_needs_two_identifiers_and_a_reason(ready, drawn, desk):
    step = ready()
    unit = drawn(step)
    url = reverse("technologist:manual")
    typed = {"what": "patient", "number": step.exam.number, "born": "1964-03-05"}
    assert desk.client.post(url, typed, headers=HTMX).status_code == 409
    wrong = {**typed, "born": "1964-03-06", "reason": "标签污损"}
    assert desk.client.post(url, wrong, headers=HTMX).status_code == 409
    as_said = {**typed, "born": "1964年3月5日", "reason": "标签污损"}
    first = desk.client.post(url, as_said, headers=HTMX)
    syringe = {"what": "unit", "unit": unit.number, "name": "陈建国", "reason": "标签污损"}
    second = desk.client.post(url, {**syringe, "check": check_in(first)}, headers=HTMX)
    give(desk, check_in(second))
    administration = Administration.objects.get()
    assert administration.identified_by == "manual"
    assert administration.overrides[0] == {
        "check": "manual", "level": "warn", "message": "手工核对身份，未扫码", "reason": "标签污损"
    }  # fmt: skip


def test_a_check_cannot_be_changed_by_the_browser_or_taken_over(
    ready, drawn, desk, verified, a_nurse, client_of, tuesday_morning
):
    step = ready()
    unit = drawn(step)
    check = verified(step, unit)
    assert desk(syringe_code(unit), check[:-3] + "abc").status_code == 409
    forged = Check(1, step.pk, unit.pk, "x", "scan", "x", "scan")
    assert give(desk, str(forged)).status_code == 409
    other = client_of(a_nurse).post(
        reverse(COMMIT), {"check": check, "started_time": clock(), "site": "hand-l"}, headers=HTMX
    )
    assert other.status_code == 409
    tuesday_morning.shift(timedelta(hours=2))
    assert give(desk, check).status_code in (401, 409)
    assert not Administration.objects.exists()


def test_a_computer_whose_clock_is_far_off_may_not_inject(ready, drawn, desk, verified):
    step = ready()
    check = verified(step, drawn(step))
    hour_off = str((timezone.now().timestamp() + 3600) * 1000)
    assert give(desk, check, client_now=hour_off).status_code == 422
    assert not Administration.objects.exists()


def test_the_chips_follow_the_form(ready, drawn, desk, verified):
    step = ready()
    check = verified(step, drawn(step))
    url = reverse("technologist:judge")
    page = desk.client.post(
        url, {"check": check, "pre_mbq": "300", "pre_time": clock()}, headers=HTMX
    )
    assert "超出 ±10%" in page.content.decode()


def test_codes_of_strangers_and_of_other_things_are_refused(desk, a_batch):
    assert desk("NM1|U|ABC|WRONGCHK").status_code == 400
    assert desk(qr.make("B", a_batch.number)).status_code == 409
    assert desk(qr.make("U", "NOSUCHUNIT")).status_code == 409
    assert desk("https://example.org/").status_code == 400


def test_a_patient_with_nothing_to_inject_is_shown(ready, drawn, desk, verified):
    step = ready()
    give(desk, verified(step, drawn(step)))
    answer = desk(patient_code(step))
    assert answer.headers["HX-Redirect"] == reverse("technologist:side", args=[step.exam.number])


def test_without_scripts_the_same_works_page_by_page(ready, drawn, a_technologist, client_of):
    step = ready()
    unit = drawn(step)
    client = client_of(a_technologist)
    page = client.post(reverse(SCAN), {"text": patient_code(step)})
    page = client.post(reverse(SCAN), {"text": syringe_code(unit), "check": check_in(page)})
    page = client.post(
        reverse(COMMIT),
        {
            "check": check_in(page),
            "started_time": clock(),
            "site": "hand-l",
            "reason_manual": "无扫码枪",
        },
    )
    assert "注后残留" in page.content.decode()


@pytest.mark.clause("9.1")
def test_a_dose_that_is_not_given_goes_back(ready, drawn, desk):
    unit = drawn(ready())
    url = reverse("technologist:return", args=[unit.code])
    assert desk.client.post(url, {"reason": ""}, headers=HTMX).status_code == 409
    desk.client.post(url, {"reason": "患者血糖过高"}, headers=HTMX)
    unit.refresh_from_db()
    assert unit.state == "returned"


def test_who_may_not_inject_gets_no_dialog(ready, drawn, a_doctor, client_of):
    assert client_of(a_doctor).get(reverse("technologist:inject")).status_code == 403
