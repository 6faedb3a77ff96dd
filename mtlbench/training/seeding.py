"""Randomness by purpose: the random numbers of one part of a run do not depend on how many another part draws.

This makes comparisons paired. For one seed every weighting sees the same initial parameters, batches and dropout masks,
whatever random numbers the weighting itself uses.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


def derive(seed: int, *purpose: str | int) -> int:
    """A 63-bit seed that depends on ``seed`` and on each word of ``purpose``."""
    text = "\x1f".join(map(str, (seed, *purpose)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


@contextmanager
def seeded(seed: int, *purpose: str | int) -> Iterator[None]:
    """Seed torch's global generators inside the block; give them back as they were."""
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(derive(seed, *purpose))
        yield


def reseed(device: torch.device, seed: int) -> None:
    """Seed the global generator of ``device`` alone: a tenth of the cost of ``torch.manual_seed``."""
    generator = torch.cuda.default_generators[device.index or 0] if device.type == "cuda" else torch.default_generator
    generator.manual_seed(seed)


def generators(device: torch.device) -> list[Tensor]:
    """The states of torch's global generators: the CPU's, and that of ``device``."""
    return [torch.get_rng_state(), *([torch.cuda.get_rng_state(device)] if device.type == "cuda" else [])]


def set_generators(device: torch.device, states: list[Tensor]) -> None:
    """Give torch's global generators back the states that :func:`generators` gave."""
    torch.set_rng_state(states[0].cpu())
    if device.type == "cuda":
        torch.cuda.set_rng_state(states[1].cpu(), device)
