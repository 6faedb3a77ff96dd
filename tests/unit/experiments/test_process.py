"""Settings of a process that trains."""

import resource
import subprocess
import sys
from collections.abc import Iterator

import pytest
import torch

from mtlbench.experiments import process
from mtlbench.experiments.process import ACCURATE, fast_matmul_precision, prepare_process, product_error

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    threads, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    yield
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision(precision)
    fast_matmul_precision.cache_clear()


def test_a_product_in_float32_counts_as_one_and_a_product_in_bfloat16_does_not():
    assert product_error(torch.matmul) < ACCURATE
    assert product_error(lambda a, b: (a.bfloat16() @ b.bfloat16()).float()) > 1000 * ACCURATE


def test_the_fast_product_is_used_only_where_it_is_accurate(monkeypatch: pytest.MonkeyPatch):
    for error, expected in ((0.9 * ACCURATE, "medium"), (ACCURATE, "highest"), (float("nan"), "highest")):
        fast_matmul_precision.cache_clear()
        monkeypatch.setattr(process, "product_error", lambda product, error=error: error)
        torch.set_float32_matmul_precision("highest")
        assert fast_matmul_precision() == expected
        assert torch.get_float32_matmul_precision() == "highest"
        prepare_process(CPU)
        assert torch.get_float32_matmul_precision() == expected


def test_a_gpu_multiplies_float32_as_float32():
    torch.set_float32_matmul_precision("medium")
    prepare_process(torch.device("cuda"))
    assert torch.get_float32_matmul_precision() == "highest"


def test_the_gpu_of_a_cell_is_the_one_that_graphs_are_recorded_on(monkeypatch: pytest.MonkeyPatch):
    present: list[torch.device] = []
    monkeypatch.setattr("torch.cuda.set_device", present.append)
    for device in ("cpu", "cuda", "cuda:1"):
        prepare_process(torch.device(device))
    assert present == [torch.device("cuda:1")]


def test_a_cell_has_one_thread():
    torch.set_num_threads(2)
    prepare_process(CPU)
    assert torch.get_num_threads() == 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator is Linux's")
def test_memory_that_is_freed_is_used_again():
    code = """
import resource, torch
from mtlbench.experiments.process import keep_freed_memory
keep_freed_memory()
def fill():
    torch.zeros(2**24)
for _ in range(3):
    fill()
faults = []
for _ in range(5):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    fill()
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(min(faults))  # a system short of memory may take pages back between two of them
"""

    def fewest_faults() -> int:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        return int(done.stdout)

    pages = 2**26 / resource.getpagesize()
    # Where a process begins in memory is drawn at random; now and then its heap has no room to grow by so much.
    assert any(fewest_faults() < pages / 10 for _ in range(3))
