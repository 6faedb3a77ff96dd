"""What a notebook hands over in place of names: classes that it defines, and data frames."""

import hashlib
import inspect
import json
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w

from mtlbench.api import Backbone, Dataset, Tracker, Weighting
from mtlbench.config.given import items_of, path_of
from mtlbench.data import cache_dir
from mtlbench.errors import UsageError
from mtlbench.leaderboards.publishing import write_file
from mtlbench.text import shown

if TYPE_CHECKING:
    import pandas as pd

OURS = "# Written by mtlbench.table, which may replace this file and the frame beside it."

KINDS: Mapping[str, type[Any]] = {
    "datasets": Dataset,
    "backbones": Backbone,
    "weightings": Weighting,
    "trackers": Tracker,
}


def specs(kind: str, given: Any) -> tuple[list[str], list[Path]]:
    """What ``given`` means as specs of a study, and the plugin files that they need.

    Args:
        kind: ``datasets``, ``backbones``, ``weightings`` or ``trackers``.
        given: a spec, a class, or a list of them.

    Raises:
        UsageError: something is neither.
    """
    base = KINDS[kind].__name__
    if hasattr(given, "columns"):
        raise UsageError(f"{kind}: a data frame has no tasks by itself; give mtlbench.table(frame, tasks=[...], ...)")
    texts, files = [], []
    for one in items_of(given):
        if isinstance(one, str):
            texts.append(one)
        elif isinstance(one, type) and issubclass(one, KINDS[kind]):
            plugin: type[Any] = one
            if not isinstance(getattr(plugin, "name", None), str):
                raise UsageError(f"{kind}: the class {one.__name__} has no name; write name = {one.__name__.lower()!r}")
            texts.append(plugin.name)
            files.append(_file_of(one))
        else:
            raise UsageError(
                f"{kind}: {shown(one)} is neither a spec nor a subclass of mtlbench.api.{base}; give one of both"
            )
    return texts, [file for file in files if file is not None]


def _file_of(cls: type[Any]) -> Path | None:
    """A plugin file that defines ``cls``, for worker processes; ``None`` where an installed module does."""
    import cloudpickle

    if cls.__module__ != "__main__" and not cls.__module__.startswith("ipykernel"):
        source = inspect.getsourcefile(cls)
        if source is None or not Path(source).is_file():
            raise UsageError(f"the class {cls.__name__} has no file; define it in a notebook, a script or a module")
        return Path(source).resolve()
    content = b64encode(cloudpickle.dumps(cls)).decode()
    text = (
        f'"""{cls.__name__}, as a notebook or a script defined it."""\n\nimport base64\nimport pickle\n\n'
        f'_defined = pickle.loads(base64.b64decode("{content}"))\n'
        # A class of this file's own: the notebook's stays as it is.
        f'{cls.__name__} = type("{cls.__name__}", (_defined,), dict(__module__=__name__, __doc__=_defined.__doc__))\n'
    )
    name = f"{cls.__name__.lower()}-{hashlib.sha256(text.encode()).hexdigest()[:12]}.py"
    return _written(cache_dir() / "classes" / name, text.encode())


def table(frame: "pd.DataFrame", path: Path | str | None = None, **description: Any) -> str:
    """A data frame as a dataset: its spec, for :func:`mtlbench.run`.

    The frame is written as Parquet, with its description beside it.

    Args:
        frame: the log, one row for each impression.
        path: the description's file, such as ``shop.toml``; the frame becomes ``shop.parquet``. Leaderboards name it.
            By default both are in the cache. What an earlier call wrote there is replaced.
        **description: the keys of a description of ``table``, without ``files``: ``tasks``, ``categorical``,
            ``numerical``, ``timestamp``, ``user``, ``session``, ...

    Raises:
        UsageError: it is no data frame, cannot be written as Parquet, a key holds what TOML has not, or ``path`` is a
            file that this function did not write.
    """
    if not hasattr(frame, "to_parquet"):
        raise UsageError(f"{type(frame).__name__} is no pandas data frame; make one by pandas.DataFrame(...)")
    described = {key: _plain(value) for key, value in description.items() if value is not None}
    try:
        stated = tomli_w.dumps(described)
    except TypeError as error:
        raise UsageError(f"the description of the data frame: {error}; give texts, numbers and lists") from error
    try:
        data = frame.to_parquet(index=False)
    except Exception as error:  # pyarrow has many of its own
        raise UsageError(f"the data frame cannot be written as Parquet: {error}; convert the column") from error
    if path is None:
        content = hashlib.sha256(data + json.dumps(described, sort_keys=True, default=str).encode()).hexdigest()[:16]
        path = cache_dir() / "frames" / f"{content}.toml"
    else:
        path = _own_toml(path_of("path", path, "a file that ends in .toml"))
    log = path.with_suffix(".parquet")
    # The description first: it says that the frame beside it may be replaced.
    _written(path, f"{OURS}\n{tomli_w.dumps({'files': log.name})}{stated}".encode())
    _written(log, data)
    return f"table[schema='{path}']"


def _plain(value: Any) -> Any:
    """Columns of a data frame and arrays as lists, which TOML has."""
    return value.tolist() if hasattr(value, "tolist") else value


def _own_toml(path: Path) -> Path:
    """``path``, which ends in .toml, and which nothing is lost by writing."""
    if path.suffix != ".toml":
        raise UsageError(f"path: {path} does not end in .toml, as a description does; the frame is written beside it")
    first = path.read_text(encoding="utf-8", errors="replace").partition("\n")[0] if path.is_file() else ""
    if first != OURS and (path.exists() or path.with_suffix(".parquet").exists()):
        raise UsageError(f"path: {path} or the .parquet beside it is not of mtlbench.table; choose another name")
    return path


def _written(path: Path, content: bytes) -> Path:
    """``path`` with this content; a file that has it already is left alone, and so is what was made of it."""
    if not path.is_file() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, content)
    return path
