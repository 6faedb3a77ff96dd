"""Whether this machine and this installation are fit for a study."""

import os
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import torch

import mtlbench
from mtlbench.data import cache_dir
from mtlbench.data.folders import presence
from mtlbench.discovery import Catalogue
from mtlbench.experiments.process import ACCURATE, fast_matmul_precision, product_error
from mtlbench.records.provenance import usable_cores

PACKAGES = ("torch", "numpy", "pandas", "pyarrow", "pydantic", "pluggy", "scipy", "loky")
GIB = 2**30
LEAST_GIB = 1.0
"""Free memory per core below which workers run into each other."""
PROBE_SIZE, PROBE_REPEATS = 512, 5


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    name: str
    value: str
    remedy: str = ""
    """What to do, where something is wrong."""


def examine(catalogue: Catalogue, data_dir: Path) -> Iterator[Finding]:
    """Look at versions, processor, memory, float32 products, folders, data and plugins."""
    yield Finding("mtlbench", f"{mtlbench.__version__}, {Path(mtlbench.__file__).parent}")
    yield Finding("python", f"{platform.python_version()}, {platform.platform()}")
    yield from map(_package, PACKAGES)
    cores = usable_cores()
    yield Finding("cores", f"{cores} usable; a cell trains on one thread, so --jobs {cores} uses them all")
    yield _memory(cores)
    yield Finding("accelerators", f"{torch.cuda.device_count()} CUDA devices")
    yield _products()
    yield _cache(cache_dir())
    yield from _data(catalogue, data_dir)
    for kind in ("dataset", "backbone", "weighting"):
        yield Finding(f"{kind}s", str(len(catalogue.of_kind(kind))))
    for broken in catalogue.broken:
        remedy = "mend or remove it; it is left out of every study"
        yield Finding(f"plugin {broken.name}", f"broken: {broken.origin}: {broken.reason}", remedy)


def _package(name: str) -> Finding:
    try:
        return Finding(name, metadata.version(name))
    except metadata.PackageNotFoundError:
        return Finding(name, "not installed", f"python -m pip install {name}")


def _memory(cores: int) -> Finding:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = next(int(line.split()[1]) / 2**20 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        return Finding("memory", "cannot be told on this platform")
    remedy = f"run with --jobs {max(1, int(free / LEAST_GIB))} or fewer" if free < LEAST_GIB * cores else ""
    return Finding("memory", f"{free:.1f} GiB free", remedy)


def _products() -> Finding:
    matrix = torch.randn(PROBE_SIZE, PROBE_SIZE)
    started = time.perf_counter()
    for _ in range(PROBE_REPEATS):
        matrix @ matrix
    speed = 2 * PROBE_SIZE**3 * PROBE_REPEATS / (time.perf_counter() - started) / 1e9
    error = product_error(torch.matmul)
    wrong = f"above {ACCURATE:g}: float32 products are not computed as float32; use another build of torch"
    return Finding(
        "products",
        f"{speed:.0f} GFLOP/s in float32, relative error {error:.1g}, precision {fast_matmul_precision()!r} is used",
        "" if error < ACCURATE else wrong,
    )


def _cache(folder: Path) -> Finding:
    place = folder.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0
    remedy = "" if os.access(place, os.W_OK) else "name a folder that can be written by MTLBENCH_CACHE"
    return Finding("cache", f"{folder}, {size / GIB:.2f} GiB", remedy)


def _data(catalogue: Catalogue, data_dir: Path) -> Iterator[Finding]:
    for name, entry in sorted(catalogue.of_kind("dataset").items()):
        if folder := entry.cls.folder:
            here = presence(entry.cls(entry.cls.Params()), data_dir)
            how = f"not found; `mtlbench data download {name}` says how to get it"
            yield Finding(f"data of {name}", how if here == "no" else str(data_dir / folder))
