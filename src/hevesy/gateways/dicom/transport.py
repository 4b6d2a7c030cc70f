"""The listening socket and its connections, with the limits that pynetdicom leaves open (reliability §0.3).

Silent connections wait in one selector and cost a file descriptor each, not two polling threads. Only one whose first
bytes look like an association request of a sane size becomes an association.
"""

from __future__ import annotations

import logging
import queue
import select
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connections
from pynetdicom import evt
from pynetdicom._globals import MODE_ACCEPTOR
from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.dimse_primitives import C_GET, C_MOVE, C_STORE
from pynetdicom.transport import (
    AddressInformation,
    AssociationServer,
    AssociationSocket,
    RequestHandler,
)

from hevesy.foundation.accounts.actors import Actor
from hevesy.gateways.dicom import limits
from hevesy.records.equipment.models import Device

logger = logging.getLogger(__name__)

_ASSOCIATE_REQUEST = 1
NO_UID = "0"
_ESTABLISHED = frozenset(f"Sta{number}" for number in range(6, 13))


class LimitExceeded(OSError):
    """A peer sent or claimed more than it may, or too slowly."""


class GuardedSocket(AssociationSocket):  # type: ignore[misc]
    """A connection that never buffers more than one sane PDU and never waits for one for ever."""

    def recv(self, nr_bytes: int) -> bytearray:
        """Read exactly `nr_bytes`, or what came before the peer closed. Raises OSError beyond a limit."""
        established = self.assoc.dul.state_machine.current_state in _ESTABLISHED
        largest = limits.PDU_BYTES if established else limits.FIRST_PDU_BYTES
        if nr_bytes > largest + 6:
            self._shutdown_socket()
            raise LimitExceeded(f"a PDU of {nr_bytes} bytes, at most {largest}")
        patience = limits.NETWORK_TIMEOUT_S if established else limits.SPEAK_WITHIN_S
        deadline = time.monotonic() + patience
        data = bytearray(nr_bytes)
        view, read = memoryview(data), 0
        while read < nr_bytes:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                self._shutdown_socket()
                raise LimitExceeded(f"a PDU took longer than {patience} s")
            got = self.socket.recv_into(view[read:])
            if not got:
                break
            read += got
        return data if read == nr_bytes else data[:read]


class SlowQueue(queue.Queue[Any]):
    """PDUs that wait to be sent: a few, so that memory stays flat however large the object and slow the receiver."""

    def __init__(self, association: Association) -> None:
        super().__init__(limits.WAITING_PDUS)
        self._association = association

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Wait until the receiver has taken enough. Raises `LimitExceeded` when it takes nothing for too long."""
        deadline = time.monotonic() + limits.NETWORK_TIMEOUT_S
        while True:
            try:
                super().put(item, True, 0.5)
                return
            except queue.Full:
                sender = self._association.dul
                if time.monotonic() > deadline or not sender.is_alive():
                    sender.socket._shutdown_socket()
                    raise LimitExceeded("the receiver does not take what we send") from None


def _discard(file: Any) -> None:
    """Remove a half received object. The receiving thread may still hold a fragment: it must not begin a new file."""
    if file is not None:
        file.spool.fail("gone")


class GuardedMessages(DIMSEServiceProvider):  # type: ignore[misc]
    """DIMSE messages that are collected in memory have a size; C-STORE data sets go to disk and have their own."""

    message: Any

    @property
    def maximum_pdu_size(self) -> int:
        """What we send at once: what the peer takes, and no more than we take ourselves."""
        peers = int(super().maximum_pdu_size or 0)
        return min(peers, limits.PDU_BYTES) if peers else limits.PDU_BYTES

    def receive_primitive(self, primitive: Any) -> None:
        """Take a fragment; abort the association when command or identifier grow too large."""
        try:
            super().receive_primitive(primitive)
        except Exception as error:
            # Outside its own guards pynetdicom would lose the receiving thread over a broken command.
            logger.warning("a broken message on %s: %s", self.assoc.name, error)
            self._drop()
            return
        message: Any = self.message
        if message is not None and (
            message.encoded_command_set.tell() > limits.COMMAND_BYTES
            or message.data_set.tell() > limits.IDENTIFIER_BYTES
        ):
            logger.warning("an endless message on %s", self.assoc.name)
            self._drop()

    def _drop(self) -> None:
        """Forget the message and abort the association as for an invalid PDU."""
        _discard(getattr(self.message, "_data_set_file", None))
        self.message = None
        self.dul.event_queue.put("Evt19")


class GuardedAssociation(Association):  # type: ignore[misc]
    """One association: which device it is, and tidying when it ends, however it ends."""

    device: Device | None = None
    actor: Actor | None = None
    relational: set[str]
    retrieve: Callable[[Any, Any, Any], None] | None = None
    """What serves C-GET and C-MOVE in place of pynetdicom, which would decode every object."""

    def __init__(self, ae: Any, mode: str) -> None:
        super().__init__(ae, mode)
        self.dimse = GuardedMessages(self)
        self.dul.to_provider_queue = SlowQueue(self)
        self.opened_at = time.monotonic()
        self.relational = set()

    def run(self) -> None:
        """Serve until the association ends; then close this thread's database connections and drop half objects."""
        try:
            super().run()
        except Exception:
            logger.exception("an association failed")
        finally:
            connections.close_all()
            self._drop_unhandled()

    def _serve_request(self, msg: Any, context_id: int) -> None:
        """Answer or abort: pynetdicom leaves a peer waiting for ever whose request lacks something."""
        if isinstance(msg, C_STORE) and not msg.is_valid_request and msg._dataset_file is not None:
            # A placeholder that no object has, so that the request is served and refused with a status.
            msg.AffectedSOPInstanceUID = msg.AffectedSOPInstanceUID or NO_UID
            msg.AffectedSOPClassUID = msg.AffectedSOPClassUID or NO_UID
        if not msg.is_valid_request and not msg.is_valid_response:
            logger.warning("an incomplete request on %s", self.name)
            _discard(getattr(msg, "_dataset_file", None))
            self.abort()
            return
        if isinstance(msg, (C_GET, C_MOVE)) and self.retrieve and context_id in self._accepted_cx:
            self.dimse.cancel_req = {}
            self._is_paused = True
            try:
                self.retrieve(self, msg, self._accepted_cx[context_id])
            finally:
                self._is_paused = False
            return
        super()._serve_request(msg, context_id)

    def _drop_unhandled(self) -> None:
        queued = [message for _context, message in list(self.dimse.msg_queue.queue) if message]
        files = [getattr(message, "_dataset_file", None) for message in queued]
        files.append(getattr(self.dimse.message, "_data_set_file", None))
        for file in files:
            _discard(file)

    @property
    def idle_s(self) -> float:
        """Seconds since the peer last sent something."""
        return float(limits.NETWORK_TIMEOUT_S - self.dul._idle_timer.remaining)

    @property
    def peer_address(self) -> str:
        """The address of the other side."""
        return str(self.requestor.address_info.address)


class GuardedHandler(RequestHandler):  # type: ignore[misc]
    """Makes the association of an accepted connection, without pynetdicom's copy of all contexts (55 ms each time)."""

    def handle(self) -> None:
        """Start the association's threads."""
        association = self._create_association()
        evt.trigger(association, evt.EVT_CONN_OPEN, {"address": self.client_address})
        association.start()

    def _create_association(self) -> GuardedAssociation:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        association = GuardedAssociation(self.ae, MODE_ACCEPTOR)
        association._server = self.server
        association.name = f"AcceptorThread {self.client_address[0]}:{self.client_address[1]}"
        association.set_socket(GuardedSocket(association, client_socket=self.request))
        acceptor = association.acceptor
        acceptor.maximum_length = self.ae.maximum_pdu_size
        acceptor.ae_title = self.server.ae_title
        acceptor.address_info = self.local
        acceptor.implementation_class_uid = self.ae.implementation_class_uid
        acceptor.implementation_version_name = self.ae.implementation_version_name
        acceptor.supported_contexts = []
        association.requestor.address_info = AddressInformation.from_tuple(self.client_address)
        for event, bound in self.server._handlers.items():
            if event.is_intervention and bound:
                association.bind(event, *bound)
            elif not event.is_intervention:
                for handler, arguments in bound:
                    association.bind(event, handler, arguments)
        return association


@dataclass(slots=True)
class _Waiting:
    """An accepted connection that has not spoken yet."""

    socket: socket.socket
    address: tuple[Any, ...]
    since: float


class GuardedServer(AssociationServer):  # type: ignore[misc]
    """Accepts, lets silent connections wait, and hands over those that speak DICOM."""

    request_queue_size = 128

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, request_handler=GuardedHandler, **named)
        self.socket.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._waiting: dict[int, _Waiting] = {}
        self._wake, self._waker = socket.socketpair()
        self._stopping = False
        self._stopped = threading.Event()

    def serve_forever(self, poll_interval: float = 0.5) -> None:
        """Accept until `shutdown`."""
        self._selector.register(self.socket, selectors.EVENT_READ, self._accept)
        self._selector.register(self._wake, selectors.EVENT_READ, lambda: None)
        try:
            while not self._stopping:
                for key, _mask in self._selector.select(poll_interval):
                    act: Callable[[], None] = key.data
                    act()
                self._close_silent()
        finally:
            for waiting in list(self._waiting.values()):
                self._drop(waiting)
            self._selector.close()
            self._stopped.set()

    def shutdown(self) -> None:
        """Stop accepting; associations that are running go on."""
        self._stopping = True
        self._waker.send(b"\0")
        self._stopped.wait(10)
        self._wake.close()
        self._waker.close()
        self.server_close()

    def _accept(self) -> None:
        try:
            accepted, address = self.socket.accept()
        except OSError as error:
            # Out of file descriptors: the waiting ones go first, then it works again.
            logger.warning("a connection could not be accepted: %s", error)
            self._make_room(None)
            return
        accepted.setblocking(True)
        self._make_room(address[0])
        waiting = _Waiting(accepted, address, time.monotonic())
        self._waiting[accepted.fileno()] = waiting
        self._selector.register(accepted, selectors.EVENT_READ, lambda: self._look(waiting))

    def _make_room(self, address: str | None) -> None:
        """The oldest silent connection of the address, or of all, goes when there are too many."""
        same = [one for one in self._waiting.values() if one.address[0] == address]
        if len(same) >= limits.WAITING_PER_ADDRESS:
            self._drop(same[0])
        elif address is None or len(self._waiting) >= limits.WAITING:
            for oldest in list(self._waiting.values())[:1]:
                self._drop(oldest)

    def _look(self, waiting: _Waiting) -> None:
        """The first bytes came: an association request of a sane size goes on, anything else is closed."""
        try:
            head = waiting.socket.recv(6, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except OSError:
            self._drop(waiting)
            return
        if head and len(head) < 6 and head[0] == _ASSOCIATE_REQUEST:
            # A peek would be ready again at once: the trickle is waited for with its thread, under the deadline.
            pass
        elif len(head) < 6 or not self._is_request(head):
            self._drop(waiting)
            return
        self._forget(waiting)
        self._interrupt_oldest(waiting.address[0])
        try:
            self.finish_request(waiting.socket, waiting.address)
        except Exception:
            logger.exception("an association could not be begun")
            self.shutdown_request(waiting.socket)

    def _interrupt_oldest(self, address: str) -> None:
        """Half-sent requests of one address do not pile up: the oldest makes room, as among the silent ones."""
        half = [
            association
            for association in self.active_associations
            if not association.is_established
            and association.device is None
            and association.peer_address == address
        ]
        if len(half) >= limits.WAITING_PER_ADDRESS:
            min(half, key=lambda one: one.opened_at).dul.socket._shutdown_socket()

    @staticmethod
    def _is_request(head: bytes) -> bool:
        kind, _reserved, length = struct.unpack(">BBL", head)
        return bool(kind == _ASSOCIATE_REQUEST and length <= limits.FIRST_PDU_BYTES)

    def _close_silent(self) -> None:
        old = time.monotonic() - limits.SPEAK_WITHIN_S
        for waiting in [one for one in self._waiting.values() if one.since < old]:
            self._drop(waiting)

    def _forget(self, waiting: _Waiting) -> None:
        self._waiting.pop(waiting.socket.fileno(), None)
        self._selector.unregister(waiting.socket)

    def _drop(self, waiting: _Waiting) -> None:
        self._forget(waiting)
        waiting.socket.close()
