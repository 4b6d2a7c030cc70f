"""Message catalogues without gettext's programs: read `.po`, write `.mo`, find the strings that need a translation.

A hospital PC or a fresh machine rarely has `msgfmt`; every page must be Chinese there too.
"""

from __future__ import annotations

import ast
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation.template import templatize

LANGUAGE = "zh_Hans"
HEADER = (
    'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n"Language: zh_Hans\\n"\n'
    '"Plural-Forms: nplurals=1; plural=0;\\n"\n'
)
_CALLS = {
    "_": 0,
    "gettext": 0,
    "gettext_lazy": 0,
    "gettext_noop": 0,
    "ngettext": 1,
    "ngettext_lazy": 1,
    "pgettext": 2,
    "pgettext_lazy": 2,
    "npgettext": 3,
    "npgettext_lazy": 3,
}


class CatalogError(ValueError):
    """A `.po` file that cannot be read; names file and line."""


@dataclass(frozen=True, slots=True)
class Key:
    """What is looked up: context (None without), singular, plural (None without)."""

    text: str
    context: str | None = None
    plural: str | None = None


@dataclass(slots=True)
class Entry:
    """One message with its translations (one for Chinese, which has no plural)."""

    key: Key
    translations: list[str] = field(default_factory=list)
    fuzzy: bool = False

    @property
    def done(self) -> bool:
        """Whether a user would see the translation."""
        return not self.fuzzy and bool(self.translations) and all(self.translations)


def read_po(path: Path) -> list[Entry]:
    """The entries of a `.po` file, its header included (`Key("")`). Obsolete entries (`#~`) are left out."""
    entries: list[Entry] = []
    parts: dict[str, str] = {}
    fuzzy = False
    last = ""

    def finish() -> None:
        nonlocal parts, fuzzy
        if "msgid" in parts:
            key = Key(parts["msgid"], parts.get("msgctxt"), parts.get("msgid_plural"))
            numbered = sorted(name for name in parts if name.startswith("msgstr"))
            entries.append(Entry(key, [parts[name] for name in numbered], fuzzy))
        parts, fuzzy = {}, False

    for number, raw in enumerate(path.read_text("utf-8").splitlines(), 1):
        line = raw.strip()
        if not line:
            finish()
        elif line.startswith("#"):
            if line.startswith("#,") and "fuzzy" in line:
                finish()
                fuzzy = True
        else:
            match = re.fullmatch(
                r'(?:(msgctxt|msgid_plural|msgid|msgstr(?:\[\d+\])?)\s+)?(".*")', line
            )
            if match is None:
                raise CatalogError(f"{path}:{number}: cannot be read: {line}")
            name, quoted = match.groups()
            if name in ("msgctxt", "msgid") and any(key.startswith("msgstr") for key in parts):
                finish()
            last = name or last
            try:
                parts[last] = parts.get(last, "") + str(ast.literal_eval(quoted))
            except (SyntaxError, ValueError) as error:
                raise CatalogError(f"{path}:{number}: wrong quoting: {line}") from error
    finish()
    return entries


def write_mo(entries: list[Entry], path: Path) -> None:
    """Compile entries into the binary form that Python's gettext reads; what is not done is left out."""
    texts: dict[bytes, bytes] = {}
    for entry in entries:
        if entry.done:
            key = entry.key
            name = key.text if key.plural is None else f"{key.text}\0{key.plural}"
            if key.context is not None:
                name = f"{key.context}\x04{name}"
            texts[name.encode()] = "\0".join(entry.translations).encode()
    originals, translations, pool = b"", b"", b""
    start = 28 + 16 * len(texts)
    for original in sorted(texts):
        originals += struct.pack("<II", len(original), start + len(pool))
        pool += original + b"\0"
    for original in sorted(texts):
        translation = texts[original]
        translations += struct.pack("<II", len(translation), start + len(pool))
        pool += translation + b"\0"
    second = 28 + 8 * len(texts)
    header = struct.pack("<7I", 0x950412DE, 0, len(texts), 28, second, 0, 0)
    path.write_bytes(header + originals + translations + pool)


def strings_of(folder: Path) -> dict[Key, str]:
    """Every string of an app that is marked for translation, with the place where it stands first."""
    found: dict[Key, str] = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        if "tests" in inside or "migrations" in inside or path.name == "testing.py":
            continue
        if path.suffix == ".py":
            keys = python_strings(path.read_text("utf-8"))
        elif path.suffix in (".html", ".txt", ".typ") and "templates" in inside:
            keys = template_strings(path.read_text("utf-8"))
        else:
            continue
        for key, line in keys:
            found.setdefault(key, f"{path.relative_to(folder)}:{line}")
    return found


def python_strings(source: str) -> Iterator[tuple[Key, int]]:
    """Marked strings of a Python file and their lines."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
        if name not in _CALLS:
            continue
        texts = []
        for argument in node.args:
            if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
                break
            texts.append(argument.value)
        if (key := _key(name, texts)) is not None:
            yield key, node.lineno


_CALL = re.compile(r"\b(n?p?gettext|_)\(")
_LITERAL = re.compile(r"""\s*,?\s*u?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")


def template_strings(source: str) -> Iterator[tuple[Key, int]]:
    """Marked strings of a template and their lines."""
    code = templatize(source)
    for call in _CALL.finditer(code):
        texts, at = [], call.end()
        while literal := _LITERAL.match(code, at):
            texts.append(str(ast.literal_eval(literal.group(1))))
            at = literal.end()
        if (key := _key(call.group(1), texts)) is not None:
            yield key, code.count("\n", 0, call.start()) + 1


def _key(name: str, texts: list[str]) -> Key | None:
    kind = _CALLS[name]
    try:
        if kind == 0:
            return Key(texts[0]) if texts[0] else None
        if kind == 1:
            return Key(texts[0], None, texts[1])
        if kind == 2:
            return Key(texts[1], texts[0])
        return Key(texts[1], texts[0], texts[2])
    except IndexError:  # a variable: not for us to translate
        return None


def quoted(text: str) -> str:
    """A string as `.po` writes it."""
    escaped = (
        text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t").replace("\n", "\\n")
    )
    return f'"{escaped}"'


def blank_entry(key: Key, place: str) -> str:
    """A `.po` entry that waits for its translation."""
    lines = [f"#: {place}"]
    if key.context is not None:
        lines.append(f"msgctxt {quoted(key.context)}")
    lines.append(f"msgid {quoted(key.text)}")
    if key.plural is not None:
        lines += [f"msgid_plural {quoted(key.plural)}", 'msgstr[0] ""']
    else:
        lines.append('msgstr ""')
    return "\n".join(lines) + "\n"
