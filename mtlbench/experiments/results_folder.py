"""The folder that a run writes its results to."""

import tempfile
from pathlib import Path

from mtlbench.errors import UsageError
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
