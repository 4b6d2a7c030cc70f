"""Codes on labels: what was made is read; everything else is refused."""

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from hevesy.foundation.stations import qr

CODES = st.from_regex(r"[A-Z0-9][A-Z0-9._:-]{0,47}", fullmatch=True)


@given(kind=st.sampled_from(sorted(qr.KINDS)), code=CODES)
def test_a_code_that_was_made_is_read(kind, code):
    assert qr.read(qr.make(kind, code)) == qr.ScannedCode(kind, code)


@given(code=CODES, mangle=st.sampled_from(["{} \r\n", "\t{}", "lower", "wide"]))
def test_what_scanners_and_input_methods_do_to_a_code_is_tolerated(code, mangle):
    text = qr.make("E", code)
    if mangle == "lower":
        text = text.lower()
    elif mangle == "wide":
        text = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)
    else:
        text = mangle.format(text)

    assert qr.read(text).code == code


@given(st.text(max_size=60))
def test_garbage_is_refused_with_a_sentence(text):
    with pytest.raises(qr.CodeRefused):
        qr.read(text)


@pytest.mark.parametrize(
    "forge",
    [
        lambda text: text.replace("|E|", "|U|"),
        lambda text: text.replace("0042", "0043"),
        lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"),
        lambda text: text.rpartition("|")[0],
        lambda text: text + "|",
        lambda text: text.rpartition("|")[0] + "|",
        lambda text: text.replace("|E|", "|E|<script>"),
    ],
)
def test_a_forged_code_is_refused(forge):
    with pytest.raises(qr.CodeRefused):
        qr.read(forge(qr.make("E", "EX-0042")))


def test_labels_printed_before_a_change_of_the_secret_key_stay_readable():
    text = qr.make("B", "FDG-1")

    with override_settings(SECRET_KEY="another", SECRET_KEY_FALLBACKS=["a key for tests only"]):
        assert qr.read(text).code == "FDG-1"
    with override_settings(SECRET_KEY="another"), pytest.raises(qr.CodeRefused):
        qr.read(text)


def test_lower_case_or_empty_codes_cannot_be_made():
    for code in ("", "a", "A|B", "A B", "A" * 49):
        with pytest.raises(ValueError, match="label"):
            qr.make("E", code)
