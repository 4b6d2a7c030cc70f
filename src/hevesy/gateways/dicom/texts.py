"""What a device can read: every device has a character set of its own, and some read only ASCII."""

from __future__ import annotations

from typing import Final

from pydicom.charset import convert_encodings, encode_string
from pydicom.dataset import Dataset
from pypinyin import lazy_pinyin

from hevesy.records.patients.pinyin import latin_name

_ASCII_ONLY: Final = frozenset(("", "ISO_IR 6", "ASCII"))
_UTF_8: Final = "ISO_IR 192"


class Speaker:
    """Puts texts into a Specific Character Set (0008,0005): `GB18030`, `ISO_IR 192`, or none (pinyin)."""

    def __init__(self, character_set: str) -> None:
        self.character_set = character_set.strip()
        self.ascii_only = self.character_set in _ASCII_ONLY
        self._encodings = [] if self.ascii_only else convert_encodings([self.character_set])

    def can_say(self, text: str) -> bool:
        """Whether the device's character set has every character of `text`."""
        if text.isascii():
            return True
        if self.ascii_only:
            return False
        if self.character_set in (_UTF_8, "GB18030"):
            return True
        try:
            return bool(encode_string(text, self._encodings).decode(self._encodings[-1]) == text)
        except (UnicodeError, LookupError):
            return False

    def text(self, text: str, limit: int) -> str:
        """A text; in pinyin where the device cannot read Chinese."""
        return _clean(text if self.can_say(text) else pinyin(text))[:limit]

    def either(self, chinese: str, english: str, limit: int) -> str:
        """The Chinese name of something, the English one where the device cannot read Chinese."""
        return _clean(chinese if self.can_say(chinese) or not english else english)[:limit]

    def person(self, latin: str, chinese: str) -> str:
        """A person name: alphabetic group, and the ideographic one where the device can read it (PS3.5 §6.2.1)."""
        chinese = _clean(chinese)
        latin = _clean(latin or (latin_name(chinese) if chinese else ""), keep="^")[:64]
        if not latin.isascii():
            latin = pinyin(latin)
        if not chinese or chinese.isascii() or not self.can_say(chinese):
            return latin
        return f"{latin}={chinese}"[:200]

    def stored_name(self, name: str) -> str:
        """A name as a header holds it, with the groups that the device can read; in pinyin if it can read none."""
        groups = name.split("=")
        if self.can_say(name):
            return name
        kept = [group if self.can_say(group) else "" for group in groups]
        if not any(kept):
            kept = [pinyin(next(filter(None, groups), ""))]
        return "=".join(kept).rstrip("=")

    def encodable(self, answer: Dataset) -> Dataset:
        """The answer with its Specific Character Set."""
        if not self.ascii_only:
            answer.SpecificCharacterSet = self.character_set
        return answer


def _clean(text: str, keep: str = "") -> str:
    """Without the characters that separate values and name components."""
    return "".join(
        " " if letter in "\\^=" and letter not in keep else letter
        for letter in text
        if letter.isprintable()
    ).strip()


def pinyin(text: str) -> str:
    """Chinese in pinyin, other letters as they are, ASCII only."""
    spelled = " ".join(lazy_pinyin(text)).encode("ascii", "ignore").decode("ascii")
    return " ".join(spelled.split())
