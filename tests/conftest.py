"""Fixtures that any test may use."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A shared machine may pause at any moment: how long an example takes is no fact about the code.
settings.register_profile("mtlbench", deadline=None)
settings.load_profile("mtlbench")

# Small tensors gain nothing from threads, and threads that spin for a core that another process has lose much.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """As many processes as there are cores for us; none beside this one for timings, and for output shown as it comes."""
    if config.option.benchmark_only or config.option.capture == "no":
        return 0
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


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
