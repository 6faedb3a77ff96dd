"""What methods and datasets are called in tables, and which of them are the same."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from mtlbench.config.parameters import params_text
from mtlbench.records import PluginUse, Record
from mtlbench.records.searches import Search
from mtlbench.text import one_line


class Used(Protocol):
    """A plugin as it was used."""

    @property
    def name(self) -> str:
        """The plugin's."""

    @property
    def params(self) -> Mapping[str, Any]:
        """Every parameter, as JSON values."""


def method_name(record: Record) -> str:
    """The method with its changed parameters, the backbone's first: ``RMTL-PLE [experts=8; lambda=0.5]``."""
    changed = [params_text(use.changed) for use in (record.backbone, record.weighting) if use.changed]
    return one_line(record.method) + (f" [{'; '.join(changed)}]" if changed else "")


def backbone_name(record: Record | Search) -> str:
    """The backbone with its changed parameters: ``PLE [experts=8]``."""
    return _labelled(record.backbone)


def weighting_name(record: Record | Search) -> str:
    """The weighting with its changed parameters: ``RMTL [lambda=0.5]``."""
    return _labelled(record.weighting)


def dataset_name(record: Record) -> str:
    """The dataset with its changed parameters: ``KuaiRand [variant=1k]``."""
    return _labelled(record.dataset)


def apart(settings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each of ``settings`` reduced to the names whose values are not the same in all of them."""
    names = dict.fromkeys(name for setting in settings for name in setting)
    different = [name for name in names if len({canonical(setting.get(name)) for setting in settings}) > 1]
    return [{name: setting[name] for name in different if name in setting} for setting in settings]


def told_apart(names: Sequence[str], settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names; to those that are alike, what their settings differ in is added in parentheses."""
    found = list(names)
    for name in {name for name, count in Counter(names).items() if count > 1}:
        places = [i for i, other in enumerate(names) if other == name]
        for i, different in zip(places, apart([settings[i] for i in places]), strict=True):
            found[i] += f" ({params_text(different)})" if different else ""
    return found


def canonical(value: Any) -> str:
    """Equal values, equal text."""
    return json.dumps(value, sort_keys=True, default=str)


def key_of(*uses: Used) -> str:
    """Equal for equal plugins with equal parameters, whatever their names in tables."""
    return canonical([[use.name, use.params] for use in uses])


def natural(text: str) -> tuple[tuple[bool, float, str], ...]:
    """Sort key under which ``lambda=2`` comes before ``lambda=10``, upper and lower case alike."""
    parts = re.split(r"(\d+(?:\.\d+)?)", text.casefold())
    return tuple((i % 2 == 0, float(part) if i % 2 else 0.0, part) for i, part in enumerate(parts))


def _labelled(use: PluginUse) -> str:
    changed = params_text(use.changed)
    return one_line(use.label) + (f" [{changed}]" if changed else "")
