"""One exception for what a computation cannot answer honestly: a stable key and two sentences."""

from __future__ import annotations

from typing import Self


class Refused(ValueError):
    """A computation that was refused instead of guessed.

    key: stable name for programs. text_en, text_zh: one sentence that a physicist understands and
    that says what to do. detail: numbers for the log, free of patient data.
    """

    def __init__(self, key: str, text_en: str, text_zh: str, detail: str = "") -> None:
        self.key, self.text_en, self.text_zh, self.detail = key, text_en, text_zh, detail
        super().__init__(f"{key}: {text_en}" + (f" ({detail})" if detail else ""))

    def __reduce__(self) -> tuple[type[Self], tuple[str, str, str, str]]:
        return type(self), (self.key, self.text_en, self.text_zh, self.detail)
