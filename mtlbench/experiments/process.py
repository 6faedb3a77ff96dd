"""Settings of a process that trains: threads, memory, and how it multiplies float32 matrices."""

import ctypes
import platform
import warnings
from collections.abc import Callable
from functools import cache
from typing import Literal

import torch
from torch import Tensor

THREADS = 1
"""Threads of a cell, always: results do not depend on how many cells run at once, and a grid is fastest so."""
ACCURATE = 1e-6
"""Largest relative error, in the Frobenius norm, of a product that counts as one in float32."""
PROBE = 256, 1024, 256
"""Sizes of the product that is probed; its error in float32 is below 4e-7."""

HARMLESS = (
    "The AccumulateGrad node's stream does not match",
    "Attempting to run cuBLAS, but there was no current CUDA context",
)
"""How torch's warnings begin that a recorded CUDA graph (:mod:`mtlbench.training.graphs`) sets off: it was recorded on
a stream of its own, and the thread of the backward pass multiplies before it does anything else on the device."""

M_MMAP_THRESHOLD, M_TRIM_THRESHOLD = -3, -1


def prepare_process(device: torch.device) -> None:
    """Make this process ready to train cells on ``device``."""
    torch.set_num_threads(THREADS)
    keep_freed_memory()
    if device.type == "cuda":
        for message in HARMLESS:
            warnings.filterwarnings("ignore", message)
        if device.index is not None:
            # Graphs are recorded on a stream of the present device, which torch keeps for later ones.
            torch.cuda.set_device(device)
            torch.cuda.graph.default_capture_stream = None
    # On a GPU anything but "highest" is TF32 or less.
    torch.set_float32_matmul_precision(fast_matmul_precision() if device.type == "cpu" else "highest")


@cache
def keep_freed_memory() -> None:
    """Let glibc keep memory that is freed: a fresh tensor of tens of megabytes costs its page faults at every step."""
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, 2**31 - 1)
        libc.mallopt(M_TRIM_THRESHOLD, -1)


@cache
def fast_matmul_precision() -> Literal["highest", "medium"]:
    """``medium`` where torch then still multiplies float32 matrices as float32, else ``highest``.

    With ``medium`` torch may take another library's product, on some processors the faster one, on others one in
    bfloat16. The error alone decides, not the time, so that a processor's results do not depend on its load.
    """
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        return "medium" if product_error(torch.matmul) < ACCURATE else "highest"
    finally:
        torch.set_float32_matmul_precision(before)


def product_error(product: Callable[[Tensor, Tensor], Tensor]) -> float:
    """Largest relative error of ``product`` against float64 in the three shapes that a layer needs."""
    samples, inputs, outputs = PROBE
    random = torch.Generator().manual_seed(0)
    x = torch.randn(samples, inputs, generator=random)
    weight = torch.randn(outputs, inputs, generator=random)
    gradient = torch.randn(samples, outputs, generator=random)
    errors = []
    for a, b in ((x, weight.t()), (gradient, weight), (gradient.t(), x)):
        exact = a.double() @ b.double()
        errors.append(float((product(a, b).double() - exact).norm() / exact.norm()))
    return max(errors)
