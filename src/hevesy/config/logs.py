"""Logs that name no patient, and that a fault cannot flood."""

from __future__ import annotations

import json
import logging
import threading
import time
from typing import Any


def configuration(level: str, form: str) -> dict[str, Any]:
    """Django's LOGGING: one stream to standard error, as `plain` lines or `json` objects."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "plain": {"()": "hevesy.config.logs.PlainFormatter"},
            "json": {"()": "hevesy.config.logs.JsonFormatter"},
        },
        "filters": {"flood": {"()": "hevesy.config.logs.FloodFilter"}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": form,
                "filters": ["flood"],
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Django's own handlers mail and print; ours are enough.
            "django": {"handlers": [], "level": level, "propagate": True},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
            "uvicorn": {"handlers": [], "level": "WARNING", "propagate": True},
            # uvicorn's access log has the address with its search words.
            "uvicorn.access": {"handlers": [], "level": "CRITICAL", "propagate": False},
            "django_tasks": {"level": "WARNING"},
            "pynetdicom": {"level": "WARNING"},
            "axes": {"level": "WARNING"},
            "fontTools": {"level": "WARNING"},
        },
    }


def without_values(text: str) -> str:
    """A traceback without PostgreSQL's DETAIL lines, which quote the row: `Key (name)=(…) already exists`."""
    return "\n".join(
        line for line in text.splitlines() if not line.lstrip().startswith(("DETAIL:", "CONTEXT:"))
    )


class PlainFormatter(logging.Formatter):
    """`2026-11-03 08:15:02 INFO hevesy.jobs message`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s", "%Y-%m-%d %H:%M:%S")

    def formatException(self, ei: Any) -> str:  # noqa: N802
        return without_values(super().formatException(ei))


class JsonFormatter(PlainFormatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class FloodFilter(logging.Filter):
    """At most `most` lines of one message in `seconds`; the next line afterwards says how many were left out."""

    def __init__(self, most: int = 50, seconds: float = 10) -> None:
        super().__init__()
        self.most, self.seconds = most, seconds
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == "hevesy.requests":
            return True
        key = (record.name, str(record.msg))
        now = time.monotonic()
        with self._lock:
            since, count = self._seen.get(key, (now, 0))
            if now - since > self.seconds:
                if count > self.most:
                    record.msg = f"{record.msg} ({count - self.most} like it left out)"
                since, count = now, 0
            self._seen[key] = (since, count + 1)
            if len(self._seen) > 1000:
                self._seen.clear()
        return count < self.most
