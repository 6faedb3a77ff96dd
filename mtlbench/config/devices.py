"""Where cells can train."""

import torch

from mtlbench.errors import UsageError


def require_device(device: str) -> None:
    """Refuse a CUDA device that is not there.

    Raises:
        UsageError: there is no such device.
    """
    if device == "cpu":
        return
    count = torch.cuda.device_count()
    if int(device.removeprefix("cuda").removeprefix(":") or 0) >= count:
        build = f"torch {torch.__version__} finds {count or 'no'} CUDA device{'s' if count > 1 else ''} here"
        raise UsageError(f"device {device!r}: {build}; install torch for CUDA with its driver, or use --device cpu")
