"""Plugin specs: from ``rmtl[lambda=0.5|0.7]`` to plugins with validated parameters."""

import os
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from mtlbench.api import Params, identifying, recorded
from mtlbench.bounds import NAME, PLUGIN_NAME, bounded
from mtlbench.cells import PluginSpec
from mtlbench.config.grammar import ALL, parse, quoted
from mtlbench.config.messages import complaints
from mtlbench.config.parameters import public_fields, spec_text, types_of, value_from_text
from mtlbench.config.presets import PRESETS, PresetName
from mtlbench.config.settings import RunSettings
from mtlbench.discovery.catalogue import Catalogue, Entry
from mtlbench.errors import UsageError, did_you_mean

SIZED = ("backbone", "weighting")
"""Kinds of plugins that take sizes of networks."""
MOST_SETTINGS = 10_000
"""Of one plugin's parameters, crossed."""


@dataclass(frozen=True)
class Resolved:
    """A plugin with its validated parameters."""

    entry: Entry
    spec: PluginSpec
    params: Params
    changed: Mapping[str, Any]
    """The parameters, as JSON values, that differ from the defaults under the preset."""
    given: frozenset[str] = frozenset()
    """The parameters that were set, by public name, to whatever value."""

    def create(self, *arguments: object) -> Any:
        """Build the plugin; its constructor takes ``arguments``, then the parameters."""
        return self.entry.cls(*arguments, self.params)


Sizes = Mapping[str, Any]
"""Sizes by parameter name that a study sets for all networks, in place of the preset's."""
NO_SIZES: Sizes = MappingProxyType({})


def resolve(
    catalogue: Catalogue, kind: str, name: str, params: Mapping[str, Any], preset: PresetName, sizes: Sizes = NO_SIZES
) -> Resolved:
    """The plugin ``name`` with ``params`` (by public name), then ``sizes``, those of ``preset``, and defaults.

    Raises:
        UsageError: there is no such plugin or parameter, or a value is invalid.
    """
    entry = catalogue.get(kind, name)
    if len(name) > PLUGIN_NAME or len(entry.cls.label) > NAME:
        raise UsageError(
            f"the {kind} of {entry.origin} has a name of {len(name):,} and a label of {len(entry.cls.label):,} "
            f"characters; at most {PLUGIN_NAME} and {NAME:,} go into a record and the name of its file: shorten it"
        )
    fields = public_fields(entry.cls.Params)
    for key in params:
        if key not in fields:
            raise UsageError(f"{kind} {name}: unknown parameter {key!r}: {did_you_mean(key, list(fields))}")
    usual, set_for_all = (
        {key: value for key, value in given.items() if key in fields and kind in SIZED}
        for given in (PRESETS[preset].sizes, sizes)
    )
    model = _validated(entry, {**usual, **set_for_all, **params})
    values = model.model_dump(mode="json", by_alias=True)
    defaults = _validated(entry, usual).model_dump(mode="json", by_alias=True)
    try:
        bounded(values)
    except ValueError as error:
        raise UsageError(f"{kind} {name}: a parameter cannot be recorded: {error}; choose a smaller one") from error
    changed = {key: value for key, value in values.items() if value != defaults[key]}
    return Resolved(entry, PluginSpec(name, identifying(model)), model, changed, frozenset(params))


def resolve_sized(
    catalogue: Catalogue, settings: RunSettings, kind: str, name: str, params: Mapping[str, Any]
) -> Resolved:
    """The plugin ``name`` with ``params``, under the preset and the sizes of a study."""
    return resolve(catalogue, kind, name, params, settings.preset, settings.sizes)


def resolve_recorded(
    catalogue: Catalogue, kind: str, name: str, params: Mapping[str, Any], preset: PresetName
) -> Resolved:
    """The plugin that a record names with ``params``; parameters that it came before are as they were then.

    Raises:
        UsageError: there is no such plugin or parameter, or a value is invalid.
    """
    return resolve(catalogue, kind, name, recorded(catalogue.get(kind, name).cls.Params, params), preset)


def resolve_texts(
    catalogue: Catalogue, kind: str, texts: Iterable[str], preset: PresetName, sizes: Sizes = NO_SIZES
) -> tuple[Resolved, ...]:
    """All plugins that ``texts`` name, in their order; ``all`` adds those of the kind that are not named.

    Raises:
        UsageError: a text cannot be read, names something unknown, or two mean the same.
    """
    everything = False
    found: dict[str, Resolved] = {}
    for name, parameters in (spec for text in texts for spec in parse(text)):
        if name == ALL:
            everything = True
            if parameters:
                raise UsageError(f"{kind} {ALL} takes no parameters; name the {kind}s one by one to set them")
            continue
        if name not in catalogue.of_kind(kind) and (name.endswith(".toml") or os.path.exists(name)):
            _refuse_file(catalogue, kind, name)
        fields = public_fields(catalogue.get(kind, name).cls.Params)
        if (count := prod(map(len, parameters.values()))) > MOST_SETTINGS:
            raise UsageError(f"{kind} {name} is given {count:,} settings, more than {MOST_SETTINGS:,}; give fewer")
        for values in product(*parameters.values()):
            read = {key: value_from_text(fields.get(key), value) for key, value in zip(parameters, values, strict=True)}
            resolved = resolve(catalogue, kind, name, read, preset, sizes)
            meaning = spec_text(name, resolved.spec.params)
            if meaning in found:
                given = spec_text(name, {key: value.text for key, value in zip(parameters, values, strict=True)})
                raise UsageError(f"{kind} {given} is given twice, in the same or other words; leave one out")
            found[meaning] = resolved
    if everything:
        named = {resolved.entry.name for resolved in found.values()}
        for name, entry in sorted(catalogue.of_kind(kind).items()):
            if name not in named and not entry.cls.needs_parameters:
                found[name] = resolve(catalogue, kind, name, {}, preset, sizes)
    if not found:
        raise UsageError(f"no {kind} is given or installed; `mtlbench list {kind}s` shows what there is")
    return tuple(found.values())


def _refuse_file(catalogue: Catalogue, kind: str, name: str) -> None:
    """Refuse a file in place of the plugin that reads it, where there is one, and say how that is written."""
    description = str(Path(name).with_suffix(".toml"))
    spec = spec_of_file(catalogue, kind, description)
    if spec is not None:
        describe = f"first `mtlbench data describe {name} --toml {description}`, then "
        first = "" if name == description else describe
        raise UsageError(f"{name!r} is a file, and no {kind}: {first}write --{kind} {shlex.quote(spec)}")


def spec_of_file(catalogue: Catalogue, kind: str, file: str) -> str | None:
    """The spec of the first plugin that reads a ``file`` of the user; ``None`` where none does."""
    for entry in catalogue.of_kind(kind).values():
        for key, field in public_fields(entry.cls.Params).items():
            if Path in types_of(field):
                return f"{entry.name}[{key}={quoted(file)}]"
    return None


def _validated(entry: Entry, params: Mapping[str, Any]) -> Params:
    try:
        model: Params = entry.cls.Params.model_validate(dict(params))
    except ValidationError as error:
        reasons = "; ".join(f"parameter {complaint}" for complaint in complaints(error, params))
        raise UsageError(f"{entry.kind} {entry.name}: {reasons}") from error
    return model
