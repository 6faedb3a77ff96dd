"""Plugin files: which ones there are, and importing one by its path."""

import hashlib
import importlib.util
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

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


def import_file(path: Path) -> ModuleType:
    """The module in the file ``path``, executed once per process and content."""
    digest = hashlib.sha256(str(path).encode() + b"\0" + path.read_bytes()).hexdigest()[:12]
    name = f"mtlbench_file_{re.sub(r'[^0-9A-Za-z_]', '_', path.stem)}_{digest}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
