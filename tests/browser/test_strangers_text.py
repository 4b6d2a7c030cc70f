"""Whatever stands in a text that somebody typed or sent: on every page it is text, and never an element (D12).

Every free text of the database is replaced by one that would close a tag, an attribute or a script and open an element
of its own; then every page is opened in Chromium.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, models, transaction

from hevesy.foundation.ui.testing import PC, served
from tests.browser.visits import Visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

TEXT = "'\"></script><x-s>"
SHORT = "'\"><x-s>"
NO_FREE_TEXT = re.compile(
    # What a program writes and looks up again by: names of rows, of states, of files and of keys.
    r".*(code|number|uid|state|kind|key|hash|token|sha256|path|name_of|prefix|version|move|topic|unit)"
    r"|password|username|channel|ae_title|character_set|language|formula|colour|zone|letters|accession.*|modality.*"
)
FEWEST_FIELDS = 60
FEWEST_PAGES = 25
"""So many pages at least show such a text; fewer means that nothing was put in."""


def free_texts() -> Iterator[tuple[type[models.Model], list[models.Field[Any, Any]]]]:
    """The fields of our own tables that hold what a person typed or a machine sent."""
    for model in apps.get_models():
        if not model.__module__.startswith("hevesy.") or model._meta.app_label == "audit":
            continue
        fields = [field for field in model._meta.concrete_fields if _is_free(field)]
        if fields:
            yield model, fields


def _is_free(field: models.Field[Any, Any]) -> bool:
    if isinstance(field, models.JSONField):
        return True
    if type(field) not in (models.CharField, models.TextField):
        return False
    fixed = field.choices or field.unique or field.primary_key
    room = field.max_length is None or field.max_length >= len(SHORT)
    return bool(not fixed and room and not NO_FREE_TEXT.fullmatch(field.name))


def _replaced(value: Any) -> Any:
    """The same structure with every Chinese text in it, which a program looks nothing up by, replaced."""
    if isinstance(value, dict):
        return {key: _replaced(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_replaced(one) for one in value]
    if isinstance(value, str) and re.search("[\u4e00-\u9fff]", value):
        return TEXT
    return value


def put_in() -> int:
    """Replace all free texts; how many there were."""
    touched = 0
    for model, fields in free_texts():
        for field in fields:
            for pk, value in model._default_manager.values_list("pk", field.name):
                if isinstance(field, models.JSONField):
                    new = _replaced(value)
                else:
                    new = TEXT if (field.max_length or len(TEXT)) >= len(TEXT) else SHORT
                if value is not None and new != value:
                    touched += _write(model, pk, field.name, new)
    return touched


def _write(model: type[models.Model], pk: Any, name: str, value: Any) -> bool:
    """Past every action; a table to which rows are only added keeps its own."""
    try:
        with transaction.atomic():
            model._default_manager.filter(pk=pk).update(**{name: value})
    except DatabaseError as refused:
        if "append-only" not in str(refused):
            raise
        return False
    return True


def test_no_text_becomes_an_element_of_any_page(
    visits: list[Visit], browser: Browser, subtests: pytest.Subtests
) -> None:
    assert put_in() >= FEWEST_FIELDS
    shown = 0
    with served() as site:
        context = browser.new_context(viewport={"width": PC[0], "height": PC[1]}, locale="zh-CN")
        page = context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        for visit in visits:
            with subtests.test(visit.name, url=visit.url, who=visit.who.name):
                context.clear_cookies()
                cookies = visit.who.cookies | {settings.LANGUAGE_COOKIE_NAME: "zh-hans"}
                context.add_cookies(
                    [{"name": key, "value": text, "url": site} for key, text in cookies.items()]
                )
                faults.clear()
                answer = page.goto(site + visit.url, wait_until="load")

                assert answer is not None and answer.status == 200
                assert page.locator("x-s").count() == 0, page.locator("x-s").first.evaluate(
                    "element => element.parentElement.outerHTML"
                )
                assert not faults
                shown += "<x-s>" in page.locator("body").inner_text()
        context.close()
    assert shown >= FEWEST_PAGES
