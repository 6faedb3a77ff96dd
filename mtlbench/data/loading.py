"""From a dataset plugin to its encoded splits, through the cache."""

from pathlib import Path

from mtlbench.api import Dataset, Splits
from mtlbench.data.building import build
from mtlbench.data.fingerprint import cache_key, fingerprint
from mtlbench.data.hashes import FileHashes
from mtlbench.data.store import read, write
from mtlbench.errors import DataError

ATTEMPTS = 3
"""Another process that replaces the same damaged entry can take ours away between write and read."""


def load(dataset: Dataset, root: Path, cache: Path) -> Splits:
    """The encoded splits of ``dataset``, read from ``cache`` or else built from its raw files below ``root``.

    Tensors are memory-mapped, copy-on-write: processes that load the same dataset share its pages.

    Args:
        dataset: plugin with its parameters.
        root: the data folder, that of ``--data-dir``; a generated dataset does not read it.
        cache: folder of encoded datasets, see :func:`cache_dir`; made when absent. Safe for several processes.

    Raises:
        DataError: raw files are missing or malformed, or the log cannot be split fairly. Nothing is cached then.
        UsageError: the cache folder cannot be written.
    """
    hashes = FileHashes(cache)
    identity = fingerprint(dataset, root, hashes)
    key = cache_key(dataset, identity, hashes)
    entry = cache / f"{dataset.name}-{key[:16]}"
    found = read(entry, key, hashes)
    if found is None:
        built = build(dataset.load(root), dataset.name, identity)
        for _ in range(ATTEMPTS):
            write(entry, built, key, hashes)
            found = read(entry, key, hashes)
            if found is not None:
                break
    hashes.save()
    if found is None:
        raise DataError(
            f"cache entry {entry} of dataset {dataset.name!r} does not hold what was just written to it: check the "
            "disk, or name another folder by the environment variable MTLBENCH_CACHE"
        )
    return found
