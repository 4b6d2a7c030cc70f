"""`hevesy run` with real children: restarts, draining, giving up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from hevesy.config import supervisor
from hevesy.config.doctor import file_system
from hevesy.config.management.commands.web import host_and_port


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


SLEEPER = python("import time; time.sleep(600)")


def wait_for(condition: object, *, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> object:
    """Run a supervisor in a thread; stops it at the end. Children then die with the process, not the thread."""
    started: list[tuple[supervisor.Supervisor, threading.Thread, list[int]]] = []
    monkeypatch.setattr(supervisor, "_die_with_parent", lambda: None)

    def start(*services: supervisor.Service) -> tuple[supervisor.Supervisor, list[int]]:
        running = supervisor.Supervisor(list(services))
        statuses: list[int] = []
        thread = threading.Thread(target=lambda: statuses.append(running.run()))
        thread.start()
        started.append((running, thread, statuses))
        return running, statuses

    yield start
    for running, thread, _statuses in started:
        running.stop_signal = running.stop_signal or signal.SIGINT
        thread.join(30)


def test_a_service_that_dies_is_started_again(run: object) -> None:
    service = supervisor.Service("sleeper", SLEEPER)
    run(service)  # type: ignore[operator]
    wait_for(lambda: service.runs)
    first = service.process
    assert first is not None

    first.kill()

    wait_for(lambda: service.runs and service.process is not first)
    assert service.quick_deaths == 1


def test_a_service_that_cannot_live_stops_everything(
    run: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LONGEST_PAUSE_S", 0)
    sleeper = supervisor.Service("sleeper", SLEEPER)
    broken = supervisor.Service("broken", python("raise SystemExit(3)"))

    _running, statuses = run(sleeper, broken)  # type: ignore[operator]

    wait_for(lambda: statuses)
    assert statuses == [1]
    assert not sleeper.runs


def test_stopping_lets_a_service_finish_and_kills_one_that_will_not(
    run: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "DRAIN_S", 2)
    handler = "import signal, time, pathlib, sys\nsignal.signal(signal.SIGTERM, {})\n{}.touch()\n"
    polite = handler.format(
        f"lambda *_: (pathlib.Path({str(tmp_path / 'finished')!r}).touch(), sys.exit(0))",
        f"pathlib.Path({str(tmp_path / 'polite')!r})",
    )
    stubborn = handler.format("signal.SIG_IGN", f"pathlib.Path({str(tmp_path / 'stubborn')!r})")
    endless = "while True: time.sleep(0.05)\n"
    services = [
        supervisor.Service("polite", python(polite + endless)),
        supervisor.Service("stubborn", python(stubborn + endless)),
    ]
    running, statuses = run(*services)  # type: ignore[operator]
    wait_for(lambda: (tmp_path / "polite").exists() and (tmp_path / "stubborn").exists())

    running.stop_signal = signal.SIGTERM
    wait_for(lambda: statuses)

    assert statuses == [0]
    assert (tmp_path / "finished").exists()
    assert not any(service.runs for service in services)


@pytest.mark.skipif(sys.platform != "linux", reason="parent-death signal is of Linux")
def test_children_do_not_outlive_a_killed_supervisor(tmp_path: Path) -> None:
    pid_file = tmp_path / "child"
    code = (
        "from hevesy.config.supervisor import Service, Supervisor\n"
        f"s = Service('x', {SLEEPER!r}); s.start()\n"
        f"open({str(pid_file)!r}, 'w').write(str(s.process.pid))\n"
        "import time; time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        python(code), env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    )
    wait_for(lambda: pid_file.exists() and pid_file.read_text())
    child = int(pid_file.read_text())

    parent.kill()
    parent.wait()

    wait_for(lambda: not alive(child))


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_gateways_run_only_when_they_are_installed() -> None:
    with_dicom = [service.name for service in supervisor.services({"dicom", "web"})]

    assert with_dicom == ["web", "clock", "dicom", "worker-1", "worker-2"]


def worker_words() -> list[list[str]]:
    found = [service for service in supervisor.services(set()) if "worker" in service.name]
    return [service.command[4:] for service in found]


def test_one_worker_alone_takes_every_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEVESY_WORKERS", "1")

    assert worker_words() == [[]]


def test_the_second_worker_leaves_long_work_to_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEVESY_WORKERS", "2")

    assert worker_words() == [
        [],
        ["--except=slow", "--except=imaging", "--except=compression"],
    ]


def test_no_worker_here_takes_a_lane_that_is_served_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HEVESY_WORKERS", "2")
    monkeypatch.setenv("HEVESY_LANES_ELSEWHERE", "imaging")

    assert all("--except=imaging" in words for words in worker_words())


@pytest.mark.parametrize(
    ("address", "parts"),
    [("127.0.0.1:8000", ("127.0.0.1", 8000)), ("[::1]:80", ("::1", 80))],
)
def test_addresses(address: str, parts: tuple[str, int]) -> None:
    assert host_and_port(address) == parts


@pytest.mark.parametrize("address", ["8000", "localhost", ":80", "host:http"])
def test_a_wrong_address_names_its_setting(address: str) -> None:
    with pytest.raises(ValueError, match="HEVESY_HTTP"):
        host_and_port(address)


def test_the_file_system_of_a_path_is_that_of_its_longest_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"a / ext4 rw 0 0\nb {tmp_path} nfs4 rw 0 0\nc /proc proc rw 0 0\n")

    assert file_system(tmp_path / "hevesy.sqlite3", mounts) == "nfs4"
    assert file_system(Path("/etc"), mounts) == "ext4"
