"""Plugins of the whole test suite: the cast of people."""

pytest_plugins = ["hevesy.foundation.accounts.testing"]
