"""What the verbs that make pictures read: one series of a folder, a PET in SUV."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydicom.dataset import Dataset

from hevesy.imaging.commands import complain
from hevesy.imaging.dicomio import ImageRefused, read_dataset, read_series, require_whole
from hevesy.imaging.geometry import Volume
from hevesy.imaging.quantify.suv import apply_suv, suv_factor
from hevesy.imaging.refusal import Refused

EMISSION: Final = ("PT", "NM")
ANATOMY: Final = ("CT", "MR")


def one_series(
    folder: Path, modalities: tuple[str, ...], uid: str | None = None, *, whole: bool = True
) -> tuple[Volume, Dataset]:
    """The one series of these modalities in a folder, and one of its headers.

    whole: refuse one that is a single slice or misses slices inside.
    """
    series: dict[str, list[Path]] = {}
    headers = {}
    for path in _files(folder):
        try:
            header = read_dataset(path, with_pixels=False)
        except ImageRefused as error:
            complain(f"{path}: {error}")
            continue
        own = str(header.get("SeriesInstanceUID", ""))
        if header.get("Modality") in modalities and uid in (None, own):
            series.setdefault(own, []).append(path)
            headers[own] = header
    kinds = "/".join(modalities)
    if not series:
        raise Refused(
            "series_not_found",
            f"The folder holds no {kinds} series that fits; check folder and --series.",
            f"该文件夹中没有符合条件的 {kinds} 序列；请检查文件夹和 --series。",
        )
    if len(series) > 1:
        raise Refused(
            "several_series",
            f"The folder holds several {kinds} series; name one with --series UID or give its"
            " own folder.",
            f"该文件夹中有多个 {kinds} 序列；请用 --series UID 指定一个，或给出其所在文件夹。",
            ", ".join(f"{own} {headers[own].get('SeriesDescription', '')}" for own in series),
        )
    ((own, paths),) = series.items()
    complain(f"reading {len(paths)} files of {kinds}")
    volume = read_series(paths)
    if whole:
        require_whole(volume)
    return volume, headers[own]


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_file():
        yield folder
        return
    yield from (path for path in sorted(folder.rglob("*")) if path.is_file())


def in_suv(volume: Volume) -> tuple[Volume, list[dict[str, Any]]]:
    """A PET in SUVbw where its header gives it, else as it is; and what a reader should know."""
    warnings = [
        {"key": one.key, "text_en": one.text_en, "text_zh": one.text_zh} for one in volume.findings
    ]
    if volume.modality != "PT":
        return volume, warnings
    factor = suv_factor(volume.headers)
    if factor.per_slice:
        return apply_suv(volume, factor), warnings
    warnings.append(
        {
            "key": f"no_suv_{factor.refused}",
            "text_en": f"SUV cannot be computed; values are in {volume.units}.",
            "text_zh": f"无法计算 SUV，数值单位为 {volume.units}。",
        }
    )
    complain(warnings[-1]["text_en"])
    return volume, warnings


def require_one_frame(one: Volume, other: Volume) -> None:
    """Raise `Refused` unless both series have one frame of reference."""
    if one.frame_of_reference_uid != other.frame_of_reference_uid:
        raise Refused(
            "frames_of_reference_differ",
            f"{one.modality} and {other.modality} do not share a frame of reference; register them"
            " first.",
            f"{one.modality} 与 {other.modality} 不在同一参考坐标系；请先配准。",
        )
