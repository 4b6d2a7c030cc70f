"""What reconstruction refuses and what it points out, in English and Chinese."""

from __future__ import annotations

from typing import Any, Final

from hevesy.imaging.geometry import Finding
from hevesy.imaging.refusal import Refused

_REFUSALS: Final = {
    "not_projections": (
        "The object holds no SPECT projections; choose the NM TOMO or GATED TOMO series.",
        "该对象不是 SPECT 投影数据，请选择 NM TOMO 或 GATED TOMO 序列。",
    ),
    "pixel_size_missing": (
        "The projections state no pixel spacing; export them again with it.",
        "投影数据缺少像素间距，请重新导出。",
    ),
    "angles_missing": (
        "The angles of the views are missing or ambiguous; export the projections again with start"
        " angle, step and direction.",
        "投影角度缺失或不明确，请连同起始角、步进角和旋转方向重新导出。",
    ),
    "frames_missing": (
        "Frames are missing or doubled: windows, gates and views do not make a full set; send the"
        " projections again.",
        "投影帧缺失或重复，能窗、门控与角度不成完整组合，请重新传输。",
    ),
    "too_few_views": (
        "At least three different angles are needed to reconstruct.",
        "重建至少需要三个不同角度的投影。",
    ),
    "no_counts": (
        "The projections hold no counts; check the energy window and the acquisition.",
        "投影计数为零，请检查能窗和采集。",
    ),
    "bad_counts": (
        "The projections hold negative or non-finite values; reconstruct from the raw counts.",
        "投影含负值或非有限值，请使用原始计数重建。",
    ),
    "collimator_not_parallel": (
        "The collimator's holes are not parallel; reconstruct on the camera's own workstation.",
        "准直器不是平行孔，请在相机自带工作站上重建。",
    ),
    "position_unknown": (
        "The patient's position is not stated; give it, or read the angles as the patient's.",
        "头文件未给出患者体位，请补充体位，或按患者坐标读取角度。",
    ),
    "arc_too_small": (
        "The views leave a gap in the half circle that analytic reconstruction needs; use OSEM.",
        "投影角度未覆盖半圈，解析重建不适用，请改用 OSEM。",
    ),
    "no_such_window": (
        "There is no such energy window in the projections.",
        "投影数据中没有该能窗。",
    ),
    "scatter_window_missing": (
        "The scatter correction needs a scatter window below the photopeak that was not acquired;"
        " choose no scatter correction.",
        "散射校正所需的低能散射窗未采集，请选择不做散射校正。",
    ),
    "energy_unknown": (
        "The photon energy is unknown: name the radionuclide or the energy window.",
        "光子能量未知，请指定核素或能窗。",
    ),
    "collimator_unknown": (
        "The collimator is not in the table; choose one, or enter its holes.",
        "准直器不在参数表中，请选择准直器或录入孔参数。",
    ),
    "radius_missing": (
        "Resolution recovery needs the detector's radius, which the header does not state.",
        "分辨率恢复需要探头旋转半径，头文件未给出。",
    ),
    "not_a_ct": (
        "The attenuation series is no CT in Hounsfield units.",
        "所选衰减序列不是以 HU 为单位的 CT。",
    ),
    "ct_beside": (
        "The CT does not cover the reconstructed region; choose the CT of this acquisition.",
        "CT 未覆盖重建区域，请选择本次采集的 CT。",
    ),
    "no_contour": (
        "No body contour was found in the data; draw an ellipse.",
        "未能从数据中找到体表轮廓，请手动给出椭圆。",
    ),
    "not_absolute": (
        "Counts cannot be turned to Bq/mL: it needs an ungated study, the time of a view, decay"
        " correction and a sensitivity for its nuclide.",
        "无法换算为 Bq/mL：需要非门控采集、单帧采集时间、衰变校正及对应核素的灵敏度。",
    ),
    "heart_not_found": (
        "No left ventricle was found in the volume: state apex and middle of the valve plane.",
        "未在图像中找到左心室，请手动指定心尖与瓣环平面中点。",
    ),
    "bad_setting": (
        "A setting is out of its range.",
        "参数超出允许范围。",
    ),
}
_FINDINGS: Final = {
    "position_assumed": (
        "The projections state no position; the axis of rotation and the middle row are taken as"
        " the origin. Fusion needs a check by eye.",
        "投影数据未给出位置，以旋转轴和中间行作为原点；融合前请目视核对。",
    ),
    "orientation_conflict": (
        "The stated image orientation does not fit the angle of detector {detector} and is not"
        " used.",
        "探头 {detector} 的图像方向与角度不符，未采用。",
    ),
    "step_assumed": (
        "No angular step is stated; {step_deg:.3f} degrees follow from the scan arc.",
        "未给出步进角，按扫描弧推算为 {step_deg:.3f} 度。",
    ),
    "arc_differs": (
        "The scan arc is stated as {stated_deg:g} degrees, the views cover {views_deg:g}.",
        "扫描弧标称 {stated_deg:g} 度，投影实际覆盖 {views_deg:g} 度。",
    ),
    "truncated": (
        "The object reaches the edge of the projections ({edge_share:.0%} of the maximum): the"
        " edge of the image is not reliable.",
        "物体超出投影边缘（边缘计数为最大值的 {edge_share:.0%}），图像边缘不可靠。",
    ),
    "uneven_views": (
        "The views are unevenly spaced; the widest gap is {gap_deg:.1f} degrees.",
        "投影角度间隔不均，最大间隔 {gap_deg:.1f} 度。",
    ),
    "ct_other_frame": (
        "The CT has another frame of reference than the projections: check the alignment by eye.",
        "CT 与投影的参考坐标系不同，请目视核对配准。",
    ),
    "ct_short": (
        "{outside:.0%} of the reconstructed region lies outside the CT and is taken as air.",
        "重建区域有 {outside:.0%} 在 CT 之外，按空气处理。",
    ),
    "upper_window_missing": (
        "No scatter window above the photopeak: the scatter there is taken as zero.",
        "无高能散射窗，其散射按零处理。",
    ),
    "axis_stated": (
        "The header states a centre of rotation offset of {mm:g} mm for detector {detector}; it is"
        " not applied: look at the fit.",
        "头文件给出探头 {detector} 的旋转中心偏移 {mm:g} mm，未自动校正，请查看拟合结果。",
    ),
    "axis_shift": (
        "The centre of rotation of detector {detector} is off by {pixels:.2f} pixels ({mm:.1f}"
        " mm): check its calibration or let it be corrected.",
        "探头 {detector} 旋转中心偏移 {pixels:.2f} 像素（{mm:.1f} mm），请检查校准或进行校正。",
    ),
    "heart_axis_unsure": (
        "The heart's long axis was found automatically and is doubtful: {why}. Look at it, or state"
        " apex and base.",
        "心脏长轴为自动确定，{why_zh}，请核对，或手动指定心尖与心底。",
    ),
    "absolute_uncorrected": (
        "Bq/mL without correction of {what}: values deep in the body are wrong.",
        "未做 {what} 校正即换算为 Bq/mL，体内深部数值不准确。",
    ),
    "motion_corrected": (
        "Movement was corrected by moving whole views, up to {pixels:.1f} pixels at view {view}; look at"
        " the sinogram, and without it at the image.",
        "已按整帧平移校正移动，第 {view} 个角度处达 {pixels:.1f} 像素，请对照正弦图及未校正图像。",
    ),
    "motion": (
        "The patient or the detector moved: up to {pixels:.1f} pixels at view {view}. Look at the"
        " sinogram.",
        "采集中可能有移动：第 {view} 个角度处达 {pixels:.1f} 像素，请查看正弦图。",
    ),
    "table_unchecked": (
        "{what} come from a table that is not yet checked against its source.",
        "{what} 取自尚未核对出处的参数表。",
    ),
    "contour_from_counts": (
        "The body contour was drawn from the counts: check it, above all for tracers that leave the"
        " body outline dark.",
        "体表轮廓由计数自动勾画，请核对，尤其是体表摄取低的显像剂。",
    ),
    "no_decay_correction": (
        "The half-life or the frame duration is unknown: decay during the rotation is not"
        " corrected.",
        "半衰期或采集时间未知，旋转期间的衰变未校正。",
    ),
}


def refused(key: str, detail: str = "") -> Refused:
    """The refusal of that key."""
    return Refused(key, *_REFUSALS[key], detail)


def finding(key: str, **values: Any) -> Finding:
    """The finding of that key, its sentences filled with the values."""
    english, chinese = _FINDINGS[key]
    return Finding(key, english.format(**values), chinese.format(**values), values)
