"""What the tests of imaging share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_dicom() -> Path:
    """Folder with the real DICOM of the test data; skips where it is not available."""
    folder = os.environ.get("HEVESY_TEST_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("HEVESY_TEST_DATA is unset: tests on real DICOM are skipped")
    return Path(folder)
