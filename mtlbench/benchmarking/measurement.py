"""What comes out of a benchmark of training steps."""

from dataclasses import dataclass

PUBLIC = "public style"


@dataclass(frozen=True)
class Measurement:
    """Medians over the turns of one backbone and weighting, beside one reference."""

    backbone: str
    weighting: str
    rows_per_second: float
    """Of our training, all its processes together."""
    ratio: float
    """Ours over the reference's."""
    fraction_of_limit: float
    """Floating-point operations per second that the public style would need for our rows, by the plain average of the
    losses, over those of bare float32 products. Above 1 where ours gets by with fewer operations."""
    reference_rows_per_second: float
    limit_gigaflops: float
    """10^9 operations per second of bare products, in the shapes of the backbone's largest layer."""
    megaflop_per_row: float
    """10^6 operations, forwards and backwards, by the plain average of the losses."""
    peak_memory_mib: float
    """Of the processes that train, together."""
    reference_peak_memory_mib: float
    reference: str = PUBLIC
    """What trains the same backbone beside ours: the loop in the public style, by the plain average of the losses; or
    the same loop, by the same weighting of another library, with the library's name and version."""


@dataclass(frozen=True)
class Unmeasured:
    """A backbone and a weighting that cannot be measured, or not beside another library."""

    backbone: str
    weighting: str
    reason: str
