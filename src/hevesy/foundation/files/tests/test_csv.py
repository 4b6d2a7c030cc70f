"""D15: an export is text in every spreadsheet, and reads back as it was."""

from __future__ import annotations

import pytest

from hevesy.foundation.files.csv_export import csv_lines, original_cell, safe_cell


@pytest.mark.parametrize(
    "text",
    ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\t=1", "＝1", " =1", "\u3000=1", "\r=1", "＋1"],
)
def test_what_could_start_a_formula_is_quoted_and_reads_back(text: str) -> None:
    assert safe_cell(text) == f"'{text}"
    assert original_cell(safe_cell(text)) == text


@pytest.mark.parametrize("text", ["张三", "P-001", "", "'quoted", "O'Neill", "1=1"])
def test_everything_else_is_left_alone(text: str) -> None:
    assert safe_cell(text) == text
    assert original_cell(text) == text


@pytest.mark.parametrize(("value", "cell"), [(-1.5, "-1.5"), (3, "3"), (None, ""), (True, "True")])
def test_numbers_stay_numbers(value: object, cell: str) -> None:
    assert safe_cell(value) == cell


def test_the_file_begins_with_a_byte_order_mark_and_quotes_what_must_be() -> None:
    assert "".join(csv_lines(["a", "b"], [["1,2", "x\ny"]])) == '\ufeffa,b\r\n"1,2","x\ny"\r\n'
