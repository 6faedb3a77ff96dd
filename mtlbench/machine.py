"""Facts about this machine."""

import platform
from functools import cache
from pathlib import Path

import psutil


def usable_cores() -> int:
    """Cores that this process may use."""
    process = psutil.Process()
    # macOS binds no process to cores.
    return len(process.cpu_affinity()) if hasattr(process, "cpu_affinity") else psutil.cpu_count() or 1


def free_memory() -> int:
    """Bytes that processes can still have without swapping."""
    return int(psutil.virtual_memory().available)


@cache
def processor() -> str:
    """The processor's model, as its maker calls it where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(names), "") or platform.processor() or platform.machine()
