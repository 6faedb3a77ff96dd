"""What training costs: steps, rows, seconds and memory of each stage."""

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

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


@dataclass(frozen=True)
class Allowance:
    """What all stages of a cell together may spend."""

    unit: Literal["steps", "seconds"]
    amount: float


class Meter:
    """The stages of a cell, and how much of an allowance they have used, the running stage included."""

    def __init__(self) -> None:
        self.stages: list[Spend] = []
        self._began: float | None = None

    @contextmanager
    def stage(self, name: str) -> Iterator[Spend]:
        """Count what happens inside as one stage: wall-clock, and the memory at its end."""
        spend = Spend(name)
        self.stages.append(spend)
        self._began = time.perf_counter()
        try:
            yield spend
        finally:
            spend.seconds += time.perf_counter() - self._began
            spend.peak_memory_mib = max(spend.peak_memory_mib, peak_memory_mib())
            self._began = None

    def so_far(self) -> Spend:
        """The running stage, or the last one, as if it ended now."""
        spend, running = self.stages[-1], 0.0 if self._began is None else time.perf_counter() - self._began
        peak = max(spend.peak_memory_mib, peak_memory_mib())
        return replace(spend, seconds=spend.seconds + running, peak_memory_mib=peak)

    def used(self, allowance: Allowance) -> bool:
        """Whether the allowance is used up."""
        if allowance.unit == "steps":
            return sum(stage.steps for stage in self.stages) >= allowance.amount
        running = 0.0 if self._began is None else time.perf_counter() - self._began
        return sum(stage.seconds for stage in self.stages) + running >= allowance.amount


def peak_memory_mib() -> float:
    """Peak memory so far: allocated on the GPU where one is in use, else resident in this process."""
    if torch.cuda.is_initialized():
        return float(torch.cuda.max_memory_allocated()) / 2**20
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
