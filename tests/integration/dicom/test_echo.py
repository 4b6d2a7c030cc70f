"""The button on the page of a device: a real C-ECHO to real peers, and what it says about each (clause 10.6)."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse
from pynetdicom import AE, evt
from pynetdicom.sop_class import CTImageStorage, Verification
from tests.peers import program

from hevesy.foundation.audit.models import AuditEvent
from hevesy.records.equipment.models import Device

Ask = Callable[..., str]


@pytest.fixture
def ask(transactional_db: None, a_pet_ct: Device, a_physicist: Any, client_of: Any) -> Ask:
    """`ask(port, ae_title=…, address=…)`: what the button says about that device, and within which time."""
    browser = client_of(a_physicist)

    def press(port: int | None, *, ae_title: str = "PETCT1", address: str = "127.0.0.1") -> str:
        a_pet_ct.address, a_pet_ct.port, a_pet_ct.ae_title = address, port, ae_title
        a_pet_ct.save()
        begun = time.monotonic()
        answer = browser.post(
            reverse("dicom:echo", args=[a_pet_ct.pk]), headers={"HX-Request": "true"}
        )
        assert answer.status_code == 200
        assert time.monotonic() - begun < 7, "somebody stands before the page"
        return answer.content.decode()

    return press


def result() -> tuple[str, str]:
    """What the audit trail says of the last test."""
    event = AuditEvent.objects.filter(verb="device.echo").latest("pk")
    return event.outcome, event.details["result"]


@pytest.fixture
def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def storescp(free_port: int, tmp_path: Any) -> Iterator[int]:
    """A `storescp` of DCMTK, which answers C-ECHO to everybody; its port."""
    peer = subprocess.Popen(
        [program("storescp"), "--output-directory", tmp_path, str(free_port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", free_port), 1).close()
            break
        except OSError:
            time.sleep(0.05)
    yield free_port
    peer.kill()
    peer.wait()


@pytest.fixture
def peer() -> Iterator[Callable[..., int]]:
    """`peer(configure)`: a pynetdicom server of its own manners; its port."""
    running: list[Any] = []

    def start(configure: Callable[[AE], None], **options: Any) -> int:
        entity = AE("PETCT1")
        entity.add_supported_context(Verification)
        configure(entity)
        server = entity.start_server(("127.0.0.1", 0), block=False, **options)
        running.append(server)
        return int(server.server_address[1])

    yield start
    for server in running:
        server.shutdown()


@pytest.mark.peer
@pytest.mark.clause("10.6")
def test_a_device_that_answers(ask: Ask, storescp: int) -> None:
    said = ask(storescp)

    assert "连接正常：PETCT1" in said and "毫秒" in said
    assert result() == ("ok", "heard")


def test_our_own_server_answers(serving: Any, ask: Ask) -> None:
    assert "连接正常：HEVESY" in ask(serving.port, ae_title="HEVESY")


def test_a_wrong_ae_title(ask: Ask, peer: Callable[..., int]) -> None:
    port = peer(lambda entity: setattr(entity, "require_called_aet", True))

    assert "AE 标题不是 PETCT2" in ask(port, ae_title="PETCT2")
    assert result() == ("failed", "called_unknown")


def test_a_device_that_does_not_know_us(ask: Ask, peer: Callable[..., int]) -> None:
    port = peer(lambda entity: setattr(entity, "require_calling_aet", ["SOMEBODY"]))

    assert "不认识本系统" in ask(port)
    assert result() == ("failed", "calling_unknown")


def test_a_busy_device(ask: Ask, peer: Callable[..., int]) -> None:
    port = peer(lambda entity: setattr(entity, "maximum_associations", 0))

    assert "设备忙" in ask(port)


def test_a_closed_port(ask: Ask, free_port: int) -> None:
    assert "没有服务" in ask(free_port)
    assert result() == ("failed", "closed")


def test_a_port_of_something_else(ask: Ask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        assert "没有按 DICOM 应答" in ask(deaf.getsockname()[1])


def test_a_device_without_the_service(ask: Ask, peer: Callable[..., int]) -> None:
    def only_images(entity: AE) -> None:
        entity.supported_contexts = []
        entity.add_supported_context(CTImageStorage)

    assert "C-ECHO" in ask(peer(only_images))
    assert result()[0] == "failed"


def test_a_device_that_fails(ask: Ask, peer: Callable[..., int]) -> None:
    port = peer(lambda entity: None, evt_handlers=[(evt.EVT_C_ECHO, lambda event: 0x0122)])

    assert "状态码是 0122" in ask(port)


def test_a_device_that_never_answers_the_question(ask: Ask, peer: Callable[..., int]) -> None:
    release = threading.Event()
    port = peer(
        lambda entity: None, evt_handlers=[(evt.EVT_C_ECHO, lambda event: release.wait(10) and 0)]
    )

    said = ask(port)
    release.set()

    assert "没有回答 C-ECHO" in said


def test_a_device_without_address(ask: Ask) -> None:
    assert "请先填写" in ask(None)


def test_the_button_is_on_the_page_and_works_without_scripts(
    ask: Ask, free_port: int, a_pet_ct: Device, a_physicist: Any, client_of: Any
) -> None:
    ask(free_port)
    browser = client_of(a_physicist)

    page = browser.get(reverse("department:device", args=[a_pet_ct.code])).content.decode()
    assert reverse("dicom:echo", args=[a_pet_ct.pk]) in page and "测试连接" in page
    answer = browser.post(reverse("dicom:echo", args=[a_pet_ct.pk]))

    assert answer.url == reverse("department:device", args=[a_pet_ct.code])
    [said] = get_messages(answer.wsgi_request)
    assert "没有服务" in str(said)


def test_who_may_not_edit_devices_sends_nothing(
    a_pet_ct: Device, a_nurse: Any, client_of: Any
) -> None:
    assert client_of(a_nurse).post(reverse("dicom:echo", args=[a_pet_ct.pk])).status_code == 403
    assert not AuditEvent.objects.filter(verb="device.echo").exists()
