"""What the threshold rules need to know of a lesion: its hottest voxel, peak and background."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.geometry import Volume
from hevesy.imaging.quantify.peak import peak
from hevesy.imaging.quantify.voi import Mask, Voi
from hevesy.imaging.refusal import Refused
from hevesy.imaging.segment.components import components_of

# The shell of the background: one voxel free, then two voxels thick.
_GAP: Final = 1
_THICK: Final = 2
# Above this a voxel near a lesion is taken for another lesion or organ.
_NO_BACKGROUND_ABOVE: Final = 2.5
_LEAST_SHELL_VOXELS: Final = 10


@dataclass(frozen=True, slots=True, eq=False)
class References:
    """What rules compare a lesion with, in the units of the volume.

    liver, blood_pool: (mean, population SD) of the reference regions. fwhm_mm: resolution of the
    images. others: mask [k, j, i] of what is known to be no background (other lesions, organs).
    """

    liver: tuple[float, float] | None = None
    blood_pool: tuple[float, float] | None = None
    fwhm_mm: float | None = None
    others: Mask | None = None

    def liver_or_refuse(self) -> tuple[float, float]:
        """Liver mean and SD; raises `Refused` if not given."""
        if self.liver is None:
            raise Refused(
                "no_liver_reference",
                "This rule compares with the liver; place the liver region first.",
                "该规则以肝脏为参照，请先放置肝脏感兴趣区。",
            )
        return self.liver

    def blood_pool_or_refuse(self) -> tuple[float, float]:
        """Blood pool mean and SD; raises `Refused` if not given."""
        if self.blood_pool is None:
            raise Refused(
                "no_blood_pool_reference",
                "This rule compares with the blood pool; place the region in the aorta first.",
                "该规则以血池为参照，请先在主动脉内放置感兴趣区。",
            )
        return self.blood_pool

    def fwhm_or_refuse(self) -> float:
        """Resolution in mm; raises `Refused` if not given or not positive."""
        if self.fwhm_mm is None or not self.fwhm_mm > 0:
            raise Refused(
                "no_resolution",
                "This rule needs the resolution (FWHM in mm) of the images; state it.",
                "该规则需要图像的分辨率（FWHM，mm），请填写。",
            )
        return self.fwhm_mm


class Lesion:
    """A region of a volume in which one lesion lies; arrays are over a box around the region.

    used: values that a rule looked up, for its result.
    """

    def __init__(self, volume: Volume, region: Voi, others: Mask | None) -> None:
        values = region.values(volume)
        self._volume, self._region = volume, region
        # Room for the shell around the region, and for the smoothing of gradients.
        self._box = region.grown(_GAP + _THICK + 3)
        self.crop = volume.array[self._box]
        self.mask = np.zeros(self.crop.shape, dtype=np.bool_)
        inner = tuple(
            slice(own.start - big.start, own.stop - big.start)
            for own, big in zip(region.box, self._box, strict=True)
        )
        self.mask[inner] = region.mask
        self._others = (
            np.zeros_like(self.mask) if others is None else np.asarray(others[self._box], np.bool_)
        )
        self.values: npt.NDArray[np.float64] = values
        self.max = float(values.max())
        self.voxel_mm3 = volume.voxel_mm3
        self._seed = tuple(np.argwhere(self.mask & (self.crop == self.max))[0])
        self._background: float | None = None
        self.used: dict[str, Any] = {}
        if self.max <= 0:
            raise Refused(
                "no_uptake",
                "The region has no uptake above zero; choose another region.",
                "区域内没有大于零的摄取，请另选区域。",
            )

    def above(self, level: float) -> Mask:
        """Voxels of the region at or above a level, connected with the hottest voxel."""
        # In the type of the image, as the labeller compares: 4.1 means float32(4.1).
        return self.connected(self.mask & (self.crop >= self.crop.dtype.type(level)))

    def connected(self, chosen: Mask) -> Mask:
        """The 26-connected part of `chosen` that holds the hottest voxel; empty if none does."""
        answer = np.zeros_like(self.mask)
        if chosen[self._seed]:
            parts = components_of(chosen, self.crop)
            labels = parts.label_volume()
            answer = labels == labels[self._seed]
        return answer

    def grown(self, chosen: Mask, voxels: int) -> Mask:
        """A mask with every voxel at most so many steps (26 neighbours) away."""
        from scipy.ndimage import binary_dilation

        full = np.ones((3, 3, 3), dtype=np.bool_)
        return np.asarray(binary_dilation(chosen, full, iterations=voxels), dtype=np.bool_)

    def background(self) -> float:
        """Mean of a shell around the 41 % region: one voxel free, then two voxels thick.

        Voxels above 2.5 and those of other lesions do not count. Raises `Refused` if fewer than
        ten remain.
        """
        if self._background is None:
            core = self.above(0.41 * self.max)
            shell = self.grown(core, _GAP + _THICK) & ~self.grown(core, _GAP)
            values = self.crop[shell & ~self._others & (self.crop <= _NO_BACKGROUND_ABOVE)]
            if len(values) < _LEAST_SHELL_VOXELS:
                raise Refused(
                    "no_background",
                    "There is no background around the lesion, only other uptake; choose a rule"
                    " without background.",
                    "病灶周围没有可用的本底，请改用不依赖本底的规则。",
                    f"{len(values)} voxels",
                )
            self._background = float(values.mean(dtype=np.float64))
            self.used |= {"background": self._background, "background_voxels": len(values)}
        return self._background

    def peak(self) -> float:
        """SUVpeak of the region by the default rule."""
        found = peak(self._volume, self._region).value
        self.used["peak"] = found
        return found

    def voi(self, mask: Mask) -> Voi:
        """A mask over the box as a region of the volume."""
        whole = np.zeros(self._volume.array.shape, dtype=np.bool_)
        whole[self._box] = mask
        return Voi.of_mask(whole)
