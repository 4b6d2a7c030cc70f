"""nnU-Net v2 as a program in an environment of its own, talked to by NIfTI files.

Files are named as its documentation says (case_0000.nii.gz, one per channel; the answer is
case.nii.gz). All channels lie on the grid of the PET (of the CT where the model takes nothing else),
with its axes in the model's orientation. The program comes from `model.toml`: a model folder is as
trustworthy as a program, no more.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.device import Device, no_cuda
from hevesy.imaging.dicomio.guards import DEFAULT_LIMITS
from hevesy.imaging.dicomio.masks.labelled_nifti import read_nifti
from hevesy.imaging.geometry import Volume
from hevesy.imaging.geometry.reslice import resliced
from hevesy.imaging.models.manifest import Model
from hevesy.imaging.models.weights import check_hashes
from hevesy.imaging.models.windows import Cancelled, Progress
from hevesy.imaging.refusal import Refused

_POLL_S: Final = 0.1
_TAIL: Final = 400
# What a program needs to start and to find its GPU and its own folders; no credentials.
_KEPT: Final = ("PATH", "HOME", "LANG", "SYSTEMROOT", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH")


def run(
    model: Model,
    images: Mapping[str, Volume],
    base: Volume,
    *,
    device: Device,
    progress: Progress | None,
    cancelled: Cancelled | None,
) -> tuple[npt.NDArray[np.uint16], str]:
    """Labels [k, j, i] on the grid of `base`, and the device that was asked for.

    images: by modality. base: the PET, or the CT of a model of CT alone, its axes in the model's
    order. Raises `Refused`: no_cuda, model_program_missing, model_program_failed, model_time_limit,
    cancelled, model_output_missing, model_output_moved, model_output_labels, and those of weights.
    """
    gpu = shutil.which("nvidia-smi") is not None
    if device == "cuda" and not gpu:
        raise no_cuda("no nvidia-smi on the path")
    chosen = "cuda" if gpu and device != "cpu" else "cpu"
    check_hashes(model.paths, [digest for _, digest in model.weights])
    with tempfile.TemporaryDirectory(prefix="hevesy-model-") as name:
        desk = Path(name)
        for part in ("in", "out"):
            (desk / part).mkdir()
        for number, channel in enumerate(model.channels):
            values = resliced(images[channel.modality], base)
            _write(values, desk / "in" / f"case_{number:04d}.nii.gz")
        _call(model, desk, chosen, progress, cancelled)
        answer = desk / "out" / "case.nii.gz"
        if not answer.is_file():
            raise Refused(
                "model_output_missing",
                "The model's program ended without an answer; check its command in model.toml.",
                "模型程序结束但未给出结果，请核对 model.toml 中的 command。",
            )
        array, affine = read_nifti(answer, limits=DEFAULT_LIMITS)
        return _labels(array, affine, base, len(model.labels)), chosen


def _write(volume: Volume, path: Path) -> None:
    import SimpleITK

    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(volume.array, dtype=np.float32))
    spacing = volume.spacing_mm
    image.SetSpacing(spacing)
    image.SetOrigin(tuple(volume.ijk_to_lps[:3, 3].tolist()))
    image.SetDirection((volume.ijk_to_lps[:3, :3] / np.array(spacing)).reshape(-1).tolist())
    SimpleITK.WriteImage(image, str(path))


def _call(
    model: Model, desk: Path, device: str, progress: Progress | None, cancelled: Cancelled | None
) -> None:
    assert model.program is not None
    given = {
        "{input}": str(desk / "in"),
        "{output}": str(desk / "out"),
        "{device}": device,
        "{model}": str(model.folder.resolve()),
    }
    command = []
    for word in model.program.command:
        for name, value in given.items():
            word = word.replace(name, value)
        command.append(word)
    environment = {key: os.environ[key] for key in _KEPT if key in os.environ}
    environment |= {k: v for k, v in os.environ.items() if k.startswith("nnUNet_")}
    environment["TMPDIR"] = str(desk)
    with (desk / "stderr").open("wb") as errors:
        try:
            program = subprocess.Popen(
                command,
                env=environment,
                cwd=desk,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
        except OSError as error:
            raise Refused(
                "model_program_missing",
                "The program that model.toml names cannot be started; install it or correct the"
                " command.",
                "无法启动 model.toml 所列的程序，请安装该程序或更正 command。",
                str(error)[:200],
            ) from None
        try:
            _wait(program, model.program.time_limit_s, progress, cancelled)
        finally:
            if program.poll() is None:
                _end(program)
    if program.returncode != 0:
        raise Refused(
            "model_program_failed",
            "The model's program stopped with an error; its last words are in the detail.",
            "模型程序出错退出，其最后的输出见详情。",
            f"exit {program.returncode}: {_last_words(desk / 'stderr')}",
        )


def _wait(
    program: subprocess.Popen[bytes],
    limit_s: float,
    progress: Progress | None,
    cancelled: Cancelled | None,
) -> None:
    began = time.monotonic()
    told = began
    while True:
        try:
            program.wait(_POLL_S)
            return
        except subprocess.TimeoutExpired:
            now = time.monotonic()
        if cancelled is not None and cancelled():
            raise Refused("cancelled", "The computation was cancelled.", "计算已取消。")
        if now - began > limit_s:
            raise Refused(
                "model_time_limit",
                "The model's program took longer than model.toml allows and was ended.",
                "模型程序超过 model.toml 规定的时限，已被终止。",
                f"{limit_s:g} s",
            )
        if progress is not None and now - told >= 10.0:
            # How far the program is, it does not say; the time that may pass is known.
            progress(min((now - began) / limit_s, 1.0), f"running for {now - began:.0f} s")
            told = now


def _end(program: subprocess.Popen[bytes]) -> None:
    """End the program and what it started."""
    if hasattr(os, "killpg"):
        os.killpg(program.pid, signal.SIGKILL)
    else:
        program.kill()
    program.wait()


def _last_words(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - _TAIL, 0))
        return " ".join(file.read().decode("utf-8", "replace").split())


def _labels(
    array: npt.NDArray[Any], affine: npt.NDArray[np.float64], base: Volume, count: int
) -> npt.NDArray[np.uint16]:
    near = 1e-3 * min(base.spacing_mm)
    if array.shape != base.array.shape or not np.allclose(
        affine, base.ijk_to_lps, rtol=0, atol=near
    ):
        raise Refused(
            "model_output_moved",
            "The model's answer lies on another grid than the images it was given; it is not used.",
            "模型结果的网格与输入图像不一致，未予采用。",
            f"{array.shape} for {base.array.shape}",
        )
    labels = array.astype(np.uint16) if np.all((array >= 0) & (array <= count)) else None
    if labels is None or not np.array_equal(labels, array):
        raise Refused(
            "model_output_labels",
            "The model's answer holds values that model.toml has no label for; correct the labels.",
            "模型结果含有 model.toml 未定义的数值，请更正标签。",
        )
    return labels
