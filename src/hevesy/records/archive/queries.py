"""Reading the archive: what an actor may see, and the bytes of an instance."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from django.db.models import QuerySet

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.files.store import store
from hevesy.records.archive.models import Instance, Series, Study


def visible_studies(by: Actor) -> QuerySet[Study]:
    """Studies that the actor may open."""
    by.require("archive.view")
    return Study.objects.all()


def open_instance(instance: Instance) -> BinaryIO:
    """The stored file as a stream; `FileNotFoundError` if it is lost (`hevesy fsck` lists those)."""
    return store().open(instance.path)


def instance_path(instance: Instance) -> Path:
    """The stored file as a local path. Read only."""
    return store().path(instance.path)


def local_paths(series: Series) -> list[Path]:
    """Every instance of a series as a local file, in the order of their numbers."""
    return [instance_path(instance) for instance in series.instances.order_by("number", "id")]
