"""Argon2 with a queue: a morning of logins must not take every core from the pages (reliability D2)."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.hashers import Argon2PasswordHasher
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Refused

WAIT_S = 40.0
"""How long a login waits for its turn before it is asked to come again."""
WAITING_AT_MOST = 600
"""How many may wait in one process; the rest are told at once, before any hashing."""

_turns = threading.BoundedSemaphore(max(1, (os.cpu_count() or 2) - 1))
_waiting = threading.BoundedSemaphore(WAITING_AT_MOST)


class TooManyLogins(Refused):
    """More logins at this moment than the machine can check."""

    status = 503

    def __init__(self) -> None:
        super().__init__(_("Too many people log in at this moment. Try again in a few seconds."))


@contextmanager
def hashing_turn() -> Iterator[None]:
    """Wait for a turn to hash. Raises `TooManyLogins` when the queue is full or too slow."""
    if not _waiting.acquire(blocking=False):
        raise TooManyLogins
    try:
        if not _turns.acquire(timeout=WAIT_S):
            raise TooManyLogins
        try:
            yield
        finally:
            _turns.release()
    finally:
        _waiting.release()


class QueuedArgon2PasswordHasher(Argon2PasswordHasher):
    """Argon2id, 46 MiB, one pass, one lane (OWASP password storage cheat sheet): about 50 ms on one core."""

    time_cost = 1
    memory_cost = 47104
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        with hashing_turn():
            return str(super().encode(password, salt))

    def verify(self, password: str, encoded: str) -> bool:
        with hashing_turn():
            return bool(super().verify(password, encoded))
