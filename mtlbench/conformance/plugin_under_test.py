"""The plugin under test."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mtlbench.api import Backbone, Params, Schema, Weighting
from mtlbench.discovery import Catalogue, Entry

TINY = {
    "embedding": 4,
    "bottom": (8,),
    "tower": (4,),
    "dropout": 0.0,
    "experts": 2,
    "critic_epochs": 2,
    "grid": (0.25, 0.75),
}
"""Sizes of networks, passes over a replay buffer and points of a grid in the kit, by parameter: small, to be quick."""


@dataclass(frozen=True)
class PluginUnderTest:
    """The plugin under test, and the plugins that it is tested with."""

    entry: Entry
    catalogue: Catalogue
    data_dir: Path

    @property
    def cls(self) -> type[Any]:
        """The plugin's class."""
        return self.entry.cls

    def weighting(self) -> Weighting:
        """A new weighting."""
        return tiny_weighting(self.entry)


def tiny_weighting(entry: Entry) -> Weighting:
    """A weighting at its defaults; networks of its own are small."""
    weighting: Weighting = entry.cls(tiny_params(entry.cls))
    return weighting


def tiny_backbone(entry: Entry, schema: Schema) -> Backbone:
    """A small backbone."""
    backbone: Backbone = entry.cls(schema, tiny_params(entry.cls))
    return backbone


def tiny_params(cls: type[Any]) -> Params:
    """The plugin's defaults, with the kit's sizes where the plugin allows them."""
    fields = cls.Params.model_fields
    try:
        params: Params = cls.Params(**{name: size for name, size in TINY.items() if name in fields})
    except ValidationError:
        params = cls.Params()
    return params
