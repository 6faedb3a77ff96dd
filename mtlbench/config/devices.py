"""Where cells can train."""

import os

import torch

from mtlbench.errors import UsageError

EVERY_GPU = "cuda:all"
"""Cells are spread over all GPUs that this process sees."""
VISIBLE = "CUDA_VISIBLE_DEVICES"
"""The variable of the environment that names the GPUs which a process sees."""
NOT_ON_DASK = (
    f"device {EVERY_GPU} is every GPU of this machine; on Dask start one worker for each GPU, with {VISIBLE}=N, and "
    "use device cuda"
)
"""Why a cluster's workers are not given their GPUs by us."""


def require_device(device: str) -> None:
    """Refuse a CUDA device that is not there.

    Raises:
        UsageError: there is no such device.
    """
    if device == "cpu":
        return
    count = torch.cuda.device_count()
    number = "" if device == EVERY_GPU else device.removeprefix("cuda").removeprefix(":")
    if int(number or 0) >= count:
        build = f"torch {torch.__version__} finds {count or 'no'} CUDA device{'s' if count > 1 else ''} here"
        raise UsageError(f"device {device!r}: {build}; install torch for CUDA with its driver, or use --device cpu")


def of_a_cell(device: str) -> str:
    """The device of one cell as torch names it: of several GPUs, the one that its process sees."""
    return "cuda" if device == EVERY_GPU else device


def shared_gpus(device: str) -> tuple[str, ...]:
    """The GPUs that cells are spread over, as ``CUDA_VISIBLE_DEVICES`` names them; none where ``device`` is one."""
    if device != EVERY_GPU:
        return ()
    count = torch.cuda.device_count()
    named = os.environ.get(VISIBLE)
    return tuple(name.strip() for name in named.split(","))[:count] if named else tuple(map(str, range(count)))
