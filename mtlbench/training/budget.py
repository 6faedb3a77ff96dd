"""What training costs: steps, rows, seconds and memory of each stage."""

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch


@dataclass
class Spend:
    """Cost of one stage so far."""

    stage: str
    steps: int = 0
    rows: int = 0
    seconds: float = 0.0
    peak_memory_mib: float = 0.0
    reused_from: str | None = None

    def add(self, rows: int, steps: int = 1) -> None:
        """Count ``steps`` optimiser steps that read ``rows`` training rows in all."""
        self.steps += steps
        self.rows += rows


def peak_memory_mib() -> float:
    """Peak memory so far: allocated on the GPU where one is in use, else resident in this process."""
    if torch.cuda.is_initialized():
        return float(torch.cuda.max_memory_allocated()) / 2**20
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


@contextmanager
def measured(spend: Spend) -> Iterator[Spend]:
    """Add the wall-clock seconds of the block, and note the memory at its end."""
    began = time.perf_counter()
    try:
        yield spend
    finally:
        spend.seconds += time.perf_counter() - began
        spend.peak_memory_mib = peak_memory_mib()
