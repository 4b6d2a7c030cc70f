"""What a client asks of a picture: media type, window, viewport, quality (PS3.18 §8.3.5, §8.7.4)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from hevesy.gateways.dicomweb.accept import ranges
from hevesy.gateways.dicomweb.door import RequestRefused
from hevesy.gateways.dicomweb.frames import CHILD, DECODERS, WAIT_S
from hevesy.imaging.dicomio import ImageRefused
from hevesy.imaging.dicomio.sandbox import render_frame_sandboxed
from hevesy.imaging.render.stored import FORMATS, Viewport, Voi
from hevesy.records.archive.models import Instance
from hevesy.records.archive.stored import readable_path

LARGEST_SIDE: Final = 4096
THUMBNAIL: Final = Viewport(128, 128)
_FUNCTIONS: Final = {"linear": "LINEAR", "linear-exact": "LINEAR_EXACT", "sigmoid": "SIGMOID"}
_NUMBER: Final = r"-?\d{1,9}(?:\.\d{1,9})?"


@dataclass(frozen=True, slots=True)
class Wish:
    """How a picture shall be made."""

    media_type: str
    voi: Voi | None
    viewport: Viewport | None
    quality: int

    def tag(self, instance: Instance, frame: int) -> str:
        """An entity tag: the same pixels asked for in the same way give the same picture."""
        name = f"{instance.sha256} {frame} {self}"
        return f'"{hashlib.sha256(name.encode()).hexdigest()[:32]}"'


def wish(asked: Mapping[str, str], accept: str, *, thumbnail: bool = False) -> Wish:
    """The wish that a query and an Accept header express. Raises `RequestRefused`: 400, or 406 for no picture."""
    made = Wish(
        media_type=_media_type(asked.get("accept") or accept),
        voi=_voi(asked.get("window", "")),
        viewport=_viewport(asked.get("viewport", "")),
        quality=_quality(asked.get("quality", "")),
    )
    return replace(made, viewport=made.viewport or THUMBNAIL) if thumbnail else made


def picture(instance: Instance, frame: int, made_as: Wish) -> bytes:
    """The picture file of a frame (from 1). Raises `ImageRefused`, `RequestRefused` (503)."""
    if instance.hindrance:
        raise ImageRefused("bad_pixel_attributes", instance.hindrance)
    if not DECODERS.acquire(timeout=WAIT_S):
        raise RequestRefused("too many images are being decoded; ask again in a moment", 503)
    try:
        return render_frame_sandboxed(
            readable_path(instance),
            frame - 1,
            media_type=made_as.media_type,
            voi=made_as.voi,
            viewport=made_as.viewport,
            quality=made_as.quality,
            child=CHILD,
        )
    finally:
        DECODERS.release()


def _media_type(accept: str) -> str:
    for one in ranges(accept):
        for media_type in FORMATS:
            if one.takes(media_type):
                return media_type
    raise RequestRefused(f"pictures are {', '.join(FORMATS)}", 406)


def _voi(text: str) -> Voi | None:
    if not text:
        return None
    found = re.fullmatch(rf"({_NUMBER}),({_NUMBER}),(linear|linear-exact|sigmoid)", text)
    try:
        if found:
            return Voi(float(found[1]), float(found[2]), _FUNCTIONS[found[3]])  # type: ignore[arg-type]
    except ValueError:
        pass
    raise RequestRefused("a window is center,width,function: 40,400,linear")


def _viewport(text: str) -> Viewport | None:
    if not text:
        return None
    if not re.fullmatch(rf"\d{{1,5}},\d{{1,5}}(,({_NUMBER})?){{0,4}}", text):
        raise RequestRefused("a viewport is columns,rows[,x,y,columns,rows of the source]")
    columns, rows, *source = [round(float(part or 0)) for part in text.split(",")]
    if not (1 <= columns <= LARGEST_SIDE and 1 <= rows <= LARGEST_SIDE):
        raise RequestRefused(f"a picture has 1 to {LARGEST_SIDE} columns and rows")
    return Viewport(columns, rows, *source)


def _quality(text: str) -> int:
    if not text:
        return 90
    if not re.fullmatch(r"\d{1,3}", text) or not 1 <= int(text) <= 100:
        raise RequestRefused("quality is a number from 1 to 100")
    return int(text)
