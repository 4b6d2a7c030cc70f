"""One stored frame as a picture file: the look-up stages of PS3.4 N.2, crop and scale of PS3.18 §8.3.5.

Runs in the child process of `dicomio.sandbox`, for it decodes.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.pixels import apply_color_lut, apply_modality_lut, pixel_array

from hevesy.imaging.dicomio.guards import DEFAULT_LIMITS, Limits, check_pixels
from hevesy.imaging.dicomio.headers import find
from hevesy.imaging.dicomio.refusal import ImageRefused
from hevesy.imaging.render.colour import Picture

FORMATS: Final = {"image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF"}
VoiFunction = Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]


@dataclass(frozen=True, slots=True)
class Voi:
    """A window in the units after the modality stage (PS3.3 C.11.2.1.2). Raises ValueError for a width of none."""

    center: float
    width: float
    function: VoiFunction = "LINEAR"

    def __post_init__(self) -> None:
        if self.width < 1 if self.function == "LINEAR" else self.width <= 0:
            raise ValueError(f"a window of width {self.width:g}")

    def share(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Values as 0 (black) to 1 (white)."""
        if self.function == "SIGMOID":
            with np.errstate(over="ignore"):
                return 1 / (1 + np.exp(-4 * (values - self.center) / self.width))
        if self.function == "LINEAR_EXACT":
            return np.clip((values - self.center) / self.width + 0.5, 0, 1)
        if self.width == 1:
            return (values > self.center - 0.5).astype(np.float64)
        return np.clip((values - (self.center - 0.5)) / (self.width - 1) + 0.5, 0, 1)


@dataclass(frozen=True, slots=True)
class Viewport:
    """Largest columns and rows of the picture, and the part of the image that it shows.

    A negative `source_columns` or `source_rows` turns the picture over; 0 means up to the edge.
    """

    columns: int
    rows: int
    source_x: int = 0
    source_y: int = 0
    source_columns: int = 0
    source_rows: int = 0


def render_stored_frame(
    dataset: Dataset,
    frame: int,
    *,
    media_type: str = "image/jpeg",
    voi: Voi | None = None,
    viewport: Viewport | None = None,
    quality: int = 90,
    limits: Limits = DEFAULT_LIMITS,
) -> bytes:
    """The file of a picture of frame `frame` (from 0). Without `voi` the header's own, or the whole range of values.

    Raises `ImageRefused`; IndexError for a frame that is not there.
    """
    picture = stored_picture(dataset, frame, voi=voi, limits=limits)
    image = _placed(Image.fromarray(picture), viewport, _aspect(dataset, frame))
    file = io.BytesIO()
    image.save(file, FORMATS[media_type], **({"quality": quality} if "jpeg" in media_type else {}))
    return file.getvalue()


def stored_picture(
    dataset: Dataset, frame: int, *, voi: Voi | None = None, limits: Limits = DEFAULT_LIMITS
) -> Picture:
    """Frame `frame` (from 0) as uint8, (rows, columns) grey or (rows, columns, 3). Raises as `render_stored_frame`."""
    stated = check_pixels(dataset, limits=limits)
    if not 0 <= frame < stated.frames:
        raise IndexError("no such frame")
    try:
        stored = pixel_array(dataset, index=frame)
        if stated.samples > 1:
            return _bytes(stored, stated.bits_stored)
        if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
            coloured = apply_color_lut(stored, dataset)
            return _bytes(coloured, 8 * coloured.dtype.itemsize)
        grey = _voi_stage(_modality_stage(stored, dataset, frame), dataset, frame, voi)
    except MemoryError:
        raise ImageRefused("memory_limit") from None
    except Exception as error:
        # Decoders and look-up tables of strangers fail in ways of their own; to the caller they are one reason.
        raise ImageRefused("undecodable", f"{type(error).__name__}: {error}"[:160]) from error
    if dataset.get("PhotometricInterpretation") == "MONOCHROME1":
        grey = 1 - grey
    return np.asarray(np.rint(grey * 255), dtype=np.uint8)


def _bytes(values: npt.NDArray[Any], bits: int) -> Picture:
    return np.asarray(values >> (bits - 8) if bits > 8 else values, dtype=np.uint8)


def _modality_stage(
    stored: npt.NDArray[Any], dataset: Dataset, frame: int
) -> npt.NDArray[np.float64]:
    if dataset.get("ModalityLUTSequence"):
        return np.asarray(apply_modality_lut(stored, dataset), dtype=np.float64)
    slope, intercept = (
        _number(find(dataset, word, frame)) for word in ("RescaleSlope", "RescaleIntercept")
    )
    return stored * (1.0 if slope is None else slope) + (intercept or 0.0)


def _voi_stage(
    values: npt.NDArray[np.float64], dataset: Dataset, frame: int, voi: Voi | None
) -> npt.NDArray[np.float64]:
    """0 to 1, by what was asked for, the header's first window, its first VOI LUT, or the range of the values."""
    voi = voi or _voi_of_header(dataset, frame)
    if voi is not None:
        return voi.share(values)
    if table := dataset.get("VOILUTSequence"):
        return _through_table(values, table[0])
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    scaled = np.clip((values - low) / (high - low or 1.0), 0, 1)
    return np.nan_to_num(scaled)


def _voi_of_header(dataset: Dataset, frame: int) -> Voi | None:
    center, width = (
        _number(find(dataset, word, frame)) for word in ("WindowCenter", "WindowWidth")
    )
    if center is None or width is None:
        return None
    stated = str(find(dataset, "VOILUTFunction", frame) or "LINEAR")
    function: VoiFunction = "LINEAR"
    if stated in ("LINEAR_EXACT", "SIGMOID"):
        function = stated  # type: ignore[assignment]
    try:
        return Voi(center, width, function)
    except ValueError:
        return None


def _through_table(values: npt.NDArray[np.float64], item: Dataset) -> npt.NDArray[np.float64]:
    count, first, bits = (int(number) for number in item.LUTDescriptor)
    table = np.asarray(item.LUTData, dtype=np.float64)
    place = np.clip(np.rint(values) - first, 0, (count or 65536) - 1)
    return np.asarray(table[place.astype(np.int64)] / (2**bits - 1))


def _number(value: Any) -> float | None:
    if isinstance(value, MultiValue):
        value = value[0] if value else None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


def _aspect(dataset: Dataset, frame: int) -> float:
    """Height of a pixel over its width; 1 where the header names none."""
    for word in ("PixelSpacing", "PixelAspectRatio", "ImagerPixelSpacing"):
        stated = find(dataset, word, frame)
        if isinstance(stated, MultiValue) and len(stated) == 2:
            rows, columns = _number(stated[0]), _number(stated[1])
            if rows and columns and 0.01 <= rows / columns <= 100:
                return rows / columns
    return 1.0


def _placed(image: Image.Image, viewport: Viewport | None, aspect: float) -> Image.Image:
    """Cropped, turned over, with square pixels, and as large as fits."""
    if viewport is not None:
        image = _cropped(image, viewport)
    columns = image.width / min(aspect, 1.0)
    rows = image.height * max(aspect, 1.0)
    scale = 1.0
    if viewport is not None:
        scale = min(viewport.columns / columns, viewport.rows / rows)
    wanted = max(1, round(columns * scale)), max(1, round(rows * scale))
    if wanted == image.size:
        return image
    smaller = wanted[0] < image.width
    return image.resize(wanted, Image.Resampling.LANCZOS if smaller else Image.Resampling.BILINEAR)


def _cropped(image: Image.Image, viewport: Viewport) -> Image.Image:
    left, top = (
        min(max(0, place), size - 1)
        for place, size in zip((viewport.source_x, viewport.source_y), image.size, strict=True)
    )
    right = min(image.width, left + (abs(viewport.source_columns) or image.width))
    bottom = min(image.height, top + (abs(viewport.source_rows) or image.height))
    image = image.crop((left, top, right, bottom))
    if viewport.source_columns < 0:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if viewport.source_rows < 0:
        image = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    return image
