"""Tags and filters of the page kit. They are built in: no template needs to load them."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from django import template
from django.db import models
from django.template import Context, Node
from django.template.base import Parser, Token
from django.template.loader_tags import BLOCK_CONTEXT_KEY
from django.templatetags.static import static
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import conditional_escape, format_html, strip_tags
from django.utils.safestring import SafeData, SafeString, mark_safe
from django.utils.translation import gettext as _

from hevesy.foundation.ui import slots
from hevesy.foundation.ui.drawings import (
    Chart,
    Timeline,
    Tree,
    draw_chart,
    draw_timeline,
    draw_tree,
)

register = template.Library()


@register.simple_tag
def icon(name: str, klass: str = "") -> SafeString:
    """The outline icon `name` of the sprite, hidden from screen readers: a word always stands beside it."""
    return format_html(
        '<svg class="hv-i{}" aria-hidden="true" focusable="false"><use href="{}#tabler-{}"/></svg>',
        f" {klass}" if klass else "",
        static("vendor/tabler-icons.svg"),
        name,
    )


@register.simple_tag
def attributes(attrs: Any) -> SafeString:
    """The attributes that a component passes on, each value escaped.

    Cotton's own `{{ attrs }}` prints a value that came through `:name="…"` as it is; one that holds quotes would end
    the attribute.
    """
    parts = []
    for name, value in attrs.attrs_dict().items():
        if value is True:
            parts.append(format_html("{}", name))
        elif value is not None and value is not False:
            safe = str(value).replace('"', "&quot;") if isinstance(value, SafeData) else value
            parts.append(format_html('{}="{}"', name, mark_safe(safe) if safe != value else safe))
    return SafeString(" ".join(parts))


@register.simple_tag
def field_with(field: Any) -> SafeString:
    """A bound field's control, tied to its help and marked when it is wrong."""
    attributes = {"autocomplete": field.field.widget.attrs.get("autocomplete", "off")}
    if field.errors or field.help_text:
        attributes["aria-describedby"] = f"{field.id_for_label}_h"
    if field.errors:
        attributes["aria-invalid"] = "true"
    return SafeString(field.as_widget(attrs=attributes))


@register.simple_tag(takes_context=True)
def slot_fill(
    context: Context, slot: str, subject: Any = None, place: str | None = None
) -> SafeString:
    """Everything that other apps put into `slot` for `subject`; see `hevesy.foundation.ui.slots`."""
    return slots.render(slot, context["request"], subject, place=place)


class RepeatedBlock(Node):
    """A block's text once more, without tags: the page's title in the window's title."""

    def __init__(self, name: str) -> None:
        self.name = name

    def render(self, context: Context) -> SafeString:
        blocks = context.render_context.get(BLOCK_CONTEXT_KEY)
        block = blocks.get_block(self.name) if blocks else None
        if block is None:
            return mark_safe("")
        with context.push():
            text = block.nodelist.render(context)
        return mark_safe(" ".join(strip_tags(text).split()))


@register.tag
def block_text(parser: Parser, token: Token) -> RepeatedBlock:
    """`{% block_text title %}`: the text of the block `title`."""
    return RepeatedBlock(token.split_contents()[1])


@register.simple_tag
def draw(drawing: Tree | Timeline | Chart) -> SafeString:
    """A tree, a timeline or a chart (`hevesy.foundation.ui.drawings`) as SVG."""
    if isinstance(drawing, Tree):
        return draw_tree(drawing)
    if isinstance(drawing, Timeline):
        return draw_timeline(drawing)
    return draw_chart(drawing)


@register.filter
def gap(number: Any, digits: int | None = None) -> str:
    """A number with thin gaps between thousands (10 400) and, if asked, a fixed number of decimals."""
    if number is None or number == "":
        return "—"
    text = f"{float(number):,.{digits}f}" if digits is not None else f"{number:,}"
    return text.replace(",", "\u2009")


_MASS_FIRST = re.compile(r"(?<![\w*-])(\d{1,3}m?)([A-Z][a-z]?)(?=-|\b)")
_ELEMENT_FIRST = re.compile(r"(?<![\w-])([A-Z][a-z]?)-(\d{1,3}m?)(?: |(?=$|[^\w.-]))")


@register.filter
def nuclides(text: Any) -> SafeString:
    """`18F-FDG` and `F-18 FDG` as they are printed: the mass number raised, `<sup>18</sup>F-FDG`."""
    escaped = str(conditional_escape(text or ""))
    escaped = _MASS_FIRST.sub(r"<sup>\1</sup>\2", escaped)

    def turned(match: re.Match[str]) -> str:
        joined = "-" if match.group(0).endswith(" ") else ""
        return f"<sup>{match.group(2)}</sup>{match.group(1)}{joined}"

    return mark_safe(_ELEMENT_FIRST.sub(turned, escaped))


_DOUBLE_SURNAMES = (
    "欧阳司马上官诸葛司徒东方皇甫尉迟公孙慕容令狐宇文长孙夏侯轩辕端木百里呼延南宫独孤申屠太史钟离闻人赫连澹台"
    "公冶宗政濮阳淳于单于太叔拓跋"
)
_TWO_CHARACTERS = {_DOUBLE_SURNAMES[at : at + 2] for at in range(0, len(_DOUBLE_SURNAMES), 2)}


@register.filter
def masked(name: Any) -> str:
    """A name where patients can see it: the middle hidden (陈*国, 周*, 欧阳*, 欧阳*华, J*** S***)."""
    text = str(name or "").strip()
    if not text:
        return ""
    if text[0].isascii():
        return " ".join(f"{word[0]}***" for word in text.split())
    surname = 2 if text[:2] in _TWO_CHARACTERS else 1
    given = text[surname:]
    if not given:
        return text[:1] + "*"
    if len(given) == 1:
        return text[:surname] + "*"
    return text[:surname] + "*" * (len(given) - 1) + given[-1]


@register.filter
def initial(name: Any) -> str:
    """The character in a person's avatar."""
    return str(name or "?")[:1]


@register.filter
def as_json(value: Any) -> str:
    """A value as JSON for a data attribute."""

    def plain(thing: Any) -> Any:
        if isinstance(thing, models.Model):
            return thing.pk
        if isinstance(thing, (datetime, Promise)):
            return str(thing)
        raise TypeError(type(thing).__name__)

    return json.dumps(value, ensure_ascii=False, default=plain)


@register.simple_tag
def greeting(at: datetime) -> str:
    """Good morning, afternoon or evening at the site's time."""
    hour = timezone.localtime(at).hour
    if 5 <= hour < 12:
        return _("Good morning")
    if 12 <= hour < 18:
        return _("Good afternoon")
    return _("Good evening")


@register.filter
def day_words(at: datetime) -> str:
    """A day as people here say it: 11月24日 周二, 24 Nov Tue."""
    local = timezone.localtime(at)
    weekdays = [
        _("Mon"),
        _("Tue"),
        _("Wed"),
        _("Thu"),
        _("Fri"),
        _("Sat"),
        _("Sun"),
    ]
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    return _("{day} {month_name} {weekday}").format(
        day=local.day,
        month=local.month,
        month_name=months[local.month - 1],
        weekday=weekdays[local.weekday()],
    )
