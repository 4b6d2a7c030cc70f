"""Settings of the test suite: quick hashing, a fresh folder, the database named by the environment."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("HEVESY_HOME", tempfile.mkdtemp(prefix="hevesy-test-"))
worker = os.environ.get("PYTEST_XDIST_WORKER", "")
if worker and Path(os.environ["HEVESY_HOME"]).name != worker:
    # Tests that run beside each other share neither anchors nor objects.
    os.environ["HEVESY_HOME"] = str(Path(os.environ["HEVESY_HOME"]) / worker)
os.environ.setdefault("HEVESY_SECRET_KEY", "a key for tests only")

from .base import *  # noqa: E402, F403
from .base import DATABASES, HOME, STORAGES  # noqa: E402

TEST_DATABASE = DATABASES["default"].setdefault("TEST", {})
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, not memory: other threads and processes (DICOM server, workers, browser) share it.
    TEST_DATABASE["NAME"] = str(Path(HOME) / "test.sqlite3")
    # Tests survive no power loss; everything else is as in production.
    OPTIONS = DATABASES["default"]["OPTIONS"]
    OPTIONS["init_command"] = OPTIONS["init_command"].replace("FULL", "OFF")
else:
    # Databases are dropped and made anew; a pool would hold connections to the old ones.
    DATABASES["default"]["OPTIONS"].pop("pool")

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ALLOWED_HOSTS = ["*"]
# Seconds for each study that settles; the tests of lesion tables ask for them.
LESION_TABLES = False
SLOT_ERRORS_ARE_RAISED = True
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WHITENOISE_USE_FINDERS = True

# Each test client makes its own middleware; reading every static file for it took two thirds of the suite's time.
WHITENOISE_AUTOREFRESH = True
# A day that is played at another hour dates its answers so; to the browser they would be stale on arrival.
WHITENOISE_MAX_AGE = 10 * 366 * 24 * 3600
