"""Run a command on a throw-away PostgreSQL: `python tests/private_postgres.py -- pytest …`.

A cluster of its own in a temporary folder, on a Unix socket only; no port is opened and no installed cluster is
touched. Started as root it runs as `postgres` or `nobody`, because PostgreSQL refuses root. The command finds it in
`HEVESY_DATABASE_URL`. Exit status: that of the command; 77 when PostgreSQL is not installed.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOT_INSTALLED = 77
SETTINGS = {
    # It lives for minutes and nobody needs it after a power cut.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "64MB",
}


def programs() -> Path | None:
    """The folder of `initdb` and `postgres`: on the path, or the newest that Debian has."""
    on_path = shutil.which("initdb")
    if on_path and (Path(on_path).resolve().parent / "postgres").exists():
        return Path(on_path).resolve().parent
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])
    )
    return found[-1].parent if found else None


def account() -> pwd.struct_passwd | None:
    """Whom PostgreSQL runs as: None is ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise SystemExit("no account `postgres` or `nobody` to run PostgreSQL as")


@contextmanager
def private_postgres(binaries: Path) -> Iterator[str]:
    """The URL of a new cluster, which is gone at the end."""
    owner = account()
    with tempfile.TemporaryDirectory(prefix="hevesy-pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if owner:
            os.chown(folder, owner.pw_uid, owner.pw_gid)

        def call(*command: str) -> None:
            subprocess.run(
                command,
                check=True,
                cwd=folder,
                user=owner.pw_uid if owner else None,
                group=owner.pw_gid if owner else None,
                extra_groups=[] if owner else None,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )

        cluster = folder / "cluster"
        call(
            *(str(binaries / "initdb"), "--pgdata", str(cluster), "--username", "hevesy"),
            *("--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync"),
        )
        options = " ".join(f"-c {key}='{value}'" for key, value in SETTINGS.items())
        control = (str(binaries / "pg_ctl"), "--pgdata", str(cluster), "--silent", "--wait")
        call(
            *(*control, "--log", str(folder / "log")),
            *("--options", f"-k {folder} {options}", "start"),
        )
        try:
            yield f"postgresql://hevesy@/hevesy?host={folder}"
        finally:
            call(*control, "--mode", "immediate", "stop")


def main() -> int:
    """Start, run, stop."""
    command = sys.argv[2:] if sys.argv[1:2] == ["--"] else sys.argv[1:]
    if not command:
        print(__doc__)
        return 2
    binaries = programs()
    if binaries is None:
        print("PostgreSQL is not installed: its tests are skipped.", file=sys.stderr)
        return NOT_INSTALLED
    with private_postgres(binaries) as url:
        return subprocess.run(command, env={**os.environ, "HEVESY_DATABASE_URL": url}).returncode


if __name__ == "__main__":
    sys.exit(main())
