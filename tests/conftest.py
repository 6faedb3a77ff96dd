"""Fixtures that any test may use."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# Modules and collected tests stay until the end: to search them for garbage took a third of the time of collecting.
gc.disable()

# A shared machine may pause at any moment: how long an example takes is no fact about the code.
# Half of hypothesis's usual number of examples keeps the suite short; CONTRIBUTING.md has the command for more.
settings.register_profile("mtlbench", deadline=None, max_examples=50)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "mtlbench"))

# Small tensors gain nothing from threads, and threads that spin for a core that another process has lose much.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """A process per core; none beside this one for timings, and for output that is shown as it comes."""
    if config.option.benchmark_only or config.option.capture == "no":
        return 0
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Search for garbage from here on, among what the tests make."""
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


BESIDE = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data; skips where there is none."""
    folder = Path(os.environ.get("MTLBENCH_DATA", BESIDE))
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is not a folder (name one by MTLBENCH_DATA)")
    return folder


@pytest.fixture
def cache_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder of the test's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("MTLBENCH_CACHE", str(folder))
    return folder


@pytest.fixture
def one_core() -> Iterator[None]:
    """Cells run one after the other then: starting worker processes takes longer than these cells."""
    every = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(every)})
    yield
    os.sched_setaffinity(0, every)
