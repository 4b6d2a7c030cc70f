"""Regions of interest on planar images, as a person drew them and may redraw them.

One schema for every study (`hevesy-regions/1`), so that a region can be kept, edited and used
again. Pixel coordinates are (x, y) = (column, row); whole numbers are the *centres* of pixels, so
that the first pixel reaches from -0.5 to 0.5. A pixel belongs to a region if its centre does;
no pixel is shared out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from hevesy.imaging.analyse.shapes import (
    RegionRefused,
    Shape,
    refuse_shape,
    shape_from_json,
)

SCHEMA: Final = "hevesy-regions/1"
Bools: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Region:
    """One region: what it is called, what it stands for, where it is, and when it holds.

    role: what a study looks for, such as "left_kidney" (each study names its roles). frames: first
    and last frame for which it holds, 0-based and inclusive; None for all of them. Several regions
    of one role with different frames make a region that moves, as a beating heart needs. view:
    "anterior", "posterior" or another name of a view; empty where the study has one view, or where
    the region holds for all of them.
    """

    name: str
    role: str
    shape: Shape
    frames: tuple[int, int] | None = None
    view: str = ""

    def __post_init__(self) -> None:
        if not self.role.strip():
            refuse_shape("a region without a role")
        if self.frames is not None:
            first, last = self.frames
            if not 0 <= first <= last:
                refuse_shape(f"{self.role}: frames {first} to {last}")

    def holds_for(self, frame: int) -> bool:
        """Whether the region is meant for that frame (0-based)."""
        return self.frames is None or self.frames[0] <= frame <= self.frames[1]

    def mask(self, rows: int, columns: int) -> Bools:
        """Its pixels in an image of that size, (rows, columns).

        Raises `RegionRefused`: `region_outside` where the shape leaves the image (counts would be
        missing unseen), `region_empty` where it holds no pixel.
        """
        inside = self.shape.mask(rows, columns)
        if not inside.any():
            raise RegionRefused(
                "region_empty",
                f"The region “{self.name}” holds no pixel centre: draw it larger.",
                f"感兴趣区“{self.name}”内没有像素，请重新勾画。",
                self.role,
            )
        return inside

    def as_json(self) -> dict[str, Any]:
        """The region as the schema writes it."""
        return {
            "name": self.name,
            "role": self.role,
            "view": self.view,
            "frames": list(self.frames) if self.frames else None,
            "shape": self.shape.as_json(),
        }

    @classmethod
    def from_json(cls, given: Any) -> Self:
        """Read one region; raises `RegionRefused` (`bad_regions`) naming what is wrong."""
        if not isinstance(given, Mapping):
            refuse_shape("a region must be an object")
        role = given.get("role")
        if not isinstance(role, str):
            refuse_shape("a region without a role")
        frames = given.get("frames")
        if frames is not None and not (
            isinstance(frames, Sequence)
            and len(frames) == 2
            and all(isinstance(one, int) and not isinstance(one, bool) for one in frames)
        ):
            refuse_shape(f"{role}: frames must be [first, last]")
        return cls(
            name=str(given.get("name") or role),
            role=role,
            shape=shape_from_json(given.get("shape"), role),
            frames=(frames[0], frames[1]) if frames is not None else None,
            view=str(given.get("view") or ""),
        )


@dataclass(frozen=True, slots=True)
class RegionSet:
    """The regions of a study, drawn on images of `rows` x `columns` pixels."""

    rows: int
    columns: int
    regions: tuple[Region, ...]

    def of(self, role: str, *, view: str = "") -> tuple[Region, ...]:
        """All regions of a role that hold for a view, in the order drawn; possibly none.

        Regions drawn for exactly that view go before those that hold for every view.
        """
        fitting = [one for one in self.regions if one.role == role]
        exact = [one for one in fitting if one.view == view]
        return tuple(exact or [one for one in fitting if not one.view or not view])

    def has(self, role: str, *, view: str = "") -> bool:
        """Whether a region of that role was drawn."""
        return bool(self.of(role, view=view))

    def one(self, role: str, *, view: str = "") -> Region:
        """The single region of a role. Raises `RegionRefused` if none, or more than one, is."""
        found = self.of(role, view=view)
        if len(found) == 1:
            return found[0]
        where = f" ({view})" if view else ""
        if not found:
            raise RegionRefused(
                "region_missing",
                f"The study needs a region with the role “{role}”{where}: draw it first.",
                f"缺少角色为“{role}”{where}的感兴趣区，请先勾画。",
                role,
            )
        raise RegionRefused(
            "region_ambiguous",
            f"There are {len(found)} regions with the role “{role}”{where}: keep one of them.",
            f"角色为“{role}”{where}的感兴趣区有 {len(found)} 个，请只保留一个。",
            role,
        )

    def mask(self, role: str, *, view: str = "", frame: int | None = None) -> Bools:
        """Pixels of the single region of a role, (rows, columns); of those for `frame` if given."""
        if frame is not None:
            found = [one for one in self.of(role, view=view) if one.holds_for(frame)]
            if len(found) != 1:
                raise RegionRefused(
                    "region_frames",
                    f"Frame {frame} has {len(found)} regions with the role “{role}”: "
                    "every frame needs exactly one.",
                    f"第 {frame} 帧有 {len(found)} 个角色为“{role}”的感兴趣区，每帧须恰有一个。",
                    role,
                )
            return found[0].mask(self.rows, self.columns)
        return self.one(role, view=view).mask(self.rows, self.columns)

    def fits(self, rows: int, columns: int) -> None:
        """Refuse (`region_matrix`) images of another size than the regions were drawn on."""
        if (rows, columns) != (self.rows, self.columns):
            raise RegionRefused(
                "region_matrix",
                f"The regions were drawn on {self.columns} x {self.rows} pixels, the image has "
                f"{columns} x {rows}: draw them on this image.",
                f"感兴趣区的矩阵为 {self.columns} x {self.rows}，图像为 {columns} x {rows}，"
                "请在该图像上重新勾画。",
            )

    def as_json(self) -> dict[str, Any]:
        """The whole set as the schema writes it."""
        return {
            "schema": SCHEMA,
            "rows": self.rows,
            "columns": self.columns,
            "regions": [one.as_json() for one in self.regions],
        }

    @classmethod
    def from_json(cls, given: Any) -> Self:
        """Read a set; raises `RegionRefused` naming what is wrong with it.

        Every region is tried on the image size, so that a bad one is named here and not later.
        """
        if not isinstance(given, Mapping) or given.get("schema") != SCHEMA:
            refuse_shape(f'the file must say "schema": "{SCHEMA}"')
        rows, columns = given.get("rows"), given.get("columns")
        if not (type(rows) is int and type(columns) is int and 0 < rows < 65536 > columns > 0):
            refuse_shape("rows and columns must be whole numbers from 1 to 65535")
        listed = given.get("regions")
        if not isinstance(listed, Sequence) or isinstance(listed, str):
            refuse_shape("regions must be a list")
        made = cls(rows, columns, tuple(Region.from_json(one) for one in listed))
        for one in made.regions:
            one.mask(rows, columns)
        return made


def read_regions(path: Path) -> RegionSet:
    """Read a region file (JSON, `hevesy-regions/1`). Raises `RegionRefused`, OSError."""
    try:
        given = json.loads(path.read_text("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        refuse_shape(f"not JSON: {error}")
    return RegionSet.from_json(given)
