"""`hevesy image analyse thyroid`: by probe from counts alone, by camera with FILE and --rois."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path
from typing import Final

from hevesy.imaging.analyse.acquired import acquired, half_life_of
from hevesy.imaging.analyse.outcome import Measure, Outcome
from hevesy.imaging.analyse.regions import read_regions
from hevesy.imaging.analyse.thyroid import (
    Counted,
    camera_uptake,
    lobe_volume_ml,
    probe_uptake,
    therapy_activity_mbq,
)
from hevesy.imaging.commands.studies import given
from hevesy.imaging.nuclides import UnknownNuclide, half_life_s
from hevesy.imaging.refusal import Refused

HELP: Final = (
    "Thyroid uptake. By probe: --neck, --thigh, --capsule, --room. By camera: FILE, --rois (roles"
    " thyroid, background), --syringe-counts, --empty-counts."
)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("files", nargs="?", type=Path, metavar="FILE", help="camera image")
    parser.add_argument("--rois", type=Path, metavar="FILE")
    parser.add_argument("--view", default="")
    parser.add_argument("--nuclide", help="probe: I-131 if not given; camera: the header's")
    probe = parser.add_argument_group("probe, counts")
    for name in ("neck", "thigh", "capsule", "room"):
        probe.add_argument(f"--{name}", type=float)
    probe.add_argument("--count-s", type=given.positive, default=60.0, help="time of each")
    probe.add_argument("--hours", type=given.positive, help="capsule counted to neck counted")
    camera = parser.add_argument_group("camera")
    camera.add_argument("--syringe-counts", type=float)
    camera.add_argument("--empty-counts", type=float)
    camera.add_argument("--camera-background-counts", type=float, default=0.0)
    camera.add_argument("--syringe-s", type=given.positive, default=60.0, help="time of each")
    camera.add_argument("--full-before-s", type=float, default=0.0, help="before injection")
    camera.add_argument("--empty-after-s", type=float, default=0.0, help="after injection")
    camera.add_argument("--image-after-s", type=float, default=1200.0, help="after injection")
    gland = parser.add_argument_group("gland and therapy")
    gland.add_argument(
        "--lobe-cm", type=given.positive, nargs=3, action="append", metavar=("A", "B", "C")
    )
    gland.add_argument("--mbq-per-g", type=given.positive, help="wanted in the gland")


def outcome(arguments: Namespace) -> Outcome:
    """The answer."""
    found = _by_camera(arguments) if arguments.files else _by_probe(arguments)
    extra = []
    if arguments.lobe_cm:
        volume = sum(lobe_volume_ml(*lobe) for lobe in arguments.lobe_cm)
        extra.append(Measure("volume_ml", volume, "mL", "Gland volume", "甲状腺体积"))
        if arguments.mbq_per_g:
            activity = therapy_activity_mbq(
                mass_g=volume,
                mbq_per_g=arguments.mbq_per_g,
                uptake_percent=found.value("uptake_percent") or 0.0,
            )
            extra.append(
                Measure("therapy_mbq", activity, "MBq", "I-131 for that", "所需碘-131 活度")
            )
    return replace(found, measures=(*found.measures, *extra))


def _by_probe(arguments: Namespace) -> Outcome:
    stated = {name: getattr(arguments, name) for name in ("neck", "thigh", "capsule", "room")}
    _all_given(stated | {"hours": arguments.hours})
    try:
        half_life = half_life_s(arguments.nuclide or "I-131")
    except UnknownNuclide as unknown:
        raise Refused(
            "nuclide_unknown",
            "The nuclide is not known: name it, for example I-131.",
            "无法识别核素，请指定，例如 I-131。",
            str(unknown),
        ) from None
    return probe_uptake(
        **{name: Counted(counts, arguments.count_s) for name, counts in stated.items()},
        half_life_s=half_life,
        capsule_to_neck_s=3600.0 * arguments.hours,
        hours=arguments.hours,
    )


def _by_camera(arguments: Namespace) -> Outcome:
    _all_given(
        {
            "rois": arguments.rois,
            "syringe-counts": arguments.syringe_counts,
            "empty-counts": arguments.empty_counts,
        }
    )
    series = given.read(arguments, arguments.files)
    return camera_uptake(
        acquired(series, view=arguments.view),
        read_regions(arguments.rois),
        full=Counted(arguments.syringe_counts, arguments.syringe_s),
        empty=Counted(arguments.empty_counts, arguments.syringe_s),
        camera_background=Counted(arguments.camera_background_counts, arguments.syringe_s),
        half_life_s=half_life_of(series, arguments.nuclide),
        full_to_injection_s=arguments.full_before_s,
        injection_to_empty_s=arguments.empty_after_s,
        injection_to_image_s=arguments.image_after_s,
    )


def _all_given(stated: dict[str, object]) -> None:
    missing = [f"--{name}" for name, value in stated.items() if value is None]
    if missing:
        raise Refused(
            "options_missing",
            f"Also needed: {', '.join(missing)}.",
            f"还需要：{'、'.join(missing)}。",
        )
