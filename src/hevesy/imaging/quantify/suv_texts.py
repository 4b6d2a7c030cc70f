"""What the SUV computation says: reasons to refuse, and warnings, in English and Chinese."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from hevesy.imaging.refusal import Refused

REFUSALS: Final = {
    "not_pet": (
        "SUV exists for PET only.",
        "只有 PET 图像才能计算 SUV。",
    ),
    "units_unsupported": (
        "The units of the image cannot be turned into SUV; values are shown as stored.",
        "图像单位不能换算为 SUV，按原始值显示。",
    ),
    "philips_factor_missing": (
        "The image is in counts and holds no Philips SUV or activity factor.",
        "图像单位为计数，且缺少飞利浦 SUV 系数或活度系数，不能计算 SUV。",
    ),
    "suv_type_unknown": (
        "The SUV type of the image is unknown.",
        "图像的 SUV 类型未知，不能换算为体重 SUV。",
    ),
    "attenuation_not_corrected": (
        "The image is not corrected for attenuation.",
        "图像未做衰减校正，不能计算 SUV。",
    ),
    "decay_not_corrected": (
        "The image claims no decay correction although a reference time is stated.",
        "图像标注了衰变校正参考时间，但校正列表中没有衰变校正，不能计算 SUV。",
    ),
    "decay_correction_unknown": (
        "The header does not say to which time decay was corrected.",
        "头文件未说明衰变校正到哪个时刻，不能计算 SUV。",
    ),
    "weight_missing": (
        "The patient's weight is missing; enter it to get SUV.",
        "缺少患者体重，请补录体重后再计算 SUV。",
    ),
    "size_missing": (
        "The patient's height is missing; it is needed for this SUV type.",
        "缺少患者身高，该 SUV 类型需要身高，请补录。",
    ),
    "dose_missing": (
        "The administered activity is missing; enter it to get SUV.",
        "缺少注射活度，请补录注射活度后再计算 SUV。",
    ),
    "half_life_missing": (
        "The half-life is missing and the nuclide is unknown.",
        "缺少半衰期且核素未知，不能计算 SUV。",
    ),
    "injection_time_missing": (
        "The injection time is missing; enter it to get SUV.",
        "缺少注射时间，请补录注射时间后再计算 SUV。",
    ),
    "injection_date_missing": (
        "Only the time of day of the injection is known, and the nuclide lives for days; enter the"
        " date of injection to get SUV.",
        "头文件仅有注射时刻而无日期，且该核素半衰期长，请补录注射日期后再计算 SUV。",
    ),
    "reference_time_missing": (
        "The time to which the voxel values refer is missing.",
        "缺少图像的衰变参考时间，不能计算 SUV。",
    ),
    "injected_after_scan": (
        "The injection time lies after the scan; correct one of the two.",
        "注射时间晚于扫描时间，请核对并更正。",
    ),
    "several_injections": (
        "The header names several injections; choose which one applies.",
        "头文件中有多次注射记录，请选择适用的一次。",
    ),
    "headers_disagree": (
        "The slices of the series contradict each other in weight, activity or units.",
        "序列内各层的体重、活度或单位互相矛盾，不能计算 SUV。",
    ),
}

WARNINGS: Final = {
    "dose_in_mbq": (
        "The administered activity looks like MBq and was read as MBq.",
        "注射活度数值过小，已按 MBq 解读，请核对。",
    ),
    "size_in_cm": (
        "The height looks like centimetres and was read so.",
        "身高数值过大，已按厘米解读，请核对。",
    ),
    "half_life_from_table": (
        "The half-life was taken from the table of nuclides.",
        "头文件无半衰期，采用核素表中的半衰期。",
    ),
    "injection_date_shifted": (
        "The injection date does not fit the scan date; only its clock time was used.",
        "注射日期与扫描日期不符，仅采用其时刻，请核对。",
    ),
    "injection_times_differ": (
        "Two injection times in the header differ by more than a minute.",
        "头文件中两处注射时间相差超过一分钟，请核对。",
    ),
    "injection_day_before": (
        "The injection is taken to be on the day before the scan.",
        "注射时间按扫描前一日处理，请核对。",
    ),
    "reference_times_differ": (
        "Scan times in the header contradict each other by more than a minute.",
        "头文件中的扫描参考时间相差超过一分钟，请核对。",
    ),
    "reference_time_guessed": (
        "The series was processed later; the earliest acquisition time was taken as reference.",
        "该序列为后处理序列，以最早采集时间作为衰变参考时间，请核对。",
    ),
    "corrections_not_stated": (
        "The header does not list the corrections of the image.",
        "头文件未列出图像校正项目，请核对衰减校正与衰变校正。",
    ),
    "implausible_weight": (
        "The weight is implausible.",
        "体重数值不合常理，请核对。",
    ),
    "lean_mass_of_heavy": (
        "The James formula of lean body mass fails above a BMI of 35; use Janmahasatian.",
        "BMI 超过 35 时 James 瘦体重公式不适用，请改用 Janmahasatian 公式。",
    ),
    "implausible_dose": (
        "The administered activity is implausible.",
        "注射活度数值不合常理，请核对。",
    ),
    "long_delay": (
        "More than six half-lives lie between injection and scan.",
        "注射与扫描间隔超过六个半衰期，请核对时间。",
    ),
    "edits_without_effect": (
        "The image holds SUV already: a corrected weight, activity or injection time does not change"
        " its SUV by weight; correct it at the scanner and reconstruct or send it again.",
        "图像已是 SUV：修改体重、活度或注射时间不会改变其体重 SUV，请在设备端更正后重新重建或发送。",
    ),
    "values_edited": (
        "Computed with edited parameters instead of those of the header.",
        "使用了人工修改的参数（非头文件原值）计算。",
    ),
}


@dataclass(frozen=True, slots=True)
class SuvWarning:
    """Something doubtful that did not stop the computation."""

    key: str
    text_en: str
    text_zh: str

    def as_json(self) -> dict[str, Any]:
        """Plain mapping for transport."""
        return {"key": self.key, "text_en": self.text_en, "text_zh": self.text_zh}


def warning(key: str) -> SuvWarning:
    """The warning of that name."""
    return SuvWarning(key, *WARNINGS[key])


def refused(key: str) -> Refused:
    """The refusal of that name, to be raised."""
    return Refused(key, *REFUSALS[key])
