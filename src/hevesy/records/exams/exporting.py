"""Lists as CSV for spreadsheets: nothing in a cell is ever taken for a formula (clause 2.5, defence D15)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")
BOM = "\ufeff"


def safe_cell(value: object) -> str:
    """Text that a spreadsheet shows as it is: what could begin a formula gets an apostrophe in front."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text


def csv_lines(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The lines of a CSV file in UTF-8 with the mark that lets Excel read Chinese."""
    yield BOM + _line(heads)
    for row in rows:
        yield _line([safe_cell(value) for value in row])


def _line(cells: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_MINIMAL).writerow(cells)
    return buffer.getvalue()
