"""The folder that a run writes its results to."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from mtlbench.errors import StorageError, UsageError
from mtlbench.files import nearest


def require_writable(out: Path) -> None:
    """Make sure that results can be written to ``out``, without leaving a trace.

    Raises:
        UsageError: they cannot.
    """
    place = out
    try:
        place = nearest(out)
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise UsageError(
            f"cannot write to the results folder {out}: {place}: {error.strerror}; choose another folder with --out"
        ) from error


def stays(out: Path) -> Callable[[], None]:
    """To be called before something is written to ``out``, which exists now.

    It raises StorageError once the folder was moved or removed: what is written then would begin a second folder in its
    place.
    """
    began = out.stat()

    def check() -> None:
        if not out.exists() or not os.path.samestat(out.stat(), began):
            raise StorageError(
                f"the results folder {out} was moved or removed while the run went on, so the run stops; move it back, "
                "or name its new place with --out, and run the same command again"
            )

    return check
