"""What training costs: steps, rows, seconds and memory of each stage."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

import torch

MIB = 2**20


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
class Budget:
    """What all stages of a cell together may use."""

    unit: Literal["steps", "seconds"]
    amount: float


class Meter:
    """The stages of a cell, and how much of a budget they have used, the running stage included."""

    def __init__(self) -> None:
        self.stages: list[Spend] = []
        """What each has cost so far."""
        self._spend: Spend | None = None
        """The running stage, or the last one."""
        self._began: float | None = None

    def enter(self, stages: Sequence[Spend]) -> None:
        """Count stages that ended elsewhere: in another cell, or before this one was resumed."""
        self.stages.extend(stages)

    @contextmanager
    def stage(self, name: str, before: Spend | None = None) -> Iterator[Spend]:
        """Count what happens inside as one stage: wall-clock, and the memory at its end.

        ``before`` is what the stage had cost when it was interrupted, here or by the death of the process.
        """
        spend = self._spend = before or Spend(name)
        if not any(known is spend for known in self.stages):
            self.stages.append(spend)
        began = self._began = time.perf_counter()
        try:
            yield spend
        finally:
            spend.seconds += time.perf_counter() - began
            spend.peak_memory_mib = max(spend.peak_memory_mib, peak_memory_mib())
            self._began = None

    def read(self, rows: int) -> None:
        """Count ``rows`` that the running stage reads beside those of its steps."""
        assert self._spend is not None
        self._spend.add(rows, steps=0)

    def so_far(self, spend: Spend | None = None) -> Spend:
        """A stage as if it ended now: ``spend``, or else the running or the last one."""
        spend = spend or self._spend
        assert spend is not None
        if spend is not self._spend:
            return replace(spend)
        peak = max(spend.peak_memory_mib, peak_memory_mib())
        return replace(spend, seconds=spend.seconds + self._running(), peak_memory_mib=peak)

    def used(self, budget: Budget) -> bool:
        """Whether the budget is used up."""
        if budget.unit == "steps":
            return sum(stage.steps for stage in self.stages) >= budget.amount
        return sum(stage.seconds for stage in self.stages) + self._running() >= budget.amount

    def _running(self) -> float:
        """Seconds of the running stage."""
        return 0.0 if self._began is None else time.perf_counter() - self._began


def peak_memory_mib() -> float:
    """Peak memory so far: allocated on the GPU where one is in use, else resident in this process."""
    if torch.cuda.is_initialized():
        return float(torch.cuda.max_memory_allocated()) / MIB
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset / MIB
    import resource  # not there on Windows

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MIB
