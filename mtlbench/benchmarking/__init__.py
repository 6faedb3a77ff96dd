"""How fast a training step is on this machine: ours, a loop in the public style, other libraries, the limit."""

from mtlbench.benchmarking.measurement import Measurement, Unmeasured
from mtlbench.benchmarking.measuring import measure
from mtlbench.benchmarking.public_style import in_public_style
from mtlbench.benchmarking.workload import workload

__all__ = ["Measurement", "Unmeasured", "in_public_style", "measure", "workload"]
