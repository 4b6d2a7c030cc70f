"""Numbers for the viewer from `hevesy.imaging`, on the prepared volume (clause 6.15)."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Refused
from hevesy.foundation.files.store import store
from hevesy.imaging.geometry import Volume
from hevesy.imaging.quantify.roi import Ellipse, RegionRefused, ellipse_statistics
from hevesy.records.archive.models import PreparedVolume


class MeasureRefused(Refused):
    """The region cannot be measured; the message says why."""

    status = 422


@lru_cache(maxsize=4)
def _volume(content_id: str) -> Volume:
    """The prepared volume in display units: SUVbw where it is valid, else the units of the images.

    Integer HU are exact; others are off by at most half the quantisation step, 1/65534 of the largest value.
    """
    header = PreparedVolume.objects.filter(content_id=content_id).latest("id").header
    level = next(level for level in header["levels"] if level["name"] == "full")
    ni, nj, nk = level["shape"]
    bricks = []
    for brick in level["bricks"]:
        with store().open(header["stored"][brick["path"]]) as stream:
            bricks.append(np.frombuffer(gzip.decompress(stream.read()), dtype="<i2"))
    values = np.concatenate(bricks).reshape(nk, nj, ni).astype(np.float32)
    suv = header.get("suv") or {}
    factor = suv.get("bw_factor")
    values *= header["slope"] * (factor or 1.0)
    return Volume(
        array=values + header["intercept"],
        ijk_to_lps=np.array(level["ijk_to_lps"], dtype=np.float64).reshape(4, 4),
        units="SUVbw" if factor else header["units"],
        modality=header["modality"],
        frame_of_reference_uid=header["frame_of_reference_uid"],
        series_instance_uid=header["series_instance_uid"],
    )


def measure(volume: PreparedVolume, request: Mapping[str, Any]) -> dict[str, Any]:
    """Statistics of the region that the viewer asks for (docs/guides/volume-transport.md)."""
    if request.get("kind") != "ellipse":
        raise MeasureRefused(_("This kind of region cannot be measured yet."))
    try:
        ellipse = Ellipse(
            centre_lps=_three(request["centre_lps"]),
            axis_u=_three(request["axis_u"]),
            axis_v=_three(request["axis_v"]),
            radius_u_mm=float(request["radius_u_mm"]),
            radius_v_mm=float(request["radius_v_mm"]),
        )
        return ellipse_statistics(_volume(volume.content_id), ellipse).as_json()
    except RegionRefused as refusal:
        english = (get_language() or "").startswith("en")
        raise MeasureRefused(refusal.text_en if english else refusal.text_zh) from refusal
    except (KeyError, TypeError, ValueError) as fault:
        raise MeasureRefused(_("The region is not described completely.")) from fault


def _three(values: Any) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z
