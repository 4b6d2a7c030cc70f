"""Reasons not to start: what would make a reachable system unsafe (reliability, appendix C)."""

from __future__ import annotations

import ipaddress
import stat
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

SHORTEST_SECRET = 32
"""Characters of `HEVESY_SECRET_KEY`, below which a session could be forged by guessing."""


def is_loopback(address: str) -> bool:
    """Whether `host:port` can be reached from this machine only. A name other than localhost counts as reachable."""
    host = address.rpartition(":")[0].strip("[]") if ":" in address else address
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listens_beyond_loopback() -> list[str]:
    """The configured listeners that other machines can reach."""
    listeners = [
        settings.HTTP_ADDRESS,
        settings.DICOM_ADDRESS,
        getattr(settings, "HL7_ADDRESS", ""),
    ]
    return [address for address in listeners if address and not is_loopback(address)]


def start_refusals(address: str) -> list[str]:
    """Why the web server must not listen on `address` now; empty when it may. Each is a sentence with the remedy.

    On loopback only what would harm the data counts; beyond it everything that a stranger could use.
    """
    from hevesy.foundation.accounts.queries import administrators

    newer = _newer_schema()
    if is_loopback(address):
        return newer
    refusals = [*newer, *_open_files()]
    if settings.DEBUG:
        refusals.append(_("DEBUG is on: it shows code and settings to anybody. Turn it off."))
    if len(settings.SECRET_KEY) < SHORTEST_SECRET or len(set(settings.SECRET_KEY)) < 10:
        refusals.append(
            _("HEVESY_SECRET_KEY is weak. Leave it out, and a strong one is made in %(folder)s.")
            % {"folder": settings.HOME / "keys"}
        )
    if settings.DEMO:
        refusals.append(_("The demo's passwords are public. Unset HEVESY_DEMO."))
    if not newer:
        if not administrators().exists():
            refusals.append(
                _("No security administrator exists. Run: hevesy appoint NAME, then start again.")
            )
        if administrators(demo=True).exists():
            refusals.append(
                _(
                    "Demo accounts with a public password exist. Use a fresh HEVESY_HOME, or close them."
                )
            )
    if "*" in settings.ALLOWED_HOSTS:
        refusals.append(_("HEVESY_ALLOWED_HOSTS allows every name. List the names of this server."))
    return refusals


def _open_files() -> list[str]:
    """Keys and database that other accounts of this machine could read."""
    home = Path(settings.HOME)
    if not home.stat().st_mode & stat.S_IRWXO:
        return []
    found = [*(home / "keys").glob("*")]
    if connection.vendor == "sqlite":
        found.append(Path(str(connection.settings_dict["NAME"])))
    return [
        _("Other accounts of this machine can read %(file)s. Run: chmod 600 %(file)s")
        % {"file": path}
        for path in found
        if path.is_file() and path.stat().st_mode & (stat.S_IRWXO | stat.S_IWGRP)
    ]


def _newer_schema() -> list[str]:
    """Whether the database has migrations that this program does not know."""
    from django.db.migrations.loader import MigrationLoader

    loader = MigrationLoader(connection)
    unknown = [
        f"{app}.{name}"
        for app, name in loader.applied_migrations
        if app in loader.migrated_apps
        and (app, name) not in loader.disk_migrations
        and (app, name) not in loader.replacements
    ]
    if not unknown:
        return []
    return [
        _("The database is newer than this program (%(steps)s). Start the newer program.")
        % {"steps": ", ".join(sorted(unknown))}
    ]
