import pytest

from hevesy.foundation.files.store import store


@pytest.fixture(autouse=True)
def an_empty_store(settings, tmp_path):
    """An object store of the test's own, so that what it holds can be counted."""
    settings.STORAGE_URL = f"file:{tmp_path / 'objects'}"
    store().create()
