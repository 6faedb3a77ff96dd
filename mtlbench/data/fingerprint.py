"""The identity of an encoded dataset."""

import hashlib
import inspect
import json
from pathlib import Path

from pydantic import BaseModel

from mtlbench.api import Dataset
from mtlbench.data.hashes import FileHashes

ENCODING = 2
"""Version of ordering, split, encoding and session index: raise it when the same log gives other tensors."""


def fingerprint(dataset: Dataset, root: Path, hashes: FileHashes) -> str:
    """sha256 over what determines the encoded dataset.

    That is its name, its parameters, the plugin's source with the private modules (``_*.py``) beside it, the content
    of each raw file, and the version of the encoding; neither where the files lie nor when they were written.
    """
    raw = [(path.name, hashes.sha256(path)) for path in dataset.files(root)]
    content = {
        "dataset": dataset.name,
        "params": dataset.params.model_dump(mode="json") if isinstance(dataset.params, BaseModel) else {},
        "source": sorted(hashes.sha256(path) for path in _sources(type(dataset))),
        "raw": raw,
        "encoding": ENCODING,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _sources(plugin: type[Dataset]) -> set[Path]:
    """Source files of the plugin and the plugins it derives from, and the private modules beside them."""
    own = {Path(inspect.getfile(base)) for base in plugin.__mro__ if issubclass(base, Dataset) and base is not Dataset}
    return own | {path for file in own for path in file.parent.glob("_*.py")}
