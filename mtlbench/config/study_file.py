"""A study as a TOML file."""

import tomllib
from pathlib import Path
from typing import Any

from mtlbench.errors import UsageError

PATHS = ("data_dir", "out", "space")
"""Keys whose values are paths, relative to the file."""


def read_study(file: Path) -> dict[str, Any]:
    """The keys and values in ``file``, not validated, its paths absolute.

    Raises:
        UsageError: it cannot be read, or names code.
    """
    try:
        settings = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read the study file {file}: {error.strerror}; check the path") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"the study file {file} is no TOML that can be read: {error}; correct it") from error
    if "plugins" in settings:
        raise UsageError(
            f"the study {file}: a study file is data and cannot name code to run; remove 'plugins', and name the files "
            "with --plugin FILE or their folder with MTLBENCH_PLUGINS"
        )
    base = file.resolve().parent
    for key in PATHS:
        if isinstance(settings.get(key), str):
            settings[key] = base / Path(settings[key]).expanduser()
    return settings
