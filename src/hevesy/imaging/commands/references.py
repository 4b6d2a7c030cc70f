"""Reference regions that somebody drew, and the width of a filter, for `lesions` and `measure`."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Final

from hevesy.imaging.commands import complain
from hevesy.imaging.dicomio.masks import read_masks
from hevesy.imaging.geometry import Volume
from hevesy.imaging.quantify.voi import Voi
from hevesy.imaging.refusal import Refused
from hevesy.imaging.segment.lesions.references import Reference, drawn_reference

_NAMES: Final = {
    "liver": ("liver", "肝"),
    "blood pool": ("blood", "aorta", "mediastin", "血", "主动脉", "纵隔"),
}


def add_reference_arguments(parser: ArgumentParser) -> None:
    """Declare what the rules LIV, LIVm, LIV3, MBP and ITM compare with, and the filter."""
    parser.add_argument("--liver", type=Path, metavar="FILE", help="drawn liver, as a mask")
    parser.add_argument("--blood-pool", type=Path, metavar="FILE", help="drawn blood pool")
    parser.add_argument(
        "--resolution-mm", type=_width, metavar="FWHM", help="of the images, for the rule ITM"
    )
    parser.add_argument(
        "--harmonise",
        metavar="FWHM_MM",
        help="also measure a PET filtered by this Gaussian; or FILE.toml:NAME",
    )


def reference(path: Path | None, pet: Volume, organ: str) -> Reference | None:
    """The drawn region of a file: its only one, or the only one named after the organ."""
    if path is None:
        return None
    complain(f"reading {organ} from {path}")
    masks = read_masks(path, pet)
    if len(masks) > 1:
        masks = tuple(
            one for one in masks if any(word in one.name.lower() for word in _NAMES[organ])
        )
    if len(masks) != 1:
        raise Refused(
            "which_reference_region",
            f"The file must hold one region, or one named after the {organ}.",
            f"文件应只含一个区域，或仅一个以“{_NAMES[organ][-1]}”命名的区域。",
            f"{len(masks)} fit",
        )
    return drawn_reference(pet, Voi.of_mask(masks[0].array), organ)


def _width(text: str) -> float:
    width = float(text)
    if not 0 < width <= 30:
        raise ArgumentTypeError("a resolution lies above 0 and at most 30 mm")
    return width
