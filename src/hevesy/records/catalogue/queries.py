"""Reading the catalogue: policies with their defaults, what is offered now."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from hevesy.records.catalogue.models import ExamItem, ModalityClass, Policy


def policy(key: str, default: Any = None) -> Any:
    """The department's decision for `key` (an approved row), else `default`."""
    value = Policy.objects.filter(key=key).values_list("value", flat=True).first()
    return default if value is None else value


def policies(**defaults: Any) -> dict[str, Any]:
    """Several decisions in one query: `policies(arrive="booking.arrive_before_min")` is keyed by the short names."""
    rows = dict(Policy.objects.filter(key__in=defaults.values()).values_list("key", "value"))
    return {name: rows.get(key) for name, key in defaults.items()}


def offered_classes() -> QuerySet[ModalityClass]:
    """Modality classes in use, in their order."""
    return ModalityClass.objects.filter(active=True)


def offered_items(modality_class: ModalityClass | None = None) -> QuerySet[ExamItem]:
    """Examinations in use, in their order."""
    items = ExamItem.objects.filter(active=True, modality_class__active=True)
    if modality_class is not None:
        items = items.filter(modality_class=modality_class)
    return items.select_related("modality_class").order_by("modality_class__sort", "sort", "id")
