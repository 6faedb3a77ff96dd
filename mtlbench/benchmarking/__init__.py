"""How fast a training step is on this machine: ours, a loop in the public style, and the limit of the processor."""

from mtlbench.benchmarking.measuring import Measurement, Unmeasured, measure
from mtlbench.benchmarking.public_style import in_public_style
from mtlbench.benchmarking.workload import workload

__all__ = ["Measurement", "Unmeasured", "in_public_style", "measure", "workload"]
