"""Memory that many small objects take."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_cycle_search() -> Iterator[None]:
    """Objects are freed by their reference counts alone while the block runs.

    Python looks for objects that refer to each other again and again as their number grows, which takes as long as
    making millions of them; where there are hardly any such cycles that is for nothing.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
