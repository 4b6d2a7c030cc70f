"""How many jobs and audit rows a second: on the database of HEVESY_DATABASE_URL, by default a new SQLite file.

A department of 150 examinations a day makes about 2,250 jobs and 10,000 audit rows a day.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable

JOBS = 500
ROWS = 5000

if __name__ == "__main__":
    home = tempfile.TemporaryDirectory(prefix="hevesy-bench-")
    os.environ["HEVESY_HOME"] = home.name
    os.environ["HEVESY_LOG_LEVEL"] = "WARNING"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hevesy.config.settings.base")

    import django

    django.setup()

    from django.core.management import call_command
    from django.db import connection, transaction

    from hevesy.foundation.accounts.actors import system_actor
    from hevesy.foundation.audit import seals, verification
    from hevesy.foundation.audit.actions import record
    from hevesy.foundation.jobs import running
    from hevesy.foundation.jobs.tests import sample_tasks

    call_command("migrate", interactive=False, verbosity=0)
    by = system_actor("bench")

    def measure(what: str, count: int, work: Callable[[], object]) -> None:
        """Time `work`, which does something `count` times."""
        began = time.perf_counter()
        work()
        took_s = time.perf_counter() - began
        print(f"{what:<44}{count / took_s:>10.0f} /s   ({count} in {took_s:.2f} s)")

    def enqueue() -> None:
        for number in range(JOBS):
            with transaction.atomic():
                sample_tasks.succeed.enqueue(name=f"bench {number}")

    def write() -> None:
        for number in range(ROWS):
            with transaction.atomic():
                record(by, "exam.book", patient_id=number, weight_kg=70.5)

    def seal() -> None:
        while seals.seal_new_rows():
            pass

    print(f"database: {connection.vendor}")
    measure("jobs enqueued, one transaction each", JOBS, enqueue)
    measure("jobs claimed, run and ended by one worker", JOBS, running.drain)
    measure("audit rows written, one transaction each", ROWS, write)
    measure("audit rows sealed", ROWS, seal)
    measure("audit rows verified", ROWS, lambda: print(verification.verify().findings or "whole"))
    connection.close()
    home.cleanup()
