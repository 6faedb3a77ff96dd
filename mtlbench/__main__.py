"""The program ``mtlbench``, also as ``python -m mtlbench``."""

import os
import signal
import sys
from types import FrameType

INTERRUPTED = 130


def main() -> None:
    """Run the command line; Ctrl-C ends it with exit code 130 and without a traceback, while it is being loaded too."""
    signal.signal(signal.SIGINT, interrupt)
    try:
        from mtlbench import cli

        cli.main()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt; but end the process while a module is imported, which makes other errors of it."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            os._exit(INTERRUPTED)
        frame = frame.f_back
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
