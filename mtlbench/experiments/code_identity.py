"""The code that computes a cell, to compare it between machines."""

import hashlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

import mtlbench
from mtlbench.cells import Cell
from mtlbench.discovery import Catalogue
from mtlbench.records.provenance import FROM_FILE, provider

HARNESS = "mtlbench"


@dataclass(frozen=True)
class Code:
    """Versions and sources that decide a cell's result beside the cell itself."""

    versions: Mapping[str, str]
    sources: Mapping[str, str]
    """Package -> sha256 of its Python files."""

    def others(self, here: "Code") -> list[str]:
        """What is not as it is ``here``, as parts of a sentence."""
        versions = [
            f"{name} {self.versions[name]} where {version} is here"
            for name, version in here.versions.items()
            if self.versions[name] != version
        ]
        sources = [f"other code of {name}" for name, digest in here.sources.items() if self.sources.get(name) != digest]
        return [*versions, *sources]


def code_of(cell: Cell, catalogue: Catalogue) -> Code:
    """What this process computes ``cell`` with; plugin files aside, which are brought to whoever runs it."""
    plugins = (("dataset", cell.dataset), ("backbone", cell.backbone), ("weighting", cell.weighting))
    classes = [catalogue.get(kind, spec.name).cls for kind, spec in plugins]
    packages = {cls.__module__.partition(".")[0] for cls in classes if provider(cls) != FROM_FILE}
    return Code(
        {HARNESS: mtlbench.__version__, "torch": torch.__version__},
        {package: sources(package) for package in sorted({HARNESS, *packages})},
    )


def _code(folder: Path) -> list[Path]:
    return [*folder.rglob("*.py"), *folder.rglob("*.toml")]


@cache
def sources(package: str) -> str:
    """sha256 of the Python files of an imported package and of its descriptions (TOML), their names included.

    It is kept as it is when first asked for: a process that goes on for long runs the code that it has imported, not
    the code that was installed since.
    """
    module = sys.modules[package]
    folders = [Path(folder) for folder in getattr(module, "__path__", ())]
    files = [(path.relative_to(folder), path) for folder in folders for path in sorted(_code(folder))]
    digest = hashlib.sha256()
    for name, path in files or [(Path(package), Path(str(module.__file__)))]:
        digest.update(f"{name.as_posix()} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


sources(HARNESS)
