"""Render docs/clauses.toml to docs/clauses.md. `--check` fails when the page is not what the map says."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

DOCS = Path(__file__).parent
CHAPTERS = {
    "1": "Storage and server",
    "2": "Registration and appointment",
    "3": "Triage and calling",
    "4": "Technologist",
    "5": "Interview and follow-up",
    "6": "Report and image fusion",
    "7": "Clinical web publishing",
    "8": "Clinical web fusion",
    "9": "Radiopharmacy",
    "10": "Department management",
    "11": "Teaching and research",
    "12": "Hospital interfaces",
}


def render() -> str:
    """The page as Markdown: a count, then a table per chapter."""
    clauses = tomllib.loads((DOCS / "clauses.toml").read_text())["clause"]
    states = [row["state"] for row in clauses.values()]
    lines = [
        "# Clauses",
        "",
        "Rendered from `clauses.toml` by `python docs/render_clauses.py`; do not edit this page.",
        "",
        f"{len(states)} clauses: {states.count('works')} work, {states.count('partial')} in part, "
        f"{states.count('none')} not yet.",
    ]
    for chapter, title in CHAPTERS.items():
        lines += [
            "",
            f"## {chapter} {title}",
            "",
            "| clause | what | state | where | note |",
            "|---|---|---|---|---|",
        ]
        for number, row in clauses.items():
            if number.split(".")[0] == chapter:
                where = ", ".join(f"`{place}`" for place in row["where"])
                lines.append(
                    f"| {number} | {row['text']} | **{row['state']}** | {where} | {row['note']} |"
                )
    return "\n".join(lines) + "\n"


def main() -> int:
    page = DOCS / "clauses.md"
    if "--check" in sys.argv:
        if page.read_text() == render():
            return 0
        sys.stderr.write("docs/clauses.md is stale: run python docs/render_clauses.py\n")
        return 1
    page.write_text(render())
    return 0


if __name__ == "__main__":
    sys.exit(main())
