"""CSV that a spreadsheet opens as text: no cell becomes a formula, Chinese stays readable."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from django.http import StreamingHttpResponse
from django.utils import timezone

from hevesy.foundation.files.responses import content_disposition

FORMULA_STARTS = "=+-@\t\r\n＝＋－＠"
BYTE_ORDER_MARK = "\ufeff"
"""Without it Excel on a Chinese Windows reads UTF-8 as GBK."""


def safe_cell(value: object) -> str:
    """`value` as text that no spreadsheet runs: what could start a formula gets an apostrophe in front (OWASP).

    Numbers stay numbers, also negative ones; times are in the site's zone.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, datetime):
        return timezone.localtime(value).strftime("%Y-%m-%d %H:%M:%S")
    text = str(value)
    return f"'{text}" if _could_run(text) else text


def _could_run(text: str) -> bool:
    first = text.lstrip(" \u3000")[:1]
    return bool(first) and first in FORMULA_STARTS


def original_cell(text: str) -> str:
    """What `safe_cell` was given, from what it gave: for reading an export back."""
    return text[1:] if text[:1] == "'" and _could_run(text[1:]) else text


def csv_lines(heads: Sequence[object], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The file line by line, so that a large export never lies in memory whole."""
    line = io.StringIO()
    writer = csv.writer(line)
    yield BYTE_ORDER_MARK
    writer.writerow([safe_cell(cell) for cell in heads])
    yield line.getvalue()
    for row in rows:
        line.seek(0)
        line.truncate()
        writer.writerow([safe_cell(cell) for cell in row])
        yield line.getvalue()


def csv_response(
    name: str, heads: Sequence[object], rows: Iterable[Sequence[object]]
) -> StreamingHttpResponse:
    """A download called `name` (with .csv)."""
    response = StreamingHttpResponse(csv_lines(heads, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = content_disposition(name, inline=False)
    return response
