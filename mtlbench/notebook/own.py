"""What a notebook hands over in place of names: classes that it defines, and data frames."""

import hashlib
import inspect
import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w

from mtlbench.api import Backbone, Dataset, Tracker, Weighting
from mtlbench.data import cache_dir
from mtlbench.errors import UsageError
from mtlbench.files import replacing

if TYPE_CHECKING:
    import pandas as pd

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
    for one in list(given) if isinstance(given, Iterable) and not isinstance(given, str | type) else [given]:
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
                f"{kind}: {one!r} is neither a spec nor a subclass of mtlbench.api.{base}; give one of both"
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
    return _written(f"{cls.__name__.lower()}-{hashlib.sha256(text.encode()).hexdigest()[:12]}.py", text.encode())


def table(frame: "pd.DataFrame", **description: Any) -> str:
    """A data frame as a dataset: its spec, for :func:`mtlbench.run`.

    The frame is written to the cache, as Parquet, with its description beside it.

    Args:
        frame: the log, one row for each impression.
        **description: the keys of a description of ``table``, without ``files``: ``tasks``, ``categorical``,
            ``numerical``, ``timestamp``, ``user``, ``session``, ...

    Raises:
        UsageError: it is no data frame, cannot be written as Parquet, or a key holds what TOML has not.
    """
    if not hasattr(frame, "to_parquet"):
        raise UsageError(f"{type(frame).__name__} is no pandas data frame; make one by pandas.DataFrame(...)")
    described = {key: _plain(value) for key, value in description.items() if value is not None}
    try:
        stated = tomli_w.dumps(described)
    except TypeError as error:
        raise UsageError(f"the description of the data frame: {error}; give texts, numbers and lists") from error
    folder = cache_dir() / "frames"
    try:
        data = frame.to_parquet(index=False)
    except Exception as error:  # pyarrow has many of its own
        raise UsageError(f"the data frame cannot be written as Parquet: {error}; convert the column") from error
    content = hashlib.sha256(data + json.dumps(described, sort_keys=True, default=str).encode()).hexdigest()[:16]
    log = _written(f"{content}.parquet", data, folder)
    text = tomli_w.dumps({"files": log.name}) + stated
    return f"table[schema='{_written(f'{content}.toml', text.encode(), folder)}']"


def _plain(value: Any) -> Any:
    """Columns of a data frame and arrays as lists, which TOML has."""
    return value.tolist() if hasattr(value, "tolist") else value


def _written(name: str, content: bytes, folder: Path | None = None) -> Path:
    path = (folder or cache_dir() / "classes") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        with replacing(path) as file:
            file.write(content)
    return path
