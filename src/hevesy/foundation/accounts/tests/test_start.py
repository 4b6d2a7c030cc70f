"""A new installation: no default account, and no reachable server that a stranger could enter (D3, appendix C)."""

import io
import os
import threading
import time

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings

from hevesy.foundation.accounts import first, hashing
from hevesy.foundation.accounts.actions import create_user
from hevesy.foundation.accounts.actors import Refused, system_actor
from hevesy.foundation.accounts.checks import is_loopback, start_refusals
from hevesy.foundation.accounts.models import ApiToken, User
from hevesy.foundation.accounts.seeding import run_seeders

STRONG = "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7"
OUT = "192.168.1.20:8000"
SAFE = {"SECRET_KEY": STRONG, "ALLOWED_HOSTS": ["hevesy.hospital"], "DEMO": False}


@pytest.fixture
def home(tmp_path, settings):
    """A data folder of its own, closed to others as the settings make it."""
    tmp_path.chmod(0o700)
    (tmp_path / "keys").mkdir(mode=0o700)
    settings.HOME = tmp_path
    for name, value in SAFE.items():
        setattr(settings, name, value)
    return tmp_path


@pytest.mark.parametrize("address", ["127.0.0.1:8000", "localhost:80", "[::1]:8000", "127.9.9.9:1"])
def test_loopback(address):
    assert is_loopback(address)


@pytest.mark.parametrize(
    "address", ["0.0.0.0:8000", "[::]:80", OUT, "hevesy.hospital:443", ":8000", "localhost.evil:80"]
)
def test_not_loopback(address):
    assert not is_loopback(address)


def test_an_installation_with_an_administrator_may_be_reached(home, a_secadmin):
    assert start_refusals(OUT) == []


def test_without_an_administrator_only_loopback_is_served(home, db):
    run_seeders(up_to=10)

    assert start_refusals("127.0.0.1:8000") == []
    (sentence,) = start_refusals(OUT)
    assert "appoint" in sentence


@pytest.mark.parametrize(
    ("unsafe", "word"),
    [
        ({"SECRET_KEY": "short"}, "HEVESY_SECRET_KEY"),
        ({"SECRET_KEY": "a" * 60}, "HEVESY_SECRET_KEY"),
        ({"DEBUG": True}, "DEBUG"),
        ({"DEMO": True}, "HEVESY_DEMO"),
        ({"ALLOWED_HOSTS": ["*"]}, "HEVESY_ALLOWED_HOSTS"),
    ],
)
def test_each_unsafe_setting_is_a_reason_of_its_own(home, a_secadmin, unsafe, word):
    with override_settings(**unsafe):
        (sentence,) = start_refusals(OUT)
        assert start_refusals("127.0.0.1:8000") == []

    assert word in sentence


def test_accounts_of_the_demo_are_never_reachable(home, a_secadmin):
    create_user(
        system_actor("demo", "accounts.manage"),
        username="nurse",
        name_zh="护士",
        password="hevesy-demo",
        roles=["nurse"],
        demo_password=True,
    )

    assert len(start_refusals(OUT)) == 1


def test_keys_that_others_can_read_are_named(home, a_secadmin):
    home.chmod(0o755)
    key = home / "keys" / "secret_key"
    key.write_text("x")
    key.chmod(0o644)

    sentences = start_refusals(OUT)

    assert any(str(key) in sentence for sentence in sentences)


def test_a_database_newer_than_the_program_is_not_opened(home, a_secadmin):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('accounts', '9999_x', %s)",
            ["2026-01-01 00:00:00"],
        )

    for address in ("127.0.0.1:8000", OUT):
        assert any("accounts.9999_x" in sentence for sentence in start_refusals(address))


def test_the_first_administrator_needs_the_code_of_the_console(home, db):
    run_seeders(up_to=10)
    code = first.console_code()

    assert code == first.console_code()
    assert first.code_is_right(f" {code.upper()} ")
    assert not first.code_is_right("0000-0000-0000-0000")
    assert (home / "keys" / "first_run").stat().st_mode & 0o077 == 0

    user = first.appoint(username="cao", name_zh="曹宁", password="Gamma-camera-7")

    assert user.may("accounts.manage")
    assert first.console_code() is None
    assert not first.code_is_right(code)
    with pytest.raises(Refused):
        first.appoint(username="other", name_zh="别人", password="Gamma-camera-8")


def test_appoint_from_the_command_line(home, db, monkeypatch):
    run_seeders(up_to=10)
    monkeypatch.setattr("sys.stdin", io.StringIO("weak\n"))
    with pytest.raises(CommandError):
        call_command("appoint", "cao", "--password-stdin")
    assert not User.objects.exists()

    monkeypatch.setattr("sys.stdin", io.StringIO("Gamma-camera-7\n"))
    out = io.StringIO()
    call_command("appoint", "cao", "--name", "曹宁", "--password-stdin", stdout=out)

    assert User.objects.get().name_zh == "曹宁"


def test_tokens_from_the_command_line(a_nurse, client):
    out = io.StringIO()
    call_command("token", "create", "nurse", "--name", "PACS", "--days", "30", stdout=out)
    token = ApiToken.objects.get()

    assert out.getvalue().startswith(token.hint)
    call_command("token", "list", stdout=out)
    assert "PACS" in out.getvalue()
    call_command("token", "revoke", str(token.pk), stdout=out)
    token.refresh_from_db()
    assert token.revoked_at
    with pytest.raises(CommandError):
        call_command("token", "create", "nobody")


def test_one_core_stays_free_while_many_log_in(monkeypatch):
    """D2: hashing takes turns; nobody waits without end."""
    running, most, gate = 0, 0, threading.Lock()

    def hash_slowly():
        nonlocal running, most
        with hashing.hashing_turn():
            with gate:
                running += 1
                most = max(most, running)
            time.sleep(0.005)
            with gate:
                running -= 1

    threads = [threading.Thread(target=hash_slowly) for _login in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most <= max(1, (os.cpu_count() or 2) - 1)

    monkeypatch.setattr(hashing, "WAIT_S", 0.01)
    held = [hashing._turns.acquire(blocking=False) for _turn in range(64)]
    try:
        with pytest.raises(hashing.TooManyLogins), hashing.hashing_turn():
            pass
    finally:
        for taken in held:
            if taken:
                hashing._turns.release()


def test_the_hasher_is_argon2id_and_verifies():
    hasher = hashing.QueuedArgon2PasswordHasher()

    encoded = hasher.encode("Glow-in-the-dark-1", hasher.salt())

    assert encoded.startswith("argon2$argon2id$v=19$m=47104,t=1,p=1$")
    assert hasher.verify("Glow-in-the-dark-1", encoded)
    assert not hasher.verify("Glow-in-the-dark-2", encoded)
