"""Movies from frames (n, rows, columns, 3) uint8: AVI, MP4, GIF, a folder of PNG (clause 6.20).

Nothing is written into the pictures: whoever wants a name in them draws it and answers for it.
`secondary_capture` makes a DICOM object of the same frames.
"""

from __future__ import annotations

import importlib.util
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from hevesy.imaging.refusal import Refused
from hevesy.imaging.render.avi import write_avi

Frames = npt.NDArray[np.uint8]

VERSION: Final = "hevesy-movie/1"
_FASTEST_FPS: Final = 120.0
_ENCODING_S: Final = 600.0
# x264's constant rate factor: about 45 dB on a coloured MIP, at a thirtieth of the size.
_RATE_FACTOR: Final = "14"


@dataclass(frozen=True, slots=True)
class MovieSummary:
    """What was written. fps: as a player shows it, which for GIF is a whole number of 10 ms.

    columns, rows: of the file; H.264 needs even numbers and repeats the last row or column.
    """

    path: str
    kind: str
    frames: int
    columns: int
    rows: int
    fps: float
    bytes: int
    lossless: bool
    version: str = VERSION

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def write_movie(path: Path, frames: Frames, *, fps: float, kind: str = "") -> MovieSummary:
    """Write frames as `kind`: "avi" (Motion JPEG), "avi-lossless", "mp4", "gif" or "png".

    Without a kind the suffix of `path` tells it; for "png" `path` is a folder, made if needed.
    Raises `Refused`: "movie_unknown_kind", "movie_frames", "movie_fps", "movie_too_large",
    "video_program_missing", "video_program_failed".
    """
    kind = kind or path.suffix.lstrip(".").lower() or "png"
    if kind not in KINDS:
        raise Refused(
            "movie_unknown_kind",
            f"This kind of movie is not known; choose one of {', '.join(KINDS)}.",
            f"不支持该影片格式；请选择 {'、'.join(KINDS)} 之一。",
            kind,
        )
    frames = _checked(frames, fps)
    shown_fps, lossless = KINDS[kind](path, frames, fps)
    files = sorted(path.glob("*.png")) if kind == "png" else [path]
    even = kind == "mp4"
    return MovieSummary(
        path=str(path),
        kind=kind,
        frames=len(frames),
        columns=frames.shape[2] + (frames.shape[2] % 2 if even else 0),
        rows=frames.shape[1] + (frames.shape[1] % 2 if even else 0),
        fps=shown_fps,
        bytes=sum(file.stat().st_size for file in files),
        lossless=lossless,
    )


def _checked(frames: Frames, fps: float) -> Frames:
    if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8 or not frames.size:
        raise Refused(
            "movie_frames",
            "A movie needs at least one frame of red, green and blue bytes.",
            "影片至少需要一帧 RGB 图像。",
            f"{frames.dtype} {frames.shape}",
        )
    if not 0 < fps <= _FASTEST_FPS:
        raise Refused(
            "movie_fps",
            f"Frames per second must lie above 0 and at most {_FASTEST_FPS:.0f}.",
            f"每秒帧数必须大于 0 且不超过 {_FASTEST_FPS:.0f}。",
            str(fps),
        )
    return np.ascontiguousarray(frames)


def _avi(path: Path, frames: Frames, fps: float) -> tuple[float, bool]:
    write_avi(path, frames, fps=fps)
    return fps, False


def _avi_lossless(path: Path, frames: Frames, fps: float) -> tuple[float, bool]:
    write_avi(path, frames, fps=fps, lossless=True)
    return fps, True


def _png(path: Path, frames: Frames, fps: float) -> tuple[float, bool]:
    path.mkdir(parents=True, exist_ok=True)
    if any(path.iterdir()):
        raise Refused(
            "movie_folder_in_use",
            "The folder for the pictures must be empty or new.",
            "保存图片的文件夹必须为空或不存在。",
        )
    for number, frame in enumerate(frames, start=1):
        Image.fromarray(frame).save(path / f"{number:04d}.png")
    return fps, True


def _gif(path: Path, frames: Frames, fps: float) -> tuple[float, bool]:
    """Exact where all frames together have 256 colours or fewer; frames that equal the one before
    are shown longer instead of being stored."""
    hundredths = max(2, round(100 / fps))
    packed = (frames.astype(np.uint32) * np.array((65536, 256, 1), dtype=np.uint32)).sum(
        axis=3, dtype=np.uint32
    )
    colours = np.unique(packed)
    exact = len(colours) <= 256
    if exact:
        palette = [int(c) >> shift & 255 for c in colours for shift in (16, 8, 0)]
        pictures = []
        for frame in packed:
            picture = Image.fromarray(np.searchsorted(colours, frame).astype(np.uint8), "P")
            picture.putpalette(palette)
            pictures.append(picture)
    else:
        pictures = [Image.fromarray(frame).quantize(256) for frame in frames]
    pictures[0].save(
        path,
        "GIF",
        save_all=True,
        append_images=pictures[1:],
        duration=10 * hundredths,
        loop=0,
        optimize=False,
    )
    return 100 / hundredths, exact


def _mp4(path: Path, frames: Frames, fps: float) -> tuple[float, bool]:
    program = video_program()
    frames = np.pad(
        frames, ((0, 0), (0, frames.shape[1] % 2), (0, frames.shape[2] % 2), (0, 0)), mode="edge"
    )
    _, rows, columns, _ = frames.shape
    command = [
        program, "-loglevel", "error", "-y", "-threads", "2",
        "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{columns}x{rows}", "-r", repr(fps), "-i", "-",
        "-vf", "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int",
        "-c:v", "libx264", "-crf", _RATE_FACTOR, "-pix_fmt", "yuv420p",
        "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709",
        "-movflags", "+faststart", "-f", "mp4", str(path),
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command, input=frames.tobytes(), capture_output=True, check=False, timeout=_ENCODING_S
        )
        complaint = "" if done.returncode == 0 else done.stderr.decode(errors="replace")[-300:]
    except (OSError, subprocess.TimeoutExpired) as error:
        complaint = str(error)[:300]
    if complaint or not path.exists():
        path.unlink(missing_ok=True)
        raise Refused(
            "video_program_failed",
            "The video program could not make the movie; choose AVI, or ask the administrator to"
            " look at the log.",
            "视频程序未能生成影片；请改选 AVI，或请管理员查看日志。",
            complaint,
        )
    return fps, False


def video_program() -> str:
    """Path of ffmpeg, run as a process of its own; `Refused` "video_program_missing" without."""
    if importlib.util.find_spec("imageio_ffmpeg") is not None:
        import imageio_ffmpeg

        try:
            return str(imageio_ffmpeg.get_ffmpeg_exe())
        except RuntimeError:
            pass
    raise Refused(
        "video_program_missing",
        "MP4 needs the package imageio-ffmpeg, which brings ffmpeg and comes with the extra server:"
        " pip install imageio-ffmpeg (or hevesy[server]). AVI, GIF, PNG and DICOM work without.",
        "MP4 需要软件包 imageio-ffmpeg（内含 ffmpeg，随附加组件 server 安装）："
        "pip install imageio-ffmpeg（或 hevesy[server]）。AVI、GIF、PNG 和 DICOM 无需安装。",
    )


KINDS: Final[Mapping[str, Callable[[Path, Frames, float], tuple[float, bool]]]] = MappingProxyType(
    {"avi": _avi, "avi-lossless": _avi_lossless, "mp4": _mp4, "gif": _gif, "png": _png}
)
