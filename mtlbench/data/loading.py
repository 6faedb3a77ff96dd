"""From a dataset plugin to its encoded splits, through the cache."""

import warnings
from pathlib import Path

from mtlbench.api import Dataset, Splits
from mtlbench.data.building import build
from mtlbench.data.fingerprint import cache_key, fingerprint
from mtlbench.data.hashes import FileHashes
from mtlbench.data.store import DamagedEntryError, read, scratch, write
from mtlbench.errors import DataError, DataWarning

ATTEMPTS = 3
"""Another process that replaces the same damaged entry can take ours away as soon as it is there."""


def load(dataset: Dataset, root: Path, cache: Path) -> Splits:
    """The encoded splits of ``dataset``, read from ``cache`` or else built from its raw files below ``root``.

    Tensors are memory-mapped, copy-on-write: processes that load the same dataset share its pages. What is read from
    the cache is compared with its digests first, in each process; a damaged entry is built anew, with a warning.

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
    found = _read(entry, key)
    if found is None:
        log = dataset.load(root)
        for _ in range(ATTEMPTS):
            with scratch(cache) as folder:
                found = write(entry, build(log, dataset.name, identity, folder), key, folder)
            if found is not None:
                break
    hashes.save()
    if found is None:
        raise DataError(
            f"cache entry {entry} of dataset {dataset.name!r} is gone as soon as it is written: see which program "
            "cleans that folder, or name another folder by the environment variable MTLBENCH_CACHE"
        )
    return found


def announce(splits: Splits, dataset: str) -> None:
    """Warn of what whoever reads results on ``splits``, those of the dataset named ``dataset``, must know."""
    for text in splits.warnings:
        warnings.warn(f"dataset {dataset!r}: {text}", DataWarning, stacklevel=2)


def _read(entry: Path, key: str) -> Splits | None:
    try:
        return read(entry, key)
    except DamagedEntryError as error:
        text = f"the encoded dataset in {entry} is damaged, {error}: it is not used, and built anew from the raw files"
        warnings.warn(text, DataWarning, stacklevel=3)
        return None
