"""A GPU is taken where there is one, refused where it is asked for and absent, and never required."""

import sys
from types import SimpleNamespace

import pytest

from hevesy.imaging.device import gpu_if, on_processor_only
from hevesy.imaging.refusal import Refused


def cupy_with(cards):
    """A CuPy that counts cards, or raises as it does without a driver."""

    def count():
        if isinstance(cards, Exception):
            raise cards
        return cards

    return SimpleNamespace(cuda=SimpleNamespace(runtime=SimpleNamespace(getDeviceCount=count)))


@pytest.fixture(params=["not installed", 0, RuntimeError("cudaErrorNoDevice")], ids=str)
def no_gpu(request, monkeypatch):
    """Three ways of having none."""
    installed = request.param != "not installed"
    monkeypatch.setitem(sys.modules, "cupy", cupy_with(request.param) if installed else None)
    for name in ("cupyx", "cupyx.scipy", "cupyx.scipy.ndimage", "cupyx.scipy.sparse"):
        monkeypatch.setitem(sys.modules, name, SimpleNamespace())


def test_without_a_gpu_auto_is_the_processor_and_cuda_is_refused(no_gpu):
    assert gpu_if("auto") is None and gpu_if("cpu") is None

    with pytest.raises(Refused) as refusal:
        gpu_if("cuda")

    assert refusal.value.key == "no_cuda" and refusal.value.text_zh and refusal.value.detail


def test_with_a_gpu_auto_and_cuda_take_it_and_cpu_does_not(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", cupy_with(1))
    for name in ("cupyx", "cupyx.scipy", "cupyx.scipy.ndimage", "cupyx.scipy.sparse"):
        monkeypatch.setitem(sys.modules, name, SimpleNamespace())

    assert gpu_if("cpu") is None
    for device in ("auto", "cuda"):
        taken = gpu_if(device)
        assert taken is not None and taken.place == "cuda"


def test_what_has_no_path_for_a_gpu_says_so():
    on_processor_only("auto")
    on_processor_only("cpu")

    with pytest.raises(Refused, match="no_cuda_path"):
        on_processor_only("cuda")
