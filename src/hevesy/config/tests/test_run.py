"""The whole system as a person starts it: one command, and one signal to end it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def answer(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()
    except OSError:
        return 0, b""


def test_one_command_starts_everything_and_sigterm_ends_it(tmp_path: Path) -> None:
    ports = [free_port() for _listener in range(3)]
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("HEVESY_")},
        "DJANGO_SETTINGS_MODULE": "hevesy.config.settings.base",
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "HEVESY_HOME": str(tmp_path / "home"),
        "HEVESY_HTTP": f"127.0.0.1:{ports[0]}",
        "HEVESY_DICOM": f"127.0.0.1:{ports[1]}",
        "HEVESY_HL7": f"127.0.0.1:{ports[2]}",
        "HEVESY_WORKERS": "1",
    }
    log = (tmp_path / "log").open("wb")
    hevesy = subprocess.Popen(
        [sys.executable, "-m", "hevesy", "run"], env=environment, stdout=log, stderr=log
    )
    try:
        url = f"http://127.0.0.1:{ports[0]}/healthz"
        status: dict[str, str] = {}
        end = time.monotonic() + 120
        while status.get("status") != "ok" and time.monotonic() < end:
            assert hevesy.poll() is None, (tmp_path / "log").read_text()
            status = json.loads(answer(url)[1] or b"{}")
            time.sleep(0.2)
        assert status == {
            "status": "ok",
            "database": "ok",
            "storage": "ok",
            "jobs": "ok",
            "clock": "ok",
        }

        hevesy.send_signal(signal.SIGTERM)

        assert hevesy.wait(40) == 0
        assert answer(url)[0] == 0
    finally:
        if hevesy.poll() is None:
            hevesy.kill()
            hevesy.wait()
        log.close()
    said = (tmp_path / "log").read_text()
    assert f"http://127.0.0.1:{ports[0]}/" in said
    assert (tmp_path / "home").stat().st_mode & 0o077 == 0


def test_the_web_server_does_not_start_open_to_others_without_an_administrator(
    tmp_path: Path,
) -> None:
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("HEVESY_")},
        "DJANGO_SETTINGS_MODULE": "hevesy.config.settings.base",
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "HEVESY_HOME": str(tmp_path / "home"),
        "HEVESY_HTTP": f"0.0.0.0:{free_port()}",
    }
    subprocess.run([sys.executable, "-m", "hevesy", "migrate", "-v0"], env=environment, check=True)

    web = subprocess.run(
        [sys.executable, "-m", "hevesy", "web"],
        env=environment,
        capture_output=True,
        timeout=60,
    )

    assert web.returncode == 78
    assert "hevesy appoint" in web.stderr.decode()
