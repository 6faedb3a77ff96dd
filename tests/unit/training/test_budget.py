"""What a stage costs, and the memory that the process took at most."""

from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch

from mtlbench.training import budget
from mtlbench.training.budget import Budget, Meter, Spend, peak_memory_mib


def test_peak_memory_stays_at_its_peak_after_the_memory_is_given_back():
    before = peak_memory_mib()
    block = np.ones(int(before * 2**20) // 8 + 2**23)  # more than the whole process so far, and 64 MiB
    with_block = peak_memory_mib()
    del block
    assert with_block > before + 60
    assert peak_memory_mib() >= with_block


def test_peak_memory_on_windows_is_the_peak_that_windows_keeps(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    monkeypatch.setattr(budget.sys, "platform", "win32")
    memory = SimpleNamespace(rss=5 * 2**20, peak_wset=7 * 2**20)
    monkeypatch.setattr(psutil, "Process", lambda: SimpleNamespace(memory_info=lambda: memory))
    assert peak_memory_mib() == 7


def test_a_budget_counts_stages_of_other_cells_and_the_running_one():
    meter, steps = Meter(), Budget("steps", 10)
    meter.enter([Spend("train", steps=6, rows=60, seconds=3.0)])
    assert not meter.used(steps)
    assert meter.used(Budget("seconds", 3.0))
    with meter.stage("continue") as spend:
        spend.add(rows=40, steps=4)
        assert meter.used(steps)
        assert meter.so_far().seconds > 0 == spend.seconds
    assert [stage.stage for stage in meter.stages] == ["train", "continue"]


def test_a_stage_that_was_interrupted_goes_on_from_what_it_had_cost():
    meter = Meter()
    with meter.stage("train", Spend("train", steps=3, rows=30, seconds=2.0, peak_memory_mib=1e9)) as spend:
        spend.add(rows=10)
    assert (spend.steps, spend.rows, spend.peak_memory_mib) == (4, 40, 1e9)
    assert spend.seconds > 2
