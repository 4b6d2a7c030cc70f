"""What tests tell the processes that they start."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from django.db import connection


def url_of_test_database() -> str:
    """Where another process finds the database of this test."""
    entry = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{Path(entry['NAME']).resolve()}"
    login = f"{quote(entry['USER'])}:{quote(entry['PASSWORD'])}"
    return f"postgresql://{login}@:{entry['PORT']}/{entry['NAME']}?host={quote(entry['HOST'])}"
