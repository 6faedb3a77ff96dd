"""The identity of an encoded dataset."""

import inspect
from pathlib import Path

from pydantic import BaseModel

from mtlbench.api import Dataset, identifying
from mtlbench.data.hashes import FileHashes, sha256_of_json

ENCODING = 2
"""Version of ordering, split, encoding and session index: raise it when the same log gives other tensors."""


def fingerprint(dataset: Dataset, root: Path, hashes: FileHashes) -> str:
    """sha256 over what makes the encoded dataset what it is: the identity that results carry.

    That is its name, its version and parameters, the content of each raw file, and the version of the encoding; neither
    where the files lie, nor when they were written, nor how the code reads them.
    """
    raw = [(path.name, hashes.sha256(path)) for path in dataset.files(root)]
    return sha256_of_json(
        {
            "dataset": dataset.name,
            "version": dataset.version,
            "params": identifying(dataset.params, by_alias=False) if isinstance(dataset.params, BaseModel) else {},
            "raw": raw,
            "encoding": ENCODING,
        }
    )


def cache_key(dataset: Dataset, identity: str, hashes: FileHashes) -> str:
    """sha256 over the fingerprint ``identity`` and the plugin's source with the private modules (``_*.py``) beside it.

    While a plugin is being written, every change of its code is encoded anew, whether or not it raised its version.
    """
    sources = sorted(hashes.sha256(path) for path in _sources(type(dataset)))
    return sha256_of_json({"fingerprint": identity, "source": sources})


def _sources(plugin: type[Dataset]) -> set[Path]:
    """Source files of the plugin and the plugins it derives from, and the private modules beside them."""
    own = {Path(inspect.getfile(base)) for base in plugin.__mro__ if issubclass(base, Dataset) and base is not Dataset}
    return own | {path for file in own for path in file.parent.glob("_*.py")}
