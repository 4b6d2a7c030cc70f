"""Kernels compiled to machine code once, kept on disk, and run over several threads.

`kernel` is the only way in which Hevesy compiles: without Python's lock (so that threads run side
by side), with the result cached beside the source, or in the user's cache folder where that is
read-only, so that the first call after a start does not compile. Kernels are single-threaded:
numba's own `prange` is not used, because its portable threading layer aborts the process when two
threads of a web server enter it at once. `in_parts` spreads work over threads instead.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import ParamSpec, TypeVar, cast

import numba

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def kernel(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Compile a function of arrays and numbers on first use; see the module for the rules.

    Floating point follows IEEE 754 except that sums may be reordered (`reassoc`, `contract`), so
    that loops vectorise; NaN and infinities keep their meaning.
    """
    compiled = numba.njit(
        cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"}
    )(function)
    return cast("Callable[Parameters, Result]", compiled)


def threads() -> int:
    """How many threads work may use: the processors this process may run on, or HEVESY_THREADS."""
    stated = os.environ.get("HEVESY_THREADS", "")
    if stated.isdecimal() and int(stated) > 0:
        return int(stated)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_parts(work: Callable[[int, int], object], count: int, *, at_least: int = 1) -> None:
    """Call `work(start, stop)` for consecutive ranges that cover `range(count)`, side by side.

    Ranges are no shorter than `at_least` where that is possible. An error of one part is raised
    after all have ended.
    """
    parts = max(1, min(threads(), count // max(at_least, 1)))
    edges = [count * part // parts for part in range(parts + 1)]
    if parts == 1:
        work(0, count)
        return
    with ThreadPoolExecutor(parts) as pool:
        running = [pool.submit(work, a, b) for a, b in pairwise(edges)]
    for one in running:
        one.result()
