"""Plugins of the whole test suite: the cast of people, and databases put back after transactional tests."""

pytest_plugins = [
    "hevesy.foundation.accounts.testing",
    "hevesy.foundation.audit.testing",
    "hevesy.foundation.ui.testing",
    "hevesy.records.exams.testing",
    "hevesy.records.reports.testing",
]
