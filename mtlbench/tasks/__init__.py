"""Task kinds: all that depends on what a label is. Binary, real and nonnegative labels, their losses and metrics.

Add a kind by a file in this folder that defines a :class:`mtlbench.tasks.kind.TaskKind`, and a metric by a
:class:`mtlbench.tasks.metrics.metric.Metric` in a file of ``metrics/``. Nothing else has to be edited.
"""
