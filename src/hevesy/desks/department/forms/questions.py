"""The questions of an interview template (clause 5.2)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hevesy.records.exams.presenting import MARKS
from hevesy.records.exams.questions import TYPES

TYPE_WORDS = {
    "section": gettext_lazy("heading"),
    "text": gettext_lazy("short text"),
    "note": gettext_lazy("long text"),
    "number": gettext_lazy("number"),
    "choice": gettext_lazy("one of several"),
    "choices": gettext_lazy("some of several"),
    "bool": gettext_lazy("yes or no"),
    "date": gettext_lazy("date"),
    "time": gettext_lazy("time of day"),
}
assert set(TYPE_WORDS) == set(TYPES)


class QuestionForm(forms.Form):
    """One question. Options: one a line, `value|中文|English`."""

    key = forms.SlugField(label=gettext_lazy("Key"), max_length=40, required=False)
    type = forms.ChoiceField(label=gettext_lazy("Type"), choices=list(TYPE_WORDS.items()))
    label_zh = forms.CharField(label=gettext_lazy("Question in Chinese"), max_length=120)
    label_en = forms.CharField(label=gettext_lazy("Question in English"), max_length=160)
    unit = forms.CharField(label=gettext_lazy("Unit"), max_length=20, required=False)
    min = forms.FloatField(label=gettext_lazy("From"), required=False)
    max = forms.FloatField(label=gettext_lazy("To"), required=False)
    required = forms.BooleanField(label=gettext_lazy("Required"), required=False)
    only_sex = forms.ChoiceField(
        label=gettext_lazy("Only for"),
        choices=[("", "—"), ("F", gettext_lazy("women")), ("M", gettext_lazy("men"))],
        required=False,
    )
    flag = forms.ChoiceField(
        label=gettext_lazy("Raises mark"),
        choices=[("", "—"), *((key, mark.title) for key, mark in MARKS.items())],
        required=False,
    )
    flag_when = forms.CharField(label=gettext_lazy("at answer"), max_length=200, required=False)
    options = forms.CharField(
        label=gettext_lazy("Answers offered"),
        widget=forms.Textarea(attrs={"rows": 2}),
        required=False,
    )

    @staticmethod
    def values_of(question: dict[str, Any]) -> dict[str, Any]:
        """A stored question as form values."""
        values = dict(question)
        values["flag_when"] = ", ".join(question.get("flag_when", ()))
        values["options"] = "\n".join(
            f"{o['value']}|{o['label_zh']}|{o['label_en']}" for o in question.get("options", ())
        )
        return values

    def clean_options(self) -> list[dict[str, str]]:
        """The options as they are stored."""
        options = []
        for line in self.cleaned_data["options"].splitlines():
            parts = [part.strip() for part in line.split("|")]
            if not any(parts):
                continue
            if len(parts) != 3 or not all(parts):
                raise forms.ValidationError(_("Write each answer as value|中文|English."))
            options.append(dict(zip(("value", "label_zh", "label_en"), parts, strict=True)))
        return options

    def clean(self) -> dict[str, Any]:
        """Choices need answers, questions need a key."""
        values: dict[str, Any] = super().clean() or {}
        kind = values.get("type")
        if kind in ("choice", "choices") and not values.get("options"):
            self.add_error("options", _("A choice needs answers to choose from."))
        if kind != "section" and not values.get("key"):
            self.add_error("key", _("A question needs a key."))
        return values

    def question(self) -> dict[str, Any]:
        """The question as it is stored, without what is empty."""
        values = dict(self.cleaned_data)
        values.pop("DELETE", None)
        values.pop("ORDER", None)
        when = [part.strip() for part in values.pop("flag_when").split(",") if part.strip()]
        if when and values["flag"]:
            values["flag_when"] = when
        return {name: value for name, value in values.items() if value not in ("", None, [], False)}


QuestionFormSet = forms.formset_factory(
    QuestionForm, extra=1, can_delete=True, can_order=True, max_num=200, absolute_max=200
)
