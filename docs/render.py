"""Draw the pages that follow from the code: clauses, state machines, components. `--check` fails on a stale one."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from pathlib import Path

DOCS = Path(__file__).parent
KIT = DOCS.parent / "src/hevesy/foundation/ui/templates/cotton/ui"
DRAWN = "Drawn from {source} by `python docs/render.py`; do not edit this page."
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


def clauses() -> str:
    """The clause map as Markdown: a count, then a table per chapter."""
    rows = tomllib.loads((DOCS / "clauses.toml").read_text())["clause"]
    states = [row["state"] for row in rows.values()]
    lines = [
        "# Clauses",
        "",
        "Rendered from `clauses.toml` by `python docs/render.py`; do not edit this page.",
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
        for number, row in rows.items():
            if number.split(".")[0] == chapter:
                where = ", ".join(f"`{place}`" for place in row["where"])
                lines.append(
                    f"| {number} | {row['text']} | **{row['state']}** | {where} | {row['note']} |"
                )
    return "\n".join(lines) + "\n"


def states() -> str:
    """The state machines as Mermaid diagrams, drawn from the tables that the actions obey."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hevesy.config.settings.test")
    import django

    django.setup()
    from hevesy.records.exams.management.commands.state_diagram import tables
    from hevesy.records.exams.states import mermaid

    lines = ["# State machines", "", DRAWN.format(source="the `states.py` of each app")]
    for name, table in sorted(tables().items()):
        lines += ["", f"## {name}", "", "```mermaid", mermaid(table), "```"]
    return "\n".join(lines) + "\n"


def components() -> str:
    """The component kit: what each component says of itself, and its parameters."""
    lines = [
        "# Component kit",
        "",
        DRAWN.format(source="`src/hevesy/foundation/ui/templates/cotton/ui`"),
        "",
        'Pages are put together from these: `<c-ui.note tone="amber">…</c-ui.note>`. `/ui/` of a running server shows',
        "each, light and dark. A page that needs another look gets another component, not styles of its own.",
    ]
    for path in sorted(KIT.glob("*.html")):
        source = path.read_text("utf-8")
        said = re.match(r"\{# (.*?) #\}|\{% comment %\}(.*?)\{% endcomment %\}", source, re.DOTALL)
        text = " ".join((said[1] or said[2]).split()) if said else ""
        given = re.search(r"<c-vars (.*?)/?>", source, re.DOTALL)
        names = re.findall(r"([\w:-]+)=", given[1]) if given else []
        # Outside code a component's own words must not become HTML or a table.
        safe = text.replace("<", "&lt;").replace("|", "\\|")
        lines += ["", f"## c-ui.{path.stem}", "", safe]
        if names:
            lines += ["", "Parameters: " + ", ".join(f"`{name}`" for name in names) + "."]
    return "\n".join(lines) + "\n"


PAGES = {
    DOCS / "clauses.md": clauses,
    DOCS / "states.md": states,
    DOCS / "guides" / "ui-kit.md": components,
}


def main() -> int:
    stale = []
    for page, render in PAGES.items():
        text = render()
        if page.exists() and page.read_text("utf-8") == text:
            continue
        stale.append(page)
        if "--check" not in sys.argv:
            page.write_text(text, "utf-8")
    if stale and "--check" in sys.argv:
        names = ", ".join(str(page.relative_to(DOCS.parent)) for page in stale)
        sys.stderr.write(f"stale: {names}; run python docs/render.py\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
