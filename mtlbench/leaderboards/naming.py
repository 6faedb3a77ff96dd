"""How methods, datasets and parameters are called in tables."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from mtlbench.records import PluginUse, Record
from mtlbench.text import one_line


def params_text(params: Mapping[str, Any]) -> str:
    """Parameters as a reader expects them: ``lambda=0.5, tower=128-64``."""
    return one_line(", ".join(f"{name}={_value_text(value)}" for name, value in params.items()))


def method_name(record: Record) -> str:
    """The method with its changed parameters, the backbone's first: ``RMTL-PLE [experts=8; lambda=0.5]``."""
    changed = [params_text(use.changed) for use in (record.backbone, record.weighting) if use.changed]
    return one_line(record.method) + (f" [{'; '.join(changed)}]" if changed else "")


def backbone_name(record: Record) -> str:
    """The backbone with its changed parameters: ``PLE [experts=8]``."""
    return _labelled(record.backbone)


def weighting_name(record: Record) -> str:
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


def natural(text: str) -> tuple[tuple[bool, float, str], ...]:
    """Sort key under which ``lambda=2`` comes before ``lambda=10``, upper and lower case alike."""
    parts = re.split(r"(\d+(?:\.\d+)?)", text.casefold())
    return tuple((i % 2 == 0, float(part) if i % 2 else 0.0, part) for i, part in enumerate(parts))


def _labelled(use: PluginUse) -> str:
    changed = params_text(use.changed)
    return one_line(use.label) + (f" [{changed}]" if changed else "")


def _value_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return "-".join(map(_value_text, value))
    return json.dumps(value, default=str)
