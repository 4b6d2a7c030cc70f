"""Workers as processes of their own, on the database of the test."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings

from hevesy.foundation.jobs.testing import url_of_test_database

StartWorker = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start_worker() -> Iterator[StartWorker]:
    started: list[subprocess.Popen[bytes]] = []

    def start(*words: str) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "hevesy.config.settings.base",
            "HEVESY_DATABASE_URL": url_of_test_database(),
            "HEVESY_HOME": str(settings.HOME),
            "PYTHONPATH": str(Path(__file__).parents[4]),
        }
        command = [sys.executable, "-m", "hevesy", "worker", *words]
        started.append(subprocess.Popen(command, env=environment))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()
