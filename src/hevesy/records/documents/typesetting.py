"""Typst on data: a template of ours plus facts of a patient gives a PDF. Templates cannot run code or reach out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import barcode
import noto_cjk_sans_otc
import segno
import typst
from barcode.writer import SVGWriter

TEMPLATES = Path(__file__).parent / "typst"


@cache
def fonts() -> Any:
    """The packaged CJK face alone: paper looks the same on every machine."""
    return typst.Fonts(
        include_system_fonts=False, font_paths=[str(Path(noto_cjk_sans_otc.__file__).parent)]
    )


def typeset(
    template: str, facts: Mapping[str, Any], files: Mapping[str, bytes] | None = None
) -> bytes:
    """The PDF of `template` (a name in `typst/`) filled with `facts`.

    Facts travel as JSON and are set as text: whatever a name contains, it cannot become markup.
    `files` are the pictures that the template or the facts name; their names are ours, never a stranger's.
    """
    with TemporaryDirectory(prefix="hevesy-paper-") as folder:
        root = Path(folder)
        for path in TEMPLATES.iterdir():
            shutil.copy(path, root / path.name)
        for name, content in (files or {}).items():
            (root / name).write_bytes(content)
        pdf: bytes = typst.compile(
            root / f"{template}.typ",
            root=root,
            font_paths=fonts(),
            format="pdf",
            sys_inputs={"facts": json.dumps(facts, ensure_ascii=False)},
        )
    return pdf


def qr_svg(payload: str) -> bytes:
    """A QR code of error level M without a quiet zone (the templates leave it white)."""
    out = BytesIO()
    segno.make(payload, error="m", micro=False).save(
        out, kind="svg", border=0, xmldecl=False, svgns=True
    )
    return out.getvalue()


def code128_svg(text: str) -> bytes:
    """A Code 128 bar code without text and quiet zone."""
    out = BytesIO()
    barcode.get("code128", text, writer=SVGWriter()).write(
        out, {"write_text": False, "quiet_zone": 0, "module_width": 0.25, "module_height": 5.0}
    )
    return out.getvalue()
