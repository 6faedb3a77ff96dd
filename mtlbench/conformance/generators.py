"""The global random generators. The harness does not seed those of Python and numpy, and plugins must not use them."""
# ruff: noqa: NPY002 (numpy's legacy functions are the global state that is watched here)

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

INSTEAD = "draw from torch's global generator, which the harness seeds, or from a generator of the plugin's own"


def generator_states() -> dict[str, Any]:
    """Name of each global generator -> its state, for comparison."""
    return {
        "the state of Python's `random`": random.getstate(),
        "the state of numpy's global generator": repr(np.random.get_state(legacy=False)["state"]),
        "the state of torch's global generator": torch.get_rng_state().numpy().tobytes(),
    }


@contextmanager
def restored_generators(seed: int | None = None) -> Iterator[None]:
    """Restore all global generators afterwards; inside, those of Python and numpy are seeded by ``seed``."""
    python, numpy = random.getstate(), np.random.get_state()
    if seed is not None:
        random.seed(seed)
        np.random.seed(seed)
    with torch.random.fork_rng(devices=()):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
