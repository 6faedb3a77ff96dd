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
from mtlbench.discovery import KINDS, Catalogue
from mtlbench.experiments.process import ACCURATE, fast_matmul_precision, product_error
from mtlbench.files import nearest
from mtlbench.machine import free_memory, usable_cores

PACKAGES = ("torch", "numpy", "pandas", "pyarrow", "pydantic", "pluggy", "scipy", "loky")
GIB = 2**30
LEAST_GIB = 1.0
"""Free memory per core below which workers run into each other."""
PROBE_SIZE, PROBE_REPEATS = 512, 5


@dataclass(frozen=True)
class Diagnosis:
    """One thing that was looked at."""

    name: str
    value: str
    remedy: str = ""
    """What to do, where something is wrong."""


def examine(catalogue: Catalogue, data_dir: Path) -> Iterator[Diagnosis]:
    """Look at versions, processor, memory, float32 products, folders, data and plugins."""
    yield Diagnosis("mtlbench", f"{mtlbench.__version__}, {Path(mtlbench.__file__).parent}")
    yield Diagnosis("python", f"{platform.python_version()}, {platform.platform()}")
    yield from map(_package, PACKAGES)
    cores = usable_cores()
    yield Diagnosis("cores", f"{cores} usable; a cell trains on one thread, so --jobs {cores} uses them all")
    yield _memory(cores)
    yield Diagnosis("accelerators", f"{torch.cuda.device_count()} CUDA devices")
    yield _products()
    yield _cache(cache_dir())
    yield from _data(catalogue, data_dir)
    for kind in KINDS:
        yield Diagnosis(f"{kind}s", str(len(catalogue.of_kind(kind))))
    for broken in catalogue.broken:
        remedy = "mend or remove it; it is left out of every study"
        yield Diagnosis(f"plugin {broken.name}", f"broken: {broken.origin}: {broken.reason}", remedy)


def _package(name: str) -> Diagnosis:
    try:
        return Diagnosis(name, metadata.version(name))
    except metadata.PackageNotFoundError:
        return Diagnosis(name, "not installed", f"python -m pip install {name}")


def _memory(cores: int) -> Diagnosis:
    free = free_memory() / GIB
    remedy = f"run with --jobs {max(1, int(free / LEAST_GIB))} or fewer" if free < LEAST_GIB * cores else ""
    return Diagnosis("memory", f"{free:.1f} GiB free", remedy)


def _products() -> Diagnosis:
    matrix = torch.randn(PROBE_SIZE, PROBE_SIZE)
    started = time.perf_counter()
    for _ in range(PROBE_REPEATS):
        matrix @ matrix
    speed = 2 * PROBE_SIZE**3 * PROBE_REPEATS / (time.perf_counter() - started) / 1e9
    error = product_error(torch.matmul)
    wrong = f"above {ACCURATE:g}: float32 products are not computed as float32; use another build of torch"
    return Diagnosis(
        "products",
        f"{speed:.0f} GFLOP/s in float32, relative error {error:.1g}, precision {fast_matmul_precision()!r} is used",
        "" if error < ACCURATE else wrong,
    )


def _cache(folder: Path) -> Diagnosis:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0
    remedy = "" if os.access(nearest(folder), os.W_OK) else "name a folder that can be written by MTLBENCH_CACHE"
    return Diagnosis("cache", f"{folder}, {size / GIB:.2f} GiB", remedy)


def _data(catalogue: Catalogue, data_dir: Path) -> Iterator[Diagnosis]:
    for name, entry in sorted(catalogue.of_kind("dataset").items()):
        if folder := entry.cls.folder:
            here = presence(entry.cls(entry.cls.Params()), data_dir)
            how = f"not found; `mtlbench data download {name}` says how to get it"
            yield Diagnosis(f"data of {name}", how if here == "no" else str(data_dir / folder))
