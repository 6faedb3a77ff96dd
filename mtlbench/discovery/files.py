"""Plugin files: which ones there are, and importing one by its path."""

import hashlib
import importlib.util
import os
import re
import sys
from collections.abc import Iterable
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from mtlbench.errors import UsageError

FOLDER_VARIABLE = "MTLBENCH_PLUGINS"


def plugin_files(named: Iterable[Path] = ()) -> tuple[Path, ...]:
    """Absolute paths of the plugin files: ``named`` by the user, then those in the folder ``MTLBENCH_PLUGINS``.

    Raises:
        UsageError: a named file, or that folder, does not exist.
    """
    files = [path.expanduser().resolve() for path in named]
    for file in files:
        if file.suffix != ".py" or not file.is_file():
            raise UsageError(f"the plugin file {file} is not there or is no .py file; check the path after --plugin")
    folder = os.environ.get(FOLDER_VARIABLE)
    if folder:
        path = Path(folder).expanduser().resolve()
        if not path.is_dir():
            raise UsageError(f"{FOLDER_VARIABLE}={folder} is not a folder; correct the variable or unset it")
        files += sorted(file for file in path.glob("*.py") if not file.name.startswith("_"))
    return tuple(dict.fromkeys(files))


def digest(file: str | Path) -> str | None:
    """sha256 of the content of ``file``; ``None`` where it cannot be read."""
    try:
        return hashlib.sha256(Path(file).read_bytes()).hexdigest()
    except OSError:
        return None


def import_file(path: Path) -> ModuleType:
    """The module in the file ``path``, executed once per process and content."""
    content = path.read_bytes()
    identity = hashlib.sha256(str(path).encode() + b"\0" + content).hexdigest()[:12]
    name = f"mtlbench_file_{re.sub(r'[^0-9A-Za-z_]', '_', path.stem)}_{identity}"
    if name in sys.modules:
        return sys.modules[name]
    loader = _ContentLoader(name, str(path), content)
    spec = ModuleSpec(name, loader, origin=str(path))
    spec.has_location = True
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


class _ContentLoader(SourceFileLoader):
    """Compiles the content that was read.

    Python's own loader may run the compiled file of an older content that has the same size and second.
    """

    def __init__(self, name: str, path: str, content: bytes) -> None:
        super().__init__(name, path)
        self._content = content

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self._content, self.path)
