"""One table of `model.toml`, taken apart key by key so that nothing is overlooked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hevesy.imaging.refusal import Refused


class Table:
    """A TOML table; each key is asked for once with its type, and `done` refuses what is left."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self._left = dict(told)

    def has(self, key: str) -> bool:
        """Whether the key is stated and was not asked for yet."""
        return key in self._left

    def text(self, key: str, default: str | None = None) -> str:
        """One line that is not empty."""
        value = self._take(key, default)
        if not isinstance(value, str) or not value.strip() or len(value) > 2000:
            raise bad(key, "a text is needed")
        return value.strip()

    def one_of(self, key: str, choices: Sequence[str]) -> str:
        """One of these words."""
        value = self.text(key)
        if value not in choices:
            raise bad(key, f"{value}: one of {', '.join(choices)}")
        return value

    def number(
        self, key: str, default: float | None = None, *, above: float | None = None
    ) -> float:
        """A finite number, larger than `above` where that is given."""
        value = _number(key, self._take(key, default))
        if above is not None and value <= above:
            raise bad(key, f"{value:g} is not above {above:g}")
        return value

    def whole(self, key: str) -> int:
        """A whole number."""
        value = self._take(key)
        if type(value) is not int:
            raise bad(key, "a whole number is needed")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """true or false."""
        value = self._take(key, default)
        if type(value) is not bool:
            raise bad(key, "true or false is needed")
        return value

    def numbers(self, key: str, count: int) -> tuple[float, ...]:
        """So many finite numbers."""
        return tuple(_number(key, one) for one in self._list(key, count))

    def wholes(self, key: str, count: int) -> tuple[int, ...]:
        """So many whole numbers."""
        values = self._list(key, count)
        if not all(type(one) is int for one in values):
            raise bad(key, "whole numbers are needed")
        return tuple(values)

    def texts(self, key: str, default: Sequence[str] | None = None) -> tuple[str, ...]:
        """A list of texts."""
        values = self._take(key, None if default is None else list(default))
        if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
            raise bad(key, "a list of texts is needed")
        return tuple(values)

    def mapping(self, key: str) -> Mapping[str, Any]:
        """A table of keys that are not known beforehand."""
        value = self._take(key)
        if not isinstance(value, dict):
            raise bad(key, "a table is needed")
        return value

    def tables(self, key: str) -> list[Table]:
        """The tables of an array; an absent array is empty."""
        value = self._left.pop(key, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise bad(key, "an array of tables is needed")
        return [Table(one) for one in value]

    def done(self) -> None:
        """Refuse keys that nobody asked for."""
        if self._left:
            raise Refused(
                "model_key_unknown",
                f"model.toml has a key that this kind of model does not have: {min(self._left)}.",
                f"model.toml 中存在此类模型不支持的键：{min(self._left)}。",
            )

    def _take(self, key: str, default: Any = None) -> Any:
        value = self._left.pop(key, default)
        if value is None:
            raise missing(key)
        return value

    def _list(self, key: str, count: int) -> list[Any]:
        values = self._take(key)
        if not isinstance(values, list) or len(values) != count:
            raise bad(key, f"{count} values are needed")
        return values


def _number(key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise bad(key, "a finite number is needed")
    return float(value)


def bad(key: str, detail: str) -> Refused:
    """The refusal of a value."""
    return Refused(
        "model_value_bad",
        f"model.toml states something impossible for {key}; correct it.",
        f"model.toml 中 {key} 的内容无效，请更正。",
        detail,
    )


def missing(key: str) -> Refused:
    """The refusal of a model that leaves out a key."""
    return Refused(
        "model_key_missing",
        f"model.toml does not state {key}; add it.",
        f"model.toml 缺少 {key}，请补充。",
    )
