"""Settings of a house in which one thing does nothing: `HEVESY_STUBBED=package.module:function`.

Proves that a test of the walk rests on what it names: with the action stubbed out it has to fail.
"""

import importlib
import os
import sys
from typing import Any

from django.apps import AppConfig

from hevesy.config.settings.base import *  # noqa: F403
from hevesy.config.settings.base import INSTALLED_APPS


def nothing(*_args: Any, **_named: Any) -> None:
    """What is left of the action."""


def stub(target: str) -> None:
    """Put `nothing` in its place, also where other modules have imported it by name already."""
    module_name, _colon, name = target.partition(":")
    importlib.import_module("hevesy.config.urls")
    original = getattr(importlib.import_module(module_name), name)
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith("hevesy"):
            for key, value in list(vars(module).items()):
                if value is original:
                    setattr(module, key, nothing)


class Stubbing(AppConfig):
    """Comes last, when everything else is imported."""

    name = "tests.browser"
    label = "stubbing"

    def ready(self) -> None:
        """Stub out what the environment names, in every process of the house."""
        stub(os.environ["HEVESY_STUBBED"])


INSTALLED_APPS = [*INSTALLED_APPS, "tests.browser.stubbed.Stubbing"]
