"""Training with the vocabulary of KuaiRand-1K, 4.4 million videos, at 128 dimensions in 16 GiB.

Run with ``pytest tests/benchmarks/test_large_vocabulary.py -m '' --benchmark-only -s``: a minute and 15 GiB of memory.
"""

import subprocess
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.slow

VIDEOS = 4_400_000
MEMORY_MIB = 16 * 1024
TRAIN = """
import sys, time, torch
from itertools import count
from mtlbench.benchmarking.workload import workload
from mtlbench.cells import PluginSpec, Training
from mtlbench.experiments.process import prepare_process
from mtlbench.discovery import discover
from mtlbench.config.specs import resolve
from mtlbench.training import BackboneTrainer, selection
from mtlbench.training.budget import peak_memory_mib

selection.auc = lambda *given, auc=selection.auc, epoch=count(): auc(*given) + next(epoch)  # each epoch is the best yet
prepare_process(torch.device("cpu"))
catalogue = discover(())
splits = workload(100 * 2048, (int(sys.argv[1]), 12_000, 6_000, 3_000, 1_500, 400, 100))
spec = resolve(catalogue, "backbone", "shared-bottom", {}, "paper").spec
backbone = catalogue.create("backbone", spec, splits.schema)
trainer = BackboneTrainer(backbone, splits, Training(epochs=2, patience=2), 0)
began = time.perf_counter()
trainer.train(catalogue.create("weighting", PluginSpec("constant", {})))
seconds = time.perf_counter() - began
trainer.checkpoint("cell")
print(2 * 100 * 2048 / seconds, peak_memory_mib())
"""


@pytest.mark.parametrize("videos", [44_000, VIDEOS])
def test_training(benchmark: Any, videos: int) -> None:
    def train() -> str:
        command = [sys.executable, "-c", TRAIN, str(videos)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    rate, peak = map(float, benchmark.pedantic(train, rounds=1).split())
    benchmark.extra_info.update(rows_per_second=rate, peak_mib=peak)
    print(f"\n{videos:,} videos: {rate:,.0f} rows/s, epochs and validation included; peak memory {peak:,.0f} MiB")
    assert peak < MEMORY_MIB
