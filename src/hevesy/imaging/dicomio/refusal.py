"""Why an image was refused: one exception with a stable key and text in two languages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from hevesy.imaging.refusal import Refused

_TEXTS: Final = {
    "no_such_file": (
        "A file or folder that was named does not exist; check the path.",
        "指定的文件或文件夹不存在，请检查路径。",
    ),
    "unreadable": (
        "The file is not readable DICOM.",
        "文件不是可读取的 DICOM 文件。请确认文件完整后重新发送。",
    ),
    "nested_too_deep": (
        "The data set is nested too deeply.",
        "数据集嵌套层数过深，已拒绝处理。",
    ),
    "file_too_large": (
        "The file is larger than the limit.",
        "文件超过大小限制，已拒绝处理。",
    ),
    "inflates_too_far": (
        "The deflated data set expands beyond the limit.",
        "压缩的数据集展开后超过限制，已拒绝处理。",
    ),
    "no_pixels": (
        "The object holds no pixel data.",
        "该对象不含像素数据。",
    ),
    "bad_pixel_attributes": (
        "Rows, Columns or the pixel format are missing or invalid.",
        "图像行数、列数或像素格式缺失或无效。",
    ),
    "too_many_pixels": (
        "The stated image size is beyond the limit.",
        "图像声明的尺寸超过限制，已拒绝处理。",
    ),
    "pixels_truncated": (
        "The pixel data is shorter than the header states.",
        "像素数据比头文件声明的短，图像可能未传输完整，请重新发送。",
    ),
    "codestream_mismatch": (
        "The compressed image states another size than the header.",
        "压缩码流中的图像尺寸与头文件不一致，已拒绝处理。",
    ),
    "codestream_unreadable": (
        "The compressed image has no readable header.",
        "压缩码流的头部无法读取，已拒绝处理。",
    ),
    "undecodable": (
        "The pixel data could not be decoded.",
        "像素数据无法解码。",
    ),
    "unsupported_transfer_syntax": (
        "The transfer syntax is not supported.",
        "不支持该传输语法。",
    ),
    "no_images": (
        "The series holds no image.",
        "序列中没有图像。",
    ),
    "several_series": (
        "The files belong to more than one series.",
        "这些文件属于不止一个序列。",
    ),
    "not_a_volume": (
        "The images are no stack of parallel slices.",
        "这些图像不是一组平行断层，无法组成容积（平面、动态或投影图像请用平面方式查看）。",
    ),
    "not_planar": (
        "The images are no planar, dynamic, gated or projection images of a gamma camera.",
        "该图像不是伽马相机的平面、动态、门控或投影图像。",
    ),
    "frame_vectors": (
        "The header does not tell which detector, phase or time each frame belongs to.",
        "头文件未说明各帧所属的探头、时相或时间，无法读取；请从原始工作站重新发送。",
    ),
    "colour": (
        "Colour images are no measured volume.",
        "彩色图像不能作为测量容积。",
    ),
    "bad_geometry": (
        "Position, orientation or spacing are missing or invalid.",
        "图像位置、方向或像素间距缺失或无效。",
    ),
    "not_finite": (
        "The image holds values that are no numbers (NaN or infinite); reconstruct or send it"
        " again.",
        "图像含有非数值（NaN 或无穷大），请重新重建或发送。",
    ),
    "missing_slices": (
        "Slices are missing inside the stack; send the missing images before measuring.",
        "断层中间缺层，请补传缺失图像后再测量。",
    ),
    "single_slice": (
        "The series has one slice only; a volume needs at least two.",
        "该序列只有一层，容积测量至少需要两层。",
    ),
    "phases_unclear": (
        "Several images share a position and the header does not tell which belong to one time"
        " frame or gate; images may be missing, send the series again.",
        "多幅图像位置相同，头文件无法区分其时间帧或门控；可能缺图，请重新发送该序列。",
    ),
    "slices_scattered": (
        "The slices are spaced too unevenly to make a volume.",
        "断层间距过于不均匀，无法组成容积。",
    ),
    "time_limit": (
        "Reading took longer than the limit.",
        "读取图像超过时间限制，已中止。",
    ),
    "memory_limit": (
        "Reading needed more memory than the limit.",
        "读取图像超过内存限制，已中止。",
    ),
    "reader_crashed": (
        "The reader process ended unexpectedly.",
        "图像读取进程异常终止。",
    ),
}


class ImageRefused(ValueError):
    """An image or series that is not read.

    key: stable name of the reason. detail: numbers or names for the log, in English, free of
    patient data. text_en, text_zh: what to tell the user.
    """

    def __init__(self, key: str, detail: str = "") -> None:
        self.key = key
        self.detail = detail
        self.text_en, self.text_zh = _TEXTS[key]
        super().__init__(f"{key}: {self.text_en}" + (f" ({detail})" if detail else ""))

    def __reduce__(self) -> tuple[type[ImageRefused], tuple[str, str]]:
        return type(self), (self.key, self.detail)


def texts(key: str) -> tuple[str, str]:
    """What to tell the user for a stable key, in English and Chinese; two empty texts for an unknown key."""
    return _TEXTS.get(key, ("", ""))


@contextmanager
def refusing_what_pydicom_cannot_parse() -> Iterator[None]:
    """Turn whatever a hostile or damaged data set makes pydicom raise into `ImageRefused`.

    pydicom parses values when they are first read, so any access may raise any exception. The
    cause stays chained for the log.
    """
    try:
        yield
    except (ImageRefused, Refused):
        raise
    except RecursionError:
        raise ImageRefused("nested_too_deep") from None
    except MemoryError:
        raise ImageRefused("memory_limit") from None
    except Exception as error:
        raise ImageRefused("unreadable", type(error).__name__) from error
