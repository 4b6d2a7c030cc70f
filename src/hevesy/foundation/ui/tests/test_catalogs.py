"""Translations without gettext's programs: read as msgfmt reads, written so that Python's gettext finds everything."""

from __future__ import annotations

import gettext
import shutil
import subprocess
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from hevesy.foundation.ui.catalogs import (
    CatalogError,
    Key,
    python_strings,
    read_po,
    template_strings,
    write_mo,
)

PO = r"""msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"
"Plural-Forms: nplurals=1; plural=0;\n"

#: views.py:3
msgid "Save"
msgstr "保存"

msgid ""
"Two "
"lines\n"
msgstr ""
"两"
"行\n"

msgctxt "a drug"
msgid "Release"
msgstr "放行"

msgid "%(n)s row"
msgid_plural "%(n)s rows"
msgstr[0] "%(n)s 条"

#, fuzzy
msgid "Maybe"
msgstr "也许"

msgid "Not yet"
msgstr ""

#~ msgid "Gone"
#~ msgstr "没了"
"""


@pytest.fixture
def po(tmp_path: Path) -> Path:
    path = tmp_path / "django.po"
    path.write_text(PO, "utf-8")
    return path


def test_what_is_written_is_what_gettext_reads(po: Path) -> None:
    write_mo(read_po(po), po.with_suffix(".mo"))

    with po.with_suffix(".mo").open("rb") as file:
        said = gettext.GNUTranslations(file)
    assert said.gettext("Save") == "保存"
    assert said.gettext("Two lines\n") == "两行\n"
    assert said.pgettext("a drug", "Release") == "放行"
    assert said.gettext("Release") == "Release"
    assert said.ngettext("%(n)s row", "%(n)s rows", 1) == "%(n)s 条"
    assert said.ngettext("%(n)s row", "%(n)s rows", 5) == "%(n)s 条"
    assert said.gettext("Maybe") == "Maybe"
    assert said.gettext("Not yet") == "Not yet"


@pytest.mark.peer
def test_msgfmt_compiles_the_same(po: Path) -> None:
    if shutil.which("msgfmt") is None:
        pytest.skip("msgfmt is not installed")
    write_mo(read_po(po), po.with_name("ours.mo"))
    subprocess.run(["msgfmt", "-o", po.with_name("theirs.mo"), po], check=True)

    def catalog(name: str) -> dict[object, str]:
        with po.with_name(name).open("rb") as file:
            return dict(gettext.GNUTranslations(file)._catalog)  # type: ignore[attr-defined]

    assert catalog("ours.mo") == catalog("theirs.mo")


def test_a_broken_file_is_refused_with_its_line(po: Path) -> None:
    po.write_text(PO.replace('msgstr "保存"', 'msgstr "保存'), "utf-8")

    with pytest.raises(CatalogError, match=r"django\.po:8"):
        read_po(po)


def test_strings_of_python_are_found_with_context_and_plural() -> None:
    source = """
from django.utils.translation import gettext as _, ngettext, pgettext_lazy
_("Save"), _("Two "
  "parts"), ngettext("one", "many", 3), pgettext_lazy("a drug", "Release"), _(variable), other("no")
"""
    assert {key for key, _line in python_strings(source)} == {
        Key("Save"),
        Key("Two parts"),
        Key("one", None, "many"),
        Key("Release", "a drug"),
    }


def test_strings_of_templates_are_found_inside_component_attributes_too() -> None:
    source = """<c-ui.card title="{% translate 'Patients' %}">
{% blocktranslate count n=rows trimmed %}
  {{ n }} row
{% plural %}{{ n }} rows{% endblocktranslate %}{% translate "Release" context "a drug" %}{{ x|default:_("none") }}"""

    assert {key for key, _line in template_strings(source)} == {
        Key("Patients"),
        Key("%(n)s row", None, "%(n)s rows"),
        Key("Release", "a drug"),
        Key("none"),
    }


def test_the_page_kit_is_translated_wholly() -> None:
    call_command("messages", "ui", check=True, verbosity=0)


def test_the_check_names_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "views.py").write_text('_("Say it in Chinese")')
    monkeypatch.setattr(apps.get_app_config("jobs"), "path", str(tmp_path))

    with pytest.raises(CommandError, match="1 fault"):
        call_command("messages", "jobs", check=True)
    assert "views.py:1: no translation: 'Say it in Chinese'" in capsys.readouterr().err

    call_command("messages", "jobs", collect=True)
    collected = tmp_path / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
    assert [entry.key.text for entry in read_po(collected)] == ["", "Say it in Chinese"]
