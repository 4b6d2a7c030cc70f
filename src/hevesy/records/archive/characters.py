"""Text of DICOM headers, also where the character set is missing or wrong. The stored bytes are never touched.

Chinese devices write GBK bytes and declare ISO_IR 100 or nothing (dicomParser #89, OHIF #2716); read as Latin-1 a
name becomes "ÕÅ^Èý". The index repairs it, so that a search for 张三 finds him.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence

from pydicom.charset import convert_encodings, decode_bytes

_CHINESE_TERMS = frozenset(
    ("GB18030", "GBK", "GB2312", "ISO 2022 IR 58", "ISO 2022 GBK", "ISO_IR 58")
)
_UNTRUSTED_TERMS = frozenset(("", "ISO_IR 6", "ISO 2022 IR 6", "ISO_IR 100", "ISO 2022 IR 100"))
_GB2312_ESCAPE = b"\x1b$)A"
_DELIMITERS = frozenset("\\^=\r\n\t\f")
_WORDS = re.compile(rb"[^\^=\\ \t\r\n]+")


def decode(raw: bytes, terms: Sequence[str]) -> tuple[str, bool]:
    """The text of `raw` under the Specific Character Set `terms` (0008,0005), and whether it had to be repaired."""
    if raw.isascii() and b"\x1b" not in raw:
        return raw.decode("ascii"), False
    named = [term.strip().upper().replace("_IR_", "_IR ") for term in terms] or [""]
    if "ISO_IR 192" in named:
        try:
            return raw.decode("utf-8"), False
        except UnicodeDecodeError:
            return _repaired(raw) or raw.decode("utf-8", "replace"), True
    if _CHINESE_TERMS.intersection(named) or _GB2312_ESCAPE in raw:
        # GB 18030 reads everything that GBK and GB 2312 write; the escape only announces it.
        plain = raw.replace(_GB2312_ESCAPE, b"")
        try:
            return plain.decode("gb18030"), False
        except UnicodeDecodeError:
            return _repaired(plain) or plain.decode("gb18030", "replace"), True
    if _UNTRUSTED_TERMS.issuperset(named) and (repaired := _repaired(raw)):
        return repaired, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            encodings = convert_encodings([term.strip() for term in terms] or [""])
            return decode_bytes(raw, encodings, set(_DELIMITERS)), False
    except Exception:  # pydicom meets terms nobody defined: any reading is better than none
        return raw.decode("latin-1"), True


def _repaired(raw: bytes) -> str:
    """`raw` read as UTF-8 or GB 18030 if it plainly is that; an empty string if it may be Latin-1."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        text = raw.decode("gb18030")
    except UnicodeDecodeError:
        return ""
    foreign = [character for character in text if not character.isascii()]
    if not all(_is_chinese(character) for character in foreign):
        return ""
    # "Müller" is also valid GB 18030. Chinese words are whole pairs of high bytes, most of them in GB 2312;
    # an accented letter of Latin-1 stands between ordinary letters.
    common = 0
    for character in foreign:
        pair = character.encode("gb18030")
        common += len(pair) == 2 and pair[0] >= 0xA1 and pair[1] >= 0xA1
    if 2 * common <= len(foreign):
        return ""
    for word in _WORDS.findall(raw):
        if not word.isascii() and re.search(rb"[a-z][\x80-\xff]|[\x80-\xff][a-z]", word):
            return ""
    return text


def _is_chinese(character: str) -> bool:
    code = ord(character)
    return (
        0x3400 <= code <= 0x9FFF
        or 0x20000 <= code <= 0x323AF
        or 0x3000 <= code <= 0x303F  # punctuation such as 《》
        or 0xFF00 <= code <= 0xFFEF
        or code == 0xB7  # the dot in names: 买买提·吐尔逊
    )


def printable(text: str, limit: int) -> str:
    """`text` without padding and control characters (PostgreSQL refuses NUL), at most `limit` characters."""
    return "".join(character for character in text if character.isprintable()).strip()[:limit]
