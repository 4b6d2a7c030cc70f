"""The command `hevesy`: Django's management commands under the name and settings of the product."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run `hevesy COMMAND …`; `hevesy` alone lists the commands. Exits non-zero on failure."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hevesy.config.settings.base")
    from django.core.management import execute_from_command_line

    execute_from_command_line(["hevesy", *sys.argv[1:]])


if __name__ == "__main__":
    main()
