import os
import socket
import struct
import time
from pathlib import Path

import pytest
from pynetdicom.sop_class import (
    ComputedRadiographyImageStorage,
    CTImageStorage,
    ModalityWorklistInformationFind,
    Verification,
)

from hevesy.foundation.audit.models import AuditEvent
from hevesy.gateways.dicom import limits
from hevesy.records.equipment.models import Device


def resident_kb() -> int:
    for line in Path(f"/proc/{os.getpid()}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    raise AssertionError


def eventually(condition, seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return bool(condition())


def closed_by_peer(connection: socket.socket, seconds: float) -> bool:
    connection.settimeout(seconds)
    try:
        return connection.recv(1) == b""
    except (TimeoutError, OSError) as error:
        return not isinstance(error, TimeoutError)


def can_echo(serving) -> bool:
    association = serving.associate(Verification)
    if not association.is_established:
        return False
    answer = association.send_c_echo().Status
    association.release()
    return answer == 0


class TestTheDoor:
    @pytest.mark.clause("1.3")
    def test_a_known_device_is_let_in(self, serving):
        assert can_echo(serving)

    @pytest.mark.parametrize(
        ("calling", "called", "reason"),
        [("STRANGER", "HEVESY", 3), ("PETCT1", "OTHER", 7)],
    )
    def test_strangers_and_wrong_numbers_are_turned_away(self, serving, calling, called, reason):
        association = serving.associate(Verification, calling=calling, called=called)

        primitive = association.acceptor.primitive
        assert association.is_rejected
        assert (primitive.result, primitive.result_source, primitive.diagnostic) == (1, 1, reason)
        row = AuditEvent.objects.get(verb="dicom.reject")
        assert (row.details["calling"], row.address) == (calling, "127.0.0.1")

    def test_a_known_title_from_another_address(self, serving):
        Device.objects.update(address="192.0.2.1")

        assert serving.associate(Verification).is_rejected
        assert "address" in AuditEvent.objects.get(verb="dicom.reject").details["why"]

    def test_a_retired_device(self, serving):
        Device.objects.update(availability="retired")

        assert serving.associate(Verification).is_rejected

    def test_only_what_a_device_has_rights_to_is_accepted(self, serving):
        Device.objects.update(dicom_rights=["echo", "worklist"])

        association = serving.associate(
            Verification, CTImageStorage, ModalityWorklistInformationFind
        )

        accepted = {context.abstract_syntax for context in association.accepted_contexts}
        association.release()
        assert accepted == {Verification, ModalityWorklistInformationFind}

    def test_too_many_associations(self, serving, monkeypatch):
        monkeypatch.setattr(limits, "ASSOCIATIONS", 2)
        held = [serving.associate(Verification) for _ in range(2)]

        third = serving.associate(Verification)
        held[0].release()

        assert third.is_rejected
        assert eventually(lambda: can_echo(serving))
        held[1].release()

    def test_too_many_associations_of_one_address(self, serving, monkeypatch):
        monkeypatch.setattr(limits, "ASSOCIATIONS_PER_ADDRESS", 1)
        held = serving.associate(Verification)

        assert serving.associate(ComputedRadiographyImageStorage).is_rejected
        held.release()


class TestHostileConnections:
    @pytest.fixture
    def connect(self, serving):
        opened = []

        def connect() -> socket.socket:
            opened.append(socket.create_connection(("127.0.0.1", serving.port)))
            return opened[-1]

        yield connect
        for one in opened:
            one.close()

    def test_silent_connections_lock_nobody_out(self, serving, connect, monkeypatch):
        monkeypatch.setattr(limits, "SPEAK_WITHIN_S", 1.0)
        silent = [connect() for _ in range(60)]

        began = time.monotonic()
        assert can_echo(serving)
        assert time.monotonic() - began < 5
        assert all(closed_by_peer(one, 4) for one in silent)

    def test_half_sent_requests_lock_nobody_out(self, serving, connect):
        for _ in range(60):
            connect().send(struct.pack(">BBL", 1, 0, 300) + b"\0\1")

        began = time.monotonic()
        assert can_echo(serving)
        assert time.monotonic() - began < 5

    def test_a_giant_first_pdu_is_not_buffered(self, serving, connect):
        before = resident_kb()
        one = connect()
        one.send(struct.pack(">BBL", 1, 0, 0x7FFFFFFF))
        sent = 0
        try:
            while sent < 500 * 1024 * 1024:
                sent += one.send(bytes(1024 * 1024))
        except OSError:
            pass

        assert sent < 20 * 1024 * 1024
        assert resident_kb() - before < 20 * 1024
        assert can_echo(serving)

    def test_a_giant_pdu_later_ends_the_association(self, serving):
        association = serving.associate(Verification)
        connection = association.dul.socket.socket
        connection.send(struct.pack(">BBL", 4, 0, 0x7FFFFFFF) + bytes(1000))

        assert eventually(lambda: not association.is_established)
        assert can_echo(serving)

    @pytest.mark.parametrize(
        "junk",
        [
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            bytes(64),
            struct.pack(">BBL", 1, 0, 64) + b"\xff" * 64,
            struct.pack(">BBL", 1, 0, 0),
        ],
    )
    def test_what_is_no_association_request_is_closed(self, serving, connect, junk, monkeypatch):
        monkeypatch.setattr(limits, "SPEAK_WITHIN_S", 1.0)
        one = connect()
        one.send(junk)

        assert closed_by_peer(one, 4) or eventually(lambda: closed_by_peer(one, 1), 4)
        assert can_echo(serving)

    @pytest.mark.parametrize("length", [0, 1, 0xFFFF])
    def test_a_presentation_value_of_a_false_length(self, serving, length):
        association = serving.associate(Verification)
        body = struct.pack(">L", length) + b"\1\3"
        association.dul.socket.socket.send(struct.pack(">BBL", 4, 0, len(body)) + body)

        assert can_echo(serving)
        association.abort()

    def test_one_pdu_that_trickles_is_cut(self, serving, monkeypatch):
        monkeypatch.setattr(limits, "NETWORK_TIMEOUT_S", 1.0)
        association = serving.associate(Verification)
        connection = association.dul.socket.socket
        connection.send(struct.pack(">BBL", 4, 0, 1000))

        def trickle() -> bool:
            try:
                connection.send(b"x")
            except OSError:
                return True
            return not association.is_established

        assert eventually(trickle, 4)
        assert can_echo(serving)

    def test_an_endless_query_is_cut(self, serving):
        association = serving.associate(ModalityWorklistInformationFind)
        context = association.accepted_contexts[0].context_id
        command = association.dul.socket.socket
        # A command set first, complete, then fragments of a data set that never end.
        from pydicom.dataset import Dataset
        from pynetdicom.dsutils import encode

        request = Dataset()
        request.AffectedSOPClassUID = ModalityWorklistInformationFind
        request.CommandField = 0x0020
        request.MessageID = 1
        request.Priority = 2
        request.CommandDataSetType = 1
        encoded = encode(request, True, True)

        def fragment(control: int, data: bytes) -> bytes:
            value = struct.pack(">LBB", len(data) + 2, context, control) + data
            return struct.pack(">BBL", 4, 0, len(value)) + value

        command.send(fragment(3, encoded))

        def flood() -> bool:
            try:
                command.send(fragment(0, bytes(60_000)))
            except OSError:
                return True
            return not association.is_established

        assert eventually(flood, 5)
        assert can_echo(serving)
