"""Stations: a browser becomes one by a one-time code, and screens have a single right."""

from datetime import timedelta

import pytest
from django.http import HttpResponse, JsonResponse
from django.test import Client
from django.urls import include, path

from hevesy.foundation.accounts.actors import PermissionRefused, Refused
from hevesy.foundation.accounts.guards import needs
from hevesy.foundation.accounts.models import LoginSession
from hevesy.foundation.stations import actions, qr, scans
from hevesy.foundation.stations.models import Station


@needs("stations.show", "queues.view")
def wall(request):
    return JsonResponse(
        {
            "by": str(request.actor),
            "rights": sorted(request.actor.permissions),
            "station": request.station.code if request.station else None,
        }
    )


@needs("queues.view")
def queue(request):
    return HttpResponse("queue")


urlpatterns = [
    path("", include("hevesy.foundation.ui.urls")),
    path("wall/", wall),
    path("queue/", queue),
    path("account/", include("hevesy.foundation.accounts.urls")),
    path("stations/", include("hevesy.foundation.stations.urls")),
]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture
def sysadmin(a_sysadmin, actor_for):
    return actor_for(a_sysadmin)


def station_browser(by, kind, code="walk"):
    station = actions.register_station(by, code=code, name="候诊大屏", kind=kind, place="一层")
    browser = Client()
    claim = actions.make_claim(by, station)
    assert browser.post(f"/stations/claim/{claim}/").status_code == 302
    return station, browser


def test_a_screen_shows_the_wall_without_login_and_nothing_else(sysadmin):
    _station, screen = station_browser(sysadmin, "screen")

    assert screen.get("/wall/").json() == {
        "by": "候诊大屏",
        "rights": ["stations.show"],
        "station": "walk",
    }
    assert screen.get("/queue/").status_code == 302
    assert screen.get("/stations/").status_code == 302


def test_a_kiosk_or_pc_or_stranger_does_not_show_the_wall(sysadmin, client):
    _station, kiosk = station_browser(sysadmin, "kiosk", "kiosk")
    _station, pc = station_browser(sysadmin, "pc", "pc")

    for browser in (kiosk, pc, client):
        assert browser.get("/wall/").status_code == 302


def test_who_logs_in_at_a_station_is_recorded_as_working_there(sysadmin, a_nurse):
    _station, pc = station_browser(sysadmin, "pc")
    pc.force_login(a_nurse, backend="django.contrib.auth.backends.ModelBackend")

    assert pc.get("/wall/").json()["station"] == "walk"


def test_a_code_works_once_and_not_late_and_the_last_one_only(sysadmin, travel):
    station = actions.register_station(sysadmin, code="s", name="s", kind="screen")
    first = actions.make_claim(sysadmin, station)
    travel.shift(timedelta(seconds=1))
    second = actions.make_claim(sysadmin, station)
    assert Client().post(f"/stations/claim/{first}/").status_code == 409
    assert Client().post(f"/stations/claim/{second.lower()}/").status_code == 302
    assert Client().post(f"/stations/claim/{second}/").status_code == 409

    late = actions.make_claim(sysadmin, station)
    travel.shift(timedelta(minutes=actions.CLAIM_MINUTES + 1))
    assert Client().post(f"/stations/claim/{late}/").status_code == 409


def test_a_new_browser_takes_the_station_from_the_old_and_release_from_both(sysadmin):
    station, old = station_browser(sysadmin, "screen")
    new = Client()
    new.post(f"/stations/claim/{actions.make_claim(sysadmin, station)}/")
    assert old.get("/wall/").status_code == 302
    assert new.get("/wall/").status_code == 200

    actions.release(sysadmin, station)

    assert new.get("/wall/").status_code == 302


def test_a_station_that_changes_kind_or_goes_out_of_use_loses_its_browser(sysadmin):
    station, browser = station_browser(sysadmin, "screen")
    actions.change_station(sysadmin, station, active=False)
    assert browser.get("/wall/").status_code == 302
    actions.change_station(sysadmin, station, active=True)
    assert browser.get("/wall/").status_code == 200

    actions.change_station(sysadmin, station, kind="kiosk")

    assert Station.objects.get().token_hash == ""


def test_only_the_system_administrator_registers_stations(a_secadmin, a_head, actor_for):
    for user in (a_secadmin, a_head):
        with pytest.raises(PermissionRefused):
            actions.register_station(actor_for(user), code="x", name="x", kind="pc")


def test_a_taken_code_is_refused(sysadmin):
    actions.register_station(sysadmin, code="x", name="x", kind="pc")

    with pytest.raises(Refused):
        actions.register_station(sysadmin, code="x", name="y", kind="pc")


def test_a_scan_leads_where_the_owner_of_the_kind_says(a_nurse, client_of, monkeypatch):
    monkeypatch.setattr(scans, "_resolvers", {})
    scans.register("E", lambda code, request: f"/exams/{code}/")
    scans.register("D", lambda code, request: scans.Target(f"/d/{code}", "预约单"))
    browser = client_of(a_nurse)

    exam = browser.post("/stations/scan/", {"text": qr.make("E", "EX-1") + "\r\n"})
    document = browser.post("/stations/scan/", {"text": qr.make("D", "7")})
    fragment = browser.post(
        "/stations/scan/", {"text": qr.make("E", "EX-1")}, HTTP_HX_REQUEST="true"
    )

    assert exam.json()["url"] == "/exams/EX-1/"
    assert "EX-1" in exam.json()["label"]
    assert document.json() == {"url": "/d/7", "label": "预约单"}
    assert fragment["HX-Redirect"] == "/exams/EX-1/"


def test_garbage_forged_and_unowned_codes_are_refused(a_nurse, client_of, monkeypatch):
    monkeypatch.setattr(scans, "_resolvers", {})
    browser = client_of(a_nurse)

    for text in ("", "6901234567892", "NM1|E|EX-1|AAAAAAAA", qr.make("B", "FDG-1")):
        assert browser.post("/stations/scan/", {"text": text}).status_code == 400
    assert Client().post("/stations/scan/", {"text": "x"}).status_code == 302


def test_screens_open_no_login_session(sysadmin):
    _station, screen = station_browser(sysadmin, "screen")
    screen.get("/wall/")

    assert not LoginSession.objects.exists()
