"""Datasets that a TOML file describes. The file lies beside the modules of a package, and counts as one of them."""

import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from mtlbench.api import Dataset
from mtlbench.errors import UsageError


def described_module(name: str, file: Path, readers: Iterable[type[Dataset]]) -> ModuleType:
    """The module ``name``, whose one class is the dataset that ``file`` describes; made once per process.

    Args:
        name: full name of the module, of which no Python file has one.
        file: the description.
        readers: all datasets; the first that reads such files makes the class.

    Raises:
        UsageError: none of ``readers`` reads descriptions.
        DataError: the file is no description.
    """
    if name not in sys.modules:
        cls = next((found for reader in readers if (found := reader.from_description(file)) is not None), None)
        if cls is None:
            raise UsageError("no dataset that is installed reads descriptions")
        module = ModuleType(name, cls.__doc__)
        module.__file__, cls.__module__ = str(file), name
        setattr(module, cls.__name__, cls)
        sys.modules[name] = module
    return sys.modules[name]
