"""The front desk's people at their pages, on the test's Tuesday."""

import pytest


@pytest.fixture
def desk(tuesday_morning, a_registrar, client_of):
    """The registrar's browser."""
    return client_of(a_registrar)


@pytest.fixture
def htmx():
    """Headers of a request that htmx makes."""
    return {"HTTP_HX_REQUEST": "true"}
