"""The command `hevesy`: `image` is the imaging library, all else are Django's management commands."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run `hevesy COMMAND …`; `hevesy` alone lists the commands. Exits non-zero on failure."""
    if sys.argv[1:2] == ["image"]:
        # Works where only the core dependencies are installed, without Django.
        from hevesy.imaging.commands import main as image

        sys.exit(image(sys.argv[2:]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hevesy.config.settings.base")
    from django.core.management import execute_from_command_line

    execute_from_command_line(["hevesy", *sys.argv[1:]])


if __name__ == "__main__":
    main()
