"""The head of the department at a browser."""

import pytest

from hevesy.foundation.accounts.seeding import run_seeders


@pytest.fixture
def head(tuesday_morning, a_head, client_of):
    """The head's browser, in a seeded department."""
    run_seeders()
    return client_of(a_head)
