"""Print who may open which address as measured now, in the form of `address_policy.toml`, for a person to review.

    python tests/architecture/print_address_policy.py > /tmp/measured.toml
    diff tests/architecture/address_policy.toml /tmp/measured.toml

Nothing is accepted automatically: copy the lines that you have judged.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "src")]
os.environ["DJANGO_SETTINGS_MODULE"] = "hevesy.config.settings.test"


def main() -> int:
    """Measure in a fresh test database that is dropped afterwards."""
    import logging

    import django

    django.setup()
    logging.disable(logging.CRITICAL)
    from django.db import transaction
    from django.test.utils import (
        setup_databases,
        setup_test_environment,
        teardown_databases,
        teardown_test_environment,
    )

    from tests.architecture.addresses import every_address
    from tests.architecture.walk import walk

    setup_test_environment()
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        with transaction.atomic():
            measured, broken = walk(every_address())
            transaction.set_rollback(True)
    finally:
        teardown_databases(databases, verbosity=0)
        teardown_test_environment()
    print(measured.to_toml(), end="")
    for sentence in broken:
        print(sentence, file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
