"""How images were shown, as a Grayscale Softcopy Presentation State, and back.

PS3.3 A.33.1: window, text, polylines, ellipses and points in image coordinates, and a shutter.
Points here are (column, row) indices in which whole numbers are pixel *centres*, as everywhere in
this library; DICOM counts from the outer corner of the first pixel (C.10.5.1.1), half a pixel off.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast

import numpy as np
from pydicom.dataset import Dataset

from hevesy.imaging.dicomio.guards import read_dataset
from hevesy.imaging.dicomio.identity import SeriesIdentity
from hevesy.imaging.dicomio.objects.sources import Maker, finished, headers, numbered
from hevesy.imaging.dicomio.refusal import refusing_what_pydicom_cannot_parse
from hevesy.imaging.refusal import Refused

Point = tuple[float, float]
Shape = Literal["TEXT", "POINT", "POLYLINE", "ELLIPSE"]
_LAYER: Final = "ANNOTATIONS"
_POINTS: Final = {"TEXT": (1, 1), "POINT": (1, 1), "POLYLINE": (2, 10**5), "ELLIPSE": (4, 4)}


@dataclass(frozen=True, slots=True)
class Annotation:
    """One mark on one image.

    points: TEXT and POINT one, POLYLINE two or more, ELLIPSE the ends of its major, then of its
    minor axis. image: SOP Instance UID. frame: from 1 in a multi-frame image, None otherwise.
    """

    shape: Shape
    points: tuple[Point, ...]
    image: str
    text: str = ""
    frame: int | None = None

    def __post_init__(self) -> None:
        least, most = _POINTS[self.shape]
        if (
            not least <= len(self.points) <= most
            or not np.all(np.isfinite(np.array(self.points, dtype=np.float64)))
            or (self.shape == "TEXT") != bool(self.text)
        ):
            raise Refused(
                "bad_annotation",
                "An annotation needs its points as finite numbers, and a text if it is text; draw"
                " it again.",
                "标注的点数或坐标无效，或文字标注缺少内容，请重新标注。",
                f"{self.shape} with {len(self.points)} points",
            )


@dataclass(frozen=True, slots=True)
class Shutter:
    """What is covered: outside a rectangle (upper left and lower right corner), a circle or polygon.

    Corners are indices of the outermost pixels shown; radius_px in pixels. Only one shape is
    given; the others are empty.
    """

    rectangle: tuple[tuple[int, int], tuple[int, int]] | None = None
    circle: tuple[tuple[int, int], int] | None = None
    polygon: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Presentation:
    """A window (centre, width) in the units of the images, marks and a shutter."""

    window: tuple[float, float] | None = None
    annotations: tuple[Annotation, ...] = ()
    shutter: Shutter | None = None


def presentation_state(
    sources: Iterable[str | Path | Dataset],
    shown: Presentation,
    series: SeriesIdentity,
    *,
    maker: Maker | None = None,
    label: str = "HEVESY",
    description: str = "",
    instance_number: int = 1,
) -> Dataset:
    """A presentation state for images of one series.

    label: Content Label, capitals. Raises `Refused`: no_sources, bad_annotation, bad_window,
    image_not_among_sources.
    """
    import highdicom

    maker = maker or Maker()
    images = headers(sources)
    by_uid = {str(one.SOPInstanceUID): one for one in images.found}
    layer = highdicom.pr.GraphicLayer(_LAYER, order=1)
    scales = [_scale(one) for one in images.found]
    if len(set(scales)) > 1:
        _without_scale(images.found)
    windows = _windows(shown.window, images.found, scales) if shown.window else None
    written: Dataset = highdicom.pr.GrayscaleSoftcopyPresentationState(
        referenced_images=images.found,
        content_label=label,
        content_description=description or series.description,
        graphic_layers=[layer] if shown.annotations else None,
        graphic_annotations=[_graphic(one, by_uid, layer) for one in shown.annotations] or None,
        voi_lut_transformations=windows,
        **maker.program(),
        **numbered(series, instance_number),
    )
    # Type 2C of the General Series: validators miss it where no body part is stated.
    written.Laterality = ""
    if shown.shutter is not None:
        _cover(written, shown.shutter)
    return finished(written, images, maker)


def _without_scale(found: list[Dataset]) -> None:
    for one in found:
        for keyword in ("RescaleSlope", "RescaleIntercept", "RescaleType"):
            if keyword in one:
                del one[keyword]


def _windows(
    window: tuple[float, float], found: list[Dataset], scales: list[tuple[float, float]]
) -> list[Any]:
    """The window once, or per image in stored values where each image has a scale of its own.

    A presentation state holds one Modality LUT for all its images, PET slices have a Rescale Slope
    each. Without Modality LUT a window means stored values (C.11.6), whatever the images state.
    """
    import highdicom

    centre, width = window
    if not (np.isfinite(centre) and np.isfinite(width) and width > 0):
        raise Refused(
            "bad_window",
            "The window needs a finite centre and a width above zero.",
            "窗位须为有限数值，窗宽须大于零。",
            f"{centre} / {width}",
        )
    transformation = highdicom.pr.SoftcopyVOILUTTransformation
    if len(set(scales)) == 1:
        return [transformation(window_center=centre, window_width=width)]
    answer = []
    for one, (slope, intercept) in zip(found, scales, strict=True):
        answer.append(
            transformation(
                window_center=(centre - intercept) / slope,
                window_width=width / slope,
                referenced_images=highdicom.ReferencedImageSequence([one]),
            )
        )
    return answer


def _scale(one: Dataset) -> tuple[float, float]:
    return float(one.get("RescaleSlope") or 1), float(one.get("RescaleIntercept") or 0)


def _graphic(one: Annotation, by_uid: dict[str, Dataset], layer: Any) -> Any:
    import highdicom

    image = by_uid.get(one.image)
    if image is None:
        raise Refused(
            "image_not_among_sources",
            "An annotation names an image that was not given; give all annotated images.",
            "标注所在的图像未提供，请提供全部有标注的图像。",
        )
    corners = np.array(one.points, dtype=np.float64) + 0.5
    size = np.array([image.Columns, image.Rows], dtype=np.float64)
    if np.any(corners < 0) or np.any(corners > size):
        raise Refused(
            "bad_annotation",
            "An annotation lies outside its image; draw it on the image.",
            "标注位于图像范围之外，请在图像上标注。",
        )
    texts, graphics = None, None
    if one.shape == "TEXT":
        x, y = (float(value) for value in corners[0])
        texts = [highdicom.pr.TextObject(one.text, units="PIXEL", anchor_point=(x, y))]
    else:
        graphics = [highdicom.pr.GraphicObject(one.shape, corners, units="PIXEL")]
    return highdicom.pr.GraphicAnnotation(
        referenced_images=[image],
        graphic_layer=layer,
        referenced_frame_number=one.frame,
        graphic_objects=graphics,
        text_objects=texts,
    )


def _cover(written: Dataset, shutter: Shutter) -> None:
    """The Display Shutter module (C.7.6.11); rows and columns count from 1."""
    shapes = []
    if shutter.rectangle is not None:
        (left, upper), (right, lower) = shutter.rectangle
        shapes.append("RECTANGULAR")
        # The edges themselves are covered: the first pixel shown is the next.
        written.ShutterLeftVerticalEdge, written.ShutterRightVerticalEdge = left, right + 2
        written.ShutterUpperHorizontalEdge, written.ShutterLowerHorizontalEdge = upper, lower + 2
    if shutter.circle is not None:
        (column, row), radius = shutter.circle
        shapes.append("CIRCULAR")
        written.CenterOfCircularShutter = [row + 1, column + 1]
        written.RadiusOfCircularShutter = radius
    if shutter.polygon:
        shapes.append("POLYGONAL")
        written.VerticesOfThePolygonalShutter = [
            value + 1 for column, row in shutter.polygon for value in (row, column)
        ]
    written.ShutterShape = shapes
    written.ShutterPresentationValue = 0


def read_presentation(
    path: str | Path, sources: Iterable[str | Path | Dataset] = ()
) -> Presentation:
    """Window, marks and shutter of a presentation state; other shapes are left out.

    A circle reads as an ellipse, text in a box as text at its upper left corner. sources: the
    images, needed where the state gives each its own window in stored values; the window is then
    that of the first of them in its units, else in stored values. Raises `ImageRefused`.
    """
    dataset = read_dataset(path)
    with refusing_what_pydicom_cannot_parse():
        marks = [
            mark for item in dataset.get("GraphicAnnotationSequence") or () for mark in _marks(item)
        ]
        return Presentation(
            _read_window(dataset, tuple(sources)), tuple(marks), _read_shutter(dataset)
        )


def _read_window(
    dataset: Dataset, sources: Sequence[str | Path | Dataset]
) -> tuple[float, float] | None:
    scales = {}
    if sources and "RescaleSlope" not in dataset:
        scales = {str(one.SOPInstanceUID): _scale(one) for one in headers(sources).found}
    for item in dataset.get("SoftcopyVOILUTSequence") or ():
        if "WindowCenter" in item:
            centre, width = _first(item.WindowCenter), _first(item.WindowWidth)
            named = next(iter(item.get("ReferencedImageSequence") or ()), Dataset())
            uid = str(named.get("ReferencedSOPInstanceUID", ""))
            slope, intercept = scales.get(uid, (1.0, 0.0))
            return centre * slope + intercept, width * slope
    return None


def _first(value: Any) -> float:
    return float(value if isinstance(value, str | float | int) else value[0])


def _marks(item: Dataset) -> list[Annotation]:
    found = []
    for image in item.get("ReferencedImageSequence") or ():
        uid, frame = str(image.ReferencedSOPInstanceUID), image.get("ReferencedFrameNumber")
        where = (uid, int(frame) if frame else None)
        for text in item.get("TextObjectSequence") or ():
            if text.get("AnchorPointAnnotationUnits") == "PIXEL":
                corner = text.AnchorPoint
            elif text.get("BoundingBoxAnnotationUnits") == "PIXEL":
                corner = text.BoundingBoxTopLeftHandCorner
            else:
                continue
            words = str(text.UnformattedTextValue)
            found.append(Annotation("TEXT", _points(corner), where[0], words, where[1]))
        for graphic in item.get("GraphicObjectSequence") or ():
            shape, points = str(graphic.GraphicType), _points(graphic.GraphicData)
            if shape == "CIRCLE":
                shape, points = "ELLIPSE", _circle(*points)
            if shape not in _POINTS or graphic.GraphicAnnotationUnits != "PIXEL":
                continue
            found.append(Annotation(cast("Shape", shape), points, where[0], frame=where[1]))
    return found


def _circle(centre: Point, edge: Point) -> tuple[Point, ...]:
    (x, y), radius = centre, math.dist(centre, edge)
    return (x - radius, y), (x + radius, y), (x, y - radius), (x, y + radius)


def _points(values: Sequence[float]) -> tuple[Point, ...]:
    numbers = [float(value) - 0.5 for value in values]
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def _read_shutter(dataset: Dataset) -> Shutter | None:
    if "ShutterShape" not in dataset:
        return None
    rectangle = circle = None
    polygon: tuple[tuple[int, int], ...] = ()
    if "ShutterLeftVerticalEdge" in dataset:
        rectangle = (
            (int(dataset.ShutterLeftVerticalEdge), int(dataset.ShutterUpperHorizontalEdge)),
            (
                int(dataset.ShutterRightVerticalEdge) - 2,
                int(dataset.ShutterLowerHorizontalEdge) - 2,
            ),
        )
    if "CenterOfCircularShutter" in dataset:
        row, column = (int(x) - 1 for x in dataset.CenterOfCircularShutter)
        circle = ((column, row), int(dataset.RadiusOfCircularShutter))
    if "VerticesOfThePolygonalShutter" in dataset:
        numbers = [int(x) - 1 for x in dataset.VerticesOfThePolygonalShutter]
        polygon = tuple(zip(numbers[1::2], numbers[::2], strict=True))
    return Shutter(rectangle, circle, polygon)
