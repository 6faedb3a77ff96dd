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
    texts, files = [], []
    for one in [given] if isinstance(given, str | type) else list(given):
        if isinstance(one, str):
            texts.append(one)
        elif isinstance(one, type) and issubclass(one, KINDS[kind]):
            plugin: type[Any] = one
            texts.append(plugin.name)
            files.append(_file_of(one))
        else:
            base = KINDS[kind].__name__
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
        UsageError: the frame cannot be written as Parquet.
    """
    folder = cache_dir() / "frames"
    try:
        data = frame.to_parquet(index=False)
    except Exception as error:  # pyarrow has many of its own
        raise UsageError(f"the data frame cannot be written as Parquet: {error}; convert the column") from error
    content = hashlib.sha256(data + json.dumps(description, sort_keys=True, default=str).encode()).hexdigest()[:16]
    log = _written(f"{content}.parquet", data, folder)
    text = tomli_w.dumps({"files": log.name, **description})
    return f"table[schema='{_written(f'{content}.toml', text.encode(), folder)}']"


def _written(name: str, content: bytes, folder: Path | None = None) -> Path:
    path = (folder or cache_dir() / "classes") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        with replacing(path) as file:
            file.write(content)
    return path
