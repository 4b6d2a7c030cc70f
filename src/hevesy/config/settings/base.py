"""Settings shared by every process. Deployment is read from the environment (docs/operations).

Department policy (numbering, thresholds, colour maps) lives in `records.catalogue`, edited on pages;
physics lives in code with its source. Only where and how the system runs is decided here.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from csp.constants import NONCE

from hevesy.config import logs

HOME = Path(os.environ.get("HEVESY_HOME", "var")).resolve()
"""Folder of everything that is data: database, objects, keys, anchors."""
HOME.mkdir(mode=0o700, parents=True, exist_ok=True)


def secret_key(name: str) -> str:
    """A key from `HEVESY_<NAME>`, else from a file in `HOME` that is made once, readable by its owner only."""
    from_environment = os.environ.get(f"HEVESY_{name.upper()}")
    if from_environment:
        return from_environment
    path = HOME / "keys" / name
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:  # another process of the same start was quicker
            return path.read_text()
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
    return path.read_text()


def database(url: str) -> dict[str, Any]:
    """Django's database entry for `sqlite:///path` or `postgresql://user:password@host:port/name`.

    A Unix socket is named as libpq does: `postgresql://user@/name?host=/run/postgresql`.
    """
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        path = (
            Path(unquote(parts.path))
            if parts.path.startswith("//")
            else Path(unquote(parts.path[1:]))
        )
        if not path.is_absolute():
            path = HOME / path
        path.parent.mkdir(parents=True, exist_ok=True)
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": path,
            "OPTIONS": {
                # DEFERRED loses bookings under load: a read lock cannot be raised to a write lock.
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                # synchronous=NORMAL may lose the last commits on power loss: not for signed reports.
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
            },
        }
    if parts.scheme in ("postgresql", "postgres"):
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.lstrip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": parse_qs(parts.query).get("host", [parts.hostname or ""])[0],
            "PORT": parts.port or "",
            # Each request runs in a thread of its own, so that only a pool keeps connections.
            "OPTIONS": {"pool": {"min_size": 1, "max_size": 20, "timeout": 5}},
            "CONN_HEALTH_CHECKS": True,
        }
    raise ValueError(
        f"HEVESY_DATABASE_URL: unknown scheme {parts.scheme!r}; use sqlite: or postgresql:"
    )


assert sqlite3.sqlite_version_info >= (3, 35), "SQLite 3.35 or newer is needed (UPDATE … RETURNING)"

DEBUG = False
SECRET_KEY = secret_key("secret_key")
# Not in the database: who can write rows there still cannot forge audit rows or seals.
AUDIT_KEY = secret_key("audit_key")
ANCHORS = HOME / "anchors"
HTTP_ADDRESS = os.environ.get("HEVESY_HTTP", "127.0.0.1:8000")
TLS_CERT = os.environ.get("HEVESY_TLS_CERT", "")
TLS_KEY = os.environ.get("HEVESY_TLS_KEY", "")
PROXY = os.environ.get("HEVESY_PROXY", "")
"""Addresses of the reverse proxies in front (`10.0.0.5,10.0.0.6`); only these may name the client's address."""
DICOM_ADDRESS = os.environ.get("HEVESY_DICOM", "127.0.0.1:11112")
HL7_ADDRESS = os.environ.get("HEVESY_HL7", "127.0.0.1:2575")
AE_TITLE = os.environ.get("HEVESY_AE_TITLE", "HEVESY")
DEMO = os.environ.get("HEVESY_DEMO", "") == "1"
MODELS = Path(os.environ.get("HEVESY_MODELS", HOME / "models"))
"""Folder of what the lesion table may use: `score-FDG.toml` by `hevesy retrain`, a network in `lesions/`."""
DEVICE = os.environ.get("HEVESY_DEVICE", "auto")
"""Where this machine's imaging jobs compute what a GPU can: auto, cpu or cuda."""
if DEVICE not in ("auto", "cpu", "cuda"):
    raise ValueError(f"HEVESY_DEVICE: {DEVICE!r} is not auto, cpu or cuda")
LESION_TABLES = os.environ.get("HEVESY_LESION_TABLES", "1") == "1"
"""Whether a lesion table is made of every PET that settles; people can ask for one in any case."""
STORAGE_URL = os.environ.get("HEVESY_STORAGE_URL", f"file:{HOME / 'objects'}")

ALLOWED_HOSTS = os.environ.get("HEVESY_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]").split(",")
DATABASES = {"default": database(os.environ.get("HEVESY_DATABASE_URL", "sqlite:///hevesy.sqlite3"))}
TASKS = {"default": {"BACKEND": "hevesy.foundation.jobs.backend.LeaseBackend"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
ROOT_URLCONF = "hevesy.config.urls"
ASGI_APPLICATION = "hevesy.config.asgi.application"

CSRF_TRUSTED_ORIGINS = [one for one in os.environ.get("HEVESY_ORIGINS", "").split(",") if one]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "django_cotton",
    "django_htmx",
    "django_tasks",
    "hevesy.foundation.accounts",
    "hevesy.foundation.audit",
    "hevesy.foundation.stations",
    "hevesy.foundation.jobs",
    "hevesy.foundation.files",
    "hevesy.foundation.ui",
    "hevesy.records.catalogue",
    "hevesy.records.equipment",
    "hevesy.records.staffing",
    "hevesy.records.patients",
    "hevesy.records.exams",
    "hevesy.records.queues",
    "hevesy.records.doses",
    "hevesy.records.archive",
    "hevesy.records.findings",
    "hevesy.records.documents",
    "hevesy.records.reports",
    "hevesy.desks.registration",
    "hevesy.desks.calling",
    "hevesy.desks.technologist",
    "hevesy.desks.interview",
    "hevesy.desks.reporting",
    "hevesy.desks.viewing",
    "hevesy.desks.publishing",
    "hevesy.desks.radiopharmacy",
    "hevesy.desks.department",
    "hevesy.gateways.dicom",
    "hevesy.gateways.dicomweb",
    "hevesy.gateways.api",
    "hevesy.demo",
    "hevesy.config",
]

MIDDLEWARE = [
    "hevesy.config.middleware.RequestLogMiddleware",
    "hevesy.config.middleware.PageHeadersMiddleware",
    "hevesy.foundation.ui.middleware.ReferenceMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "hevesy.foundation.ui.static_files.StaticFilesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    # These two before anybody reads request.user: whose request it is, and whether the session still lives.
    "hevesy.foundation.accounts.middleware.TokenMiddleware",
    "hevesy.foundation.accounts.middleware.LoginSessionMiddleware",
    "hevesy.foundation.ui.middleware.LanguageMiddleware",
    "hevesy.foundation.stations.middleware.StationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "hevesy.foundation.accounts.middleware.GuardMiddleware",
    "axes.middleware.AxesMiddleware",
    "hevesy.foundation.ui.middleware.RefusedMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "hevesy.foundation.ui.context.shell",
            ],
            "builtins": [
                "django.templatetags.i18n",
                "django.templatetags.static",
                "hevesy.foundation.ui.templatetags.kit",
                "hevesy.foundation.ui.templatetags.moving",
            ],
        },
    }
]

# A component sees what it is given and nothing else of the page around it.
COTTON_ISOLATE_BY_DEFAULT = True
CSRF_FAILURE_VIEW = "hevesy.foundation.ui.views.csrf_failed"
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [Path(__file__).parents[2] / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = os.environ.get("HEVESY_TIME_ZONE", "Asia/Shanghai")

STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
STATIC_ROOT.mkdir(exist_ok=True)  # WhiteNoise warns about a folder that is not there
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # Static files alone are compressed: compressing pages beside secrets would leak them (BREACH).
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
# `hevesy run` collects them; a program run from a checkout finds them in the apps.
WHITENOISE_USE_FINDERS = not any(STATIC_ROOT.iterdir())
WHITENOISE_ALLOW_ALL_ORIGINS = False

PASSWORD_HASHERS = ["hevesy.foundation.accounts.hashing.QueuedArgon2PasswordHasher"]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]

# Levels of GB/T 22239-2019 (level three) as usually assessed; a site may set others.
PASSWORD_DAYS = int(os.environ.get("HEVESY_PASSWORD_DAYS", "90"))
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": int(os.environ.get("HEVESY_PASSWORD_LENGTH", "10"))},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "hevesy.foundation.accounts.passwords.ThreeKinds"},
    {"NAME": "hevesy.foundation.accounts.passwords.NotTheName"},
    {"NAME": "hevesy.foundation.accounts.passwords.NotUsedBefore", "OPTIONS": {"count": 5}},
]
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "/"
AXES_FAILURE_LIMIT = int(os.environ.get("HEVESY_LOGIN_TRIES", "5"))
AXES_COOLOFF_TIME = timedelta(minutes=int(os.environ.get("HEVESY_LOGIN_LOCK_MINUTES", "30")))
# The person is locked, not the address: many share one PC, and one attacker has many addresses.
AXES_LOCKOUT_PARAMETERS = ["username"]
SILENCED_SYSTEM_CHECKS = ["axes.W006"]  # asks for ip_address, for the same reason unwanted
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True  # LoginSession and the audit trail hold this
AXES_LOCKOUT_CALLABLE = "hevesy.foundation.accounts.views.login.locked"
AXES_CLIENT_IP_CALLABLE = "hevesy.foundation.accounts.views.login.address_of"

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = bool(TLS_CERT)
CSRF_COOKIE_SECURE = bool(TLS_CERT)
SESSION_LONGEST_HOURS = int(os.environ.get("HEVESY_SESSION_HOURS", "12"))
SESSION_IDLE_MINUTES = 30  # of a person without a role; each role has its own
SESSION_COOKIE_AGE = SESSION_LONGEST_HOURS * 3600
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# No inline script or style anywhere: what a stranger sends can never run.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'", NONCE],
        "style-src": ["'self'", NONCE],
        "img-src": ["'self'", "data:", "blob:"],
        "font-src": ["'self'"],
        "media-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "worker-src": ["'self'", "blob:"],
        "frame-src": ["'self'", "blob:"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'self'"],
    }
}
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
# A month: long enough against a downgrade, short enough for a hospital that loses its certificate.
SECURE_HSTS_SECONDS = 30 * 24 * 3600 if TLS_CERT else 0
if PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

LOGGING = logs.configuration(
    level=os.environ.get("HEVESY_LOG_LEVEL", "INFO"), form=os.environ.get("HEVESY_LOG", "plain")
)
