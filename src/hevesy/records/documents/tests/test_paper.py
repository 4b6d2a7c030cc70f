"""Paper says what it should, its codes can be read again, and a name cannot become markup."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
import zxingcpp

from hevesy.foundation.accounts.actors import Actor, PermissionRefused
from hevesy.foundation.files.queries import open_file
from hevesy.foundation.stations import qr
from hevesy.records.documents import typesetting
from hevesy.records.documents.actions import appointment_slip, exam_label, print_again
from hevesy.records.documents.models import Document
from hevesy.records.documents.typesetting import typeset
from hevesy.records.exams.models import Exam


def pages_of(document: Document) -> pypdfium2.PdfDocument:
    with open_file(document.file) as stream:
        return pypdfium2.PdfDocument(io.BytesIO(stream.read()))


def codes_on(pdf: pypdfium2.PdfDocument, scale: float = 6.0) -> dict[str, str]:
    image = pdf[0].render(scale=scale).to_pil()
    return {str(code.format): code.text for code in zxingcpp.read_barcodes(image)}


@pytest.fixture
def the_desk_prints(actor_with: Any) -> Actor:
    return actor_with("documents.print")


@pytest.mark.clause("2.3")
def test_the_slip_says_who_when_where_and_what_to_do_before(
    an_exam: Exam, the_desk_prints: Actor
) -> None:
    pdf = pages_of(appointment_slip(the_desk_prints, an_exam))

    text = pdf[0].get_textpage().get_text_range()
    assert len(pdf) == 1
    assert an_exam.patient.name_zh in text and an_exam.number in text
    # Injection is due at 09:00, and the patient is asked to come half an hour before.
    assert "08:30" in text and "09:00" in text and "10:00" in text
    assert an_exam.item.preparation_zh[:4] in text


@pytest.mark.clause("2.4")
def test_the_codes_on_slip_and_label_lead_back_to_the_exam(
    an_exam: Exam, the_desk_prints: Actor
) -> None:
    slip = codes_on(pages_of(appointment_slip(the_desk_prints, an_exam)))
    label = codes_on(pages_of(exam_label(the_desk_prints, an_exam)))

    for codes in (slip, label):
        scanned = next(qr.read(text) for text in codes.values() if text.startswith("NM1"))
        assert (scanned.kind, scanned.code) == ("E", an_exam.code)
    assert an_exam.number in label.values()


def test_a_second_copy_counts_and_the_same_bytes_can_be_printed_again(
    an_exam: Exam, the_desk_prints: Actor
) -> None:
    first = appointment_slip(the_desk_prints, an_exam)
    second = appointment_slip(the_desk_prints, an_exam)

    assert first.file.sha256 != second.file.sha256
    assert print_again(the_desk_prints, first).print_count == 2


def test_nobody_prints_without_the_right(an_exam: Exam, actor_with: Any) -> None:
    with pytest.raises(PermissionRefused):
        appointment_slip(actor_with("exams.view"), an_exam)


def test_a_name_full_of_markup_is_printed_as_it_is_written(
    an_exam: Exam, the_desk_prints: Actor
) -> None:
    an_exam.patient.name_zh = "#image(x)*王*$1$"

    text = pages_of(exam_label(the_desk_prints, an_exam))[0].get_textpage().get_text_range()

    assert "#image(x)*王*$1$" in text


def test_rare_characters_are_in_the_face(an_exam: Exam, the_desk_prints: Actor) -> None:
    an_exam.patient.name_zh = "𠮷䶮骉"

    pdf = pages_of(exam_label(the_desk_prints, an_exam))

    assert "𠮷䶮骉" in pdf[0].get_textpage().get_text_range()


def test_a_template_reads_nothing_outside_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sly.typ").write_text('#read("/etc/passwd")')
    monkeypatch.setattr(typesetting, "TEMPLATES", tmp_path)

    with pytest.raises(Exception, match="file not found"):
        typeset("sly", {})
