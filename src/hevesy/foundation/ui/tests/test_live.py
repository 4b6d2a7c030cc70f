"""Live events: what is committed reaches every page that listens and may; nothing else does."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.utils import timezone

from hevesy.foundation.accounts.models import User
from hevesy.foundation.stations.models import Station
from hevesy.foundation.ui import live, streams
from hevesy.foundation.ui.models import LiveEvent

ClientOf = Callable[[User], Client]


class Stream:
    """One listening browser: reads events from the socket line by line."""

    def __init__(
        self, site: str, client: Client, topics: str, last: str = "", since: str = ""
    ) -> None:
        self.connection = HTTPConnection(urlsplit(site).netloc, timeout=15)
        cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
        headers = {"Cookie": cookies, "Accept": "text/event-stream"}
        if last:
            headers["Last-Event-ID"] = last
        self.connection.request("GET", f"/live/?topics={topics}&since={since}", headers=headers)
        self.response: HTTPResponse = self.connection.getresponse()
        self.status = self.response.status

    def events(self) -> Iterator[tuple[str, str, dict[str, object]]]:
        """(event, id, data) as they come, pulses left out."""
        event, number, data = "", "", ""
        while line := self.response.readline().decode():
            name, _colon, value = line.rstrip("\n").partition(": ")
            if name == "event":
                event = value
            elif name == "id":
                number = value
            elif name == "data":
                data = value
            elif not name and event:
                if event != "pulse":
                    yield event, number, json.loads(data)
                event, number, data = "", "", ""

    def ready(self) -> Stream:
        """Wait until the stream has begun: its first pulse."""
        while self.response.readline().decode().strip() != "event: pulse":
            pass
        self.response.readline()
        self.response.readline()
        return self

    def close(self) -> None:
        self.connection.close()


@pytest.fixture
def listen(site: str) -> Iterator[Callable[..., Stream]]:
    """`listen(client, "queue", last="", since="")`: a browser that listens."""
    opened: list[Stream] = []

    def start(client: Client, topics: str, **since: str) -> Stream:
        opened.append(Stream(site, client, topics, **since))
        return opened[-1]

    yield start
    for stream in opened:
        stream.close()


def test_an_event_reaches_the_page_that_listens(
    listen: Callable[..., Stream], a_nurse: User, client_of: ClientOf
) -> None:
    stream = listen(client_of(a_nurse), "queue,exams").ready()

    live.publish("doses", unit=1)
    with transaction.atomic():
        live.publish("queue:injection", ticket="P017")

    event, number, data = next(stream.events())
    assert event == "live"
    assert data == {"topic": "queue:injection", "ticket": "P017"}
    assert int(number) == LiveEvent.objects.get(topic="queue:injection").pk


def test_what_is_rolled_back_is_never_told(
    listen: Callable[..., Stream], a_nurse: User, client_of: ClientOf
) -> None:
    stream = listen(client_of(a_nurse), "queue").ready()

    with pytest.raises(RuntimeError), transaction.atomic():
        live.publish("queue", ticket="never")
        raise RuntimeError
    live.publish("queue", ticket="P018")

    assert next(stream.events())[2]["ticket"] == "P018"


def test_a_page_that_was_away_gets_what_it_missed(
    listen: Callable[..., Stream], a_nurse: User, client_of: ClientOf
) -> None:
    seen = live.publish("queue", ticket="P001")
    live.publish("queue", ticket="P002")
    live.publish("reports", report=4)
    live.publish("queue", ticket="P003")

    events = listen(client_of(a_nurse), "queue", last=str(seen.pk)).events()

    assert [next(events)[2]["ticket"] for _ in range(2)] == ["P002", "P003"]


def milliseconds(moment: datetime) -> str:
    return str(round(moment.timestamp() * 1000))


def test_a_page_is_told_what_happened_while_it_was_on_its_way(
    listen: Callable[..., Stream], a_nurse: User, client_of: ClientOf
) -> None:
    now = timezone.now()
    for ticket, age_s in (("P001", 60), ("P002", 20)):
        event = live.publish("queue", ticket=ticket)
        LiveEvent.objects.filter(pk=event.pk).update(at=now - timedelta(seconds=age_s))

    events = listen(
        client_of(a_nurse), "queue", since=milliseconds(now - timedelta(seconds=40))
    ).events()

    assert next(events)[2]["ticket"] == "P002"


def test_a_page_says_when_it_was_asked_for(client_of: ClientOf, a_nurse: User) -> None:
    before = int(milliseconds(timezone.now()))
    page = client_of(a_nurse).get("/ui/").content.decode()
    after = int(milliseconds(timezone.now()))

    assert before <= int(page.split('data-live-since="')[1].split('"')[0]) <= after


def test_a_page_of_yesterday_is_told_to_show_everything(
    listen: Callable[..., Stream], a_nurse: User, client_of: ClientOf
) -> None:
    yesterday = milliseconds(timezone.now() - timedelta(days=1))

    assert next(listen(client_of(a_nurse), "queue", since=yesterday).events())[0] == "reset"


def test_a_page_that_was_away_too_long_is_told_to_show_everything(
    listen: Callable[..., Stream], a_nurse: User, client_of: ClientOf
) -> None:
    for number in range(streams.REPLAYED + 2):
        live.publish("queue", ticket=number)
    first = LiveEvent.objects.order_by("pk").values_list("pk", flat=True)[0]

    assert next(listen(client_of(a_nurse), "queue", last=str(first)).events())[0] == "reset"
    assert next(listen(client_of(a_nurse), "queue", last="99999999").events())[0] == "reset"


def test_topics_take_the_right_to_read_them(client_of: ClientOf, a_clinician: User) -> None:
    client = client_of(a_clinician)

    assert client.get("/live/?topics=queue").status_code == 403
    assert client.get("/live/?topics=no-such-topic").status_code == 403
    assert client.get("/live/?topics=user:1").status_code == 403
    # Allowed, but Django's test client is no ASGI server: 204 tells a browser not to come again.
    assert client.get("/live/?topics=jobs,me,reports").status_code == 204


def test_strangers_hear_nothing(client: Client, db: None) -> None:
    answer = client.get("/live/?topics=wall")

    assert answer.status_code == 401
    assert "退出登录" in answer.json()["error"]


def test_a_wall_screen_hears_the_wall_and_nothing_else(rf: object, db: None) -> None:
    from django.contrib.auth.models import AnonymousUser

    from hevesy.foundation.accounts.actors import PermissionRefused

    request = rf.get("/live/")  # type: ignore[attr-defined]
    request.user = AnonymousUser()
    request.station = Station(
        code="wall-1", name="候诊区大屏", kind=Station.Kind.SCREEN, active=True
    )

    assert live.topics_for(request, ["wall", "wall:2f"]) == ["wall", "wall:2f"]
    with pytest.raises(PermissionRefused):
        live.topics_for(request, ["queue"])


def test_one_user_cannot_hold_all_streams(
    listen: Callable[..., Stream], a_nurse: User, client_of: ClientOf
) -> None:
    client = client_of(a_nurse)
    for _ in range(streams.STREAMS_PER_USER):
        listen(client, "queue").ready()

    assert listen(client, "queue").status == 429


def readers() -> set[int | None]:
    return {thread.ident for thread in threading.enumerate() if thread.name.startswith("live")}


def test_many_pages_share_one_reader(
    listen: Callable[..., Stream], a_nurse: User, a_technologist: User, client_of: ClientOf
) -> None:
    before = readers()
    pages = [
        listen(client_of(user), "queue").ready()
        for user in (a_nurse, a_technologist)
        for _ in range(8)
    ]
    live.publish("queue", ticket="P019")

    assert all(next(page.events())[2]["ticket"] == "P019" for page in pages)
    assert len(readers() - before) == 1


def test_publishing_on_an_unknown_topic_is_a_mistake_of_the_programmer(db: None) -> None:
    with pytest.raises(ValueError, match="not registered"):
        live.publish("nowhere")


def test_old_events_are_pruned(db: None) -> None:
    old = live.publish("queue")
    LiveEvent.objects.filter(pk=old.pk).update(at=timezone.now() - live.KEPT - timedelta(minutes=1))
    young = live.publish("queue")

    assert live.prune() == 1
    assert LiveEvent.objects.get() == young


def test_listening_does_not_keep_a_session_alive() -> None:
    from django.urls import resolve

    assert resolve("/live/").func.passive
    assert resolve("/ui/counts/").func.passive
    assert settings.SESSION_COOKIE_HTTPONLY


def test_a_topic_has_one_rule() -> None:
    with pytest.raises(ValueError, match="reports is declared twice"):
        live.register_topic("reports", "reports.view")
