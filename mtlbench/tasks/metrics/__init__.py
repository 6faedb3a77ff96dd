"""The one registry of metrics: what tables, selection and reports ask for names, directions and digits.

Importing it does not import torch, for tables of records need none.
"""

import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from mtlbench.tasks.metrics.metric import Metric


def _found() -> Mapping[str, Metric]:
    """Every metric that a module of this package defines, by its key."""
    found: dict[str, Metric] = {}
    for info in pkgutil.iter_modules(__path__):
        for value in vars(importlib.import_module(f"{__name__}.{info.name}")).values():
            if isinstance(value, Metric) and found.setdefault(value.key, value) is not value:
                raise ValueError(f"two metrics have the key {value.key!r}; rename the one in {info.name}.py")
    return MappingProxyType(found)


METRICS: Mapping[str, Metric] = _found()
"""Key, as in records -> metric."""
