"""Why a registration was refused."""

from __future__ import annotations

from typing import Final

from hevesy.imaging.refusal import Refused

_TEXTS: Final = {
    "one_slice": (
        "The series has one slice; registration needs a volume. Choose the series with all slices.",
        "该序列只有一层，配准需要完整的容积，请选择包含全部断层的序列。",
    ),
    "too_thin": (
        "The volume is too thin to be registered by its content; place landmarks or align by hand.",
        "容积过薄，无法按图像内容配准；请使用标志点或手动对齐。",
    ),
    "constant": (
        "All voxels of the volume have one value; there is nothing to align. Choose another series.",
        "容积中所有体素值相同，没有可供配准的内容，请选择其他序列。",
    ),
    "not_finite": (
        "The volume holds values that are no numbers; export the series again.",
        "容积中含有非数值，请重新导出该序列。",
    ),
    "no_body": (
        "No body was found in the volume; choose another series or place landmarks.",
        "容积中未找到人体，请选择其他序列或使用标志点配准。",
    ),
    "no_overlap": (
        "The two volumes do not overlap in the given start position; move one onto the other by"
        " hand, or start automatically without it.",
        "按给定的起始位置，两个容积没有重叠；请先手动移到一起，或不指定起始位置重新自动配准。",
    ),
    "no_match": (
        "No position was found in which the two volumes can be compared; place landmarks.",
        "未找到两个容积可以比较的位置，请使用标志点配准。",
    ),
    "region_empty": (
        "The region box holds none of the body of the fixed volume; draw it over the body.",
        "所选区域内没有固定容积的人体部分，请在人体上重新绘制区域。",
    ),
    "not_rigid": (
        "The start matrix is no rotation with a shift (it mirrors, scales or shears); give a rigid"
        " 4x4 matrix in LPS millimetres.",
        "起始矩阵不是旋转加平移（含镜像、缩放或剪切），请给出 LPS 毫米坐标下的刚性 4×4 矩阵。",
    ),
    "too_few_landmarks": (
        "At least three pairs of landmarks are needed; place more.",
        "至少需要三对标志点，请继续放置。",
    ),
    "unpaired_landmarks": (
        "The landmarks of the two volumes are not pairs of finite points; place as many on each.",
        "两个容积的标志点不成对或坐标无效，请在两侧放置相同数量的标志点。",
    ),
    "collinear_landmarks": (
        "The landmarks lie on one line or at one place, so the rotation is open; place one beside it.",
        "标志点共线或重合，无法确定旋转；请在线外再放置一对标志点。",
    ),
    "mirrored_landmarks": (
        "The landmarks fit a mirror image far better than a rotation: left and right are exchanged;"
        " check the sides of the pairs.",
        "标志点更符合镜像而非旋转：左右颠倒，请核对各对标志点的侧别。",
    ),
    "affine_only_ct": (
        "Affine registration is offered between CT and CT alone; use rigid.",
        "仿射配准仅用于 CT 与 CT 之间，请使用刚性配准。",
    ),
    "unknown_method": (
        "The method is none of rigid, affine, deformable and landmarks.",
        "配准方法只能是 rigid、affine、deformable 或 landmarks。",
    ),
    "landmark_file": (
        "The landmark file is not a JSON list of {fixed_lps_mm: [x, y, z], moving_lps_mm: [x, y, z]}.",
        "标志点文件不是 {fixed_lps_mm: [x, y, z], moving_lps_mm: [x, y, z]} 组成的 JSON 列表。",
    ),
}


class RegistrationRefused(Refused):
    """A registration that was not attempted or gave no answer; see `refusal.Refused`."""


def refused(key: str, detail: str = "") -> RegistrationRefused:
    """The refusal of a key, to be raised."""
    return RegistrationRefused(key, *_TEXTS[key], detail)
