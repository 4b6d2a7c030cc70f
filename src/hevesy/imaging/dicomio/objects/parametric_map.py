"""Calculated volumes (SUV, Ki, z-score) as a Parametric Map of 32-bit floats, and back.

PS3.3 A.75 and C.8.32. The stored floats are the values themselves: the Real World Value Mapping
has slope 1 and names the quantity and its unit from measures.toml.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from hevesy.imaging.dicomio.guards import DEFAULT_LIMITS, Limits, read_dataset
from hevesy.imaging.dicomio.headers import ucum
from hevesy.imaging.dicomio.identity import SeriesIdentity
from hevesy.imaging.dicomio.masks.mask import slice_origins
from hevesy.imaging.dicomio.objects.measures import key_of, measure, measures
from hevesy.imaging.dicomio.objects.sources import (
    Maker,
    as_referenced,
    finished,
    headers,
    numbered,
    per_slice,
    placed,
)
from hevesy.imaging.dicomio.refusal import ImageRefused, refusing_what_pydicom_cannot_parse
from hevesy.imaging.dicomio.series import read_series
from hevesy.imaging.geometry import Volume
from hevesy.imaging.refusal import Refused


def parametric_map(
    volume: Volume,
    sources: Iterable[str | Path | Dataset],
    quantity: str,
    series: SeriesIdentity,
    *,
    window: tuple[float, float],
    maker: Maker | None = None,
    description: str = "",
    instance_number: int = 1,
) -> Dataset:
    """A Parametric Map of a volume on the grid of its sources, exact to float32.

    quantity: key of measures.toml. window: centre and width to show it with. Raises `Refused`:
    unknown_measure, not_a_number, wrong_frame_of_reference, sources_do_not_fit.
    """
    import highdicom

    maker = maker or Maker()
    row = measure(quantity)
    values = np.ascontiguousarray(volume.array, dtype=np.float32)
    if not np.all(np.isfinite(values)):
        raise Refused(
            "not_a_number",
            "The volume holds voxels that are no finite number; give them a value first.",
            "容积中存在非有限数值的体素，请先赋值。",
        )
    images = headers(sources)
    planes = per_slice(volume, images)
    used = [k for k, one in enumerate(planes) if one is not None]
    origins = slice_origins(volume)
    written: Dataset = highdicom.pm.ParametricMap(
        source_images=[planes[k] for k in used],
        pixel_array=values[used],
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[
            highdicom.pm.RealWorldValueMapping(
                lut_label=quantity.upper()[:16],
                lut_explanation=row.code[2],
                unit=highdicom.sr.CodedConcept(*row.unit),
                value_range=(float(values.min()), float(values.max())),
                slope=1.0,
                intercept=0.0,
                quantity_definition=highdicom.sr.CodedConcept(*row.code),
            )
        ],
        voi_lut_transformations=[
            highdicom.VOILUTTransformation(window_center=window[0], window_width=window[1])
        ],
        content_label="PARAMETRIC_MAP",
        content_description=description or series.description,
        **placed(volume, origins, used),
        **maker.program(),
        **numbered(series, instance_number),
    )
    # Type 2C of the General Series: validators miss it where no body part is stated.
    written.Laterality = ""
    as_referenced(written, volume, images)
    return finished(written, images, maker)


def read_parametric_map(path: str | Path, *, limits: Limits = DEFAULT_LIMITS) -> tuple[Volume, str]:
    """The real-world values as a volume, and the quantity: a key of measures.toml or a code value.

    units of the volume: the UCUM code that the map states, its annotation behind it. One linear
    mapping for all frames; raises `ImageRefused` for others.
    """
    dataset = read_dataset(path, limits=limits)
    with refusing_what_pydicom_cannot_parse():
        item = _mapping(dataset)
        slope, intercept = float(item.RealWorldValueSlope), float(item.RealWorldValueIntercept)
        unit = ucum(str(item.MeasurementUnitsCodeSequence[0].CodeValue))
        quantity = ""
        for one in item.get("QuantityDefinitionSequence") or ():
            code = one.ConceptCodeSequence[0]
            name = (str(code.CodeValue), str(code.CodingSchemeDesignator), "")
            quantity = key_of(name, {key: row.code for key, row in measures().items()})
    volume = read_series([dataset], limits=limits)
    if (slope, intercept) != (1.0, 0.0):
        volume = volume.with_values(volume.array * slope + intercept, units=unit)
    return volume.with_values(volume.array, units=unit), quantity


def _mapping(dataset: Dataset) -> Dataset:
    shared = dataset.SharedFunctionalGroupsSequence[0]
    groups = [shared, *dataset.PerFrameFunctionalGroupsSequence]
    found = [
        item
        for group in groups
        for item in list(group.get("RealWorldValueMappingSequence") or ())[:1]
    ]
    same = {
        (
            item.get("RealWorldValueSlope"),
            item.get("RealWorldValueIntercept"),
            str(item.MeasurementUnitsCodeSequence[0].CodeValue),
        )
        for item in found
    }
    if len(same) != 1 or None in next(iter(same)):
        raise ImageRefused("bad_pixel_attributes", "no single linear real-world value mapping")
    return found[0]
