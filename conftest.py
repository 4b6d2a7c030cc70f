"""Plugins of the whole test suite: the cast of people, and databases put back after transactional tests."""

import hypothesis

# A busy machine is no failure: a search for counterexamples is bounded by their number, not by the clock.
hypothesis.settings.register_profile("hevesy", deadline=None)
hypothesis.settings.load_profile("hevesy")

pytest_plugins = [
    "hevesy.foundation.accounts.testing",
    "hevesy.foundation.audit.testing",
    "hevesy.foundation.ui.testing",
    "hevesy.records.exams.testing",
    "hevesy.records.reports.testing",
]
