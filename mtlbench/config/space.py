"""The search space: the settings that all methods share, and those of each method, over which trials are drawn."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mtlbench.api.search import Choice, Linear, Log, OrZero, Search
from mtlbench.cells import Training
from mtlbench.config.parameters import public_fields
from mtlbench.config.presets import PRESETS, PresetName
from mtlbench.config.specs import Resolved
from mtlbench.errors import UsageError

Ranges = Mapping[str, Mapping[str, Mapping[str, Search | None]]]
"""Kind (``common``, ``backbone``, ``weighting``) -> plugin (empty for ``common``) -> parameter -> its range, or
``None`` for a parameter that is not searched."""

COMMON = ("learning_rate", "weight_decay", "dropout", "embedding", "embedding_dropout", "min_count", "schedule")
"""The settings that all methods share, each with a dimension of its own in every search, whether searched or not."""

FIRST_OF_BACKBONE, FIRST_OF_WEIGHTING, DIMENSIONS = 8, 24, 64
"""Where the dimensions of a backbone's and a weighting's own parameters begin, and how many dimensions there are.

Points depend on the number of dimensions, so it is the same for every method: trial j then has the same common settings
for all of them.
"""

TRAINING = frozenset(one.name for one in fields(Training))


def common_space(preset: PresetName) -> dict[str, Search]:
    """What is searched for every method. Widths of embeddings are half, once and twice the preset's."""
    width = PRESETS[preset].sizes.get("embedding", 16)
    return {
        "learning_rate": Log(1e-4, 1e-2),
        "weight_decay": OrZero(Log(1e-7, 1e-3)),
        "dropout": Linear(0.0, 0.5),
        "embedding": Choice(width // 2, width, 2 * width),
        "embedding_dropout": Linear(0.0, 0.5),
    }


@dataclass(frozen=True)
class TrialSettings:
    """What one trial changes of the study's settings, by public names, as JSON values."""

    training: Mapping[str, Any] = field(default_factory=dict)
    backbone: Mapping[str, Any] = field(default_factory=dict)
    weighting: Mapping[str, Any] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether it changes nothing."""
        return not (self.training or self.backbone or self.weighting)


@dataclass(frozen=True)
class Space:
    """Draws the settings of trials, each a function of its number and of the search's seed alone.

    Args:
        preset: of the study.
        fixed: common settings that the user has set; they are not searched.
        overrides: ranges in place of those that the harness and the plugins declare.
    """

    preset: PresetName = "quick"
    fixed: frozenset[str] = frozenset()
    overrides: Ranges = field(default_factory=dict)

    def trial(self, number: int, seed: int, backbone: Resolved, weighting: Resolved, tasks: int) -> TrialSettings:
        """The setting of trial ``number``: 0 has the study's own, the others are points of a scrambled Sobol sequence.

        A. Owen, "Randomly permuted (t,m,s)-nets and (t,s)-sequences", 1995, as ``scipy.stats.qmc.Sobol`` has it. The
        first dimensions are the common settings, so trial j has the same ones for every method.

        Args:
            number: of the trial.
            seed: of the scrambling.
            backbone: without what trials change.
            weighting: without what trials change.
            tasks: how many the dataset has.

        Raises:
            UsageError: there are more parameters than dimensions.
        """
        point = None if number == 0 else _point(number - 1, seed)
        found: dict[str, dict[str, Any]] = {"training": {}, "backbone": {}, "weighting": {}}
        for where, name, search, first in self._searched(backbone, weighting, tasks):
            end = first + search.dimensions(tasks)
            if end > DIMENSIONS or (where == "backbone" and FIRST_OF_BACKBONE <= first < FIRST_OF_WEIGHTING < end):
                raise UsageError(
                    f"{where} {(backbone if where == 'backbone' else weighting).entry.name} has more searched "
                    f"parameters than there are dimensions; leave out {name} and others in the file of --space"
                )
            try:
                value = search.first(tasks) if point is None else search.at(point[first:end].tolist(), tasks)
            except Exception as error:  # of a plugin's own function
                raise UsageError(
                    f"the range in which {where} parameter {name} is searched raises {type(error).__name__}: {error}; "
                    f'correct it, or leave the parameter out with {name} = "default" in a file for --space'
                ) from error
            if point is not None or value is not None:
                found[where][name] = value
        return TrialSettings(**found)

    def described(self, backbone: Resolved, weighting: Resolved, tasks: int) -> dict[str, str]:
        """Parameter -> its range, for a reader: common ones first, a plugin's own with its name before them."""
        owner = {"training": "", "backbone": f"{backbone.entry.name}.", "weighting": f"{weighting.entry.name}."}
        return {
            f"{'' if name in COMMON and where != 'weighting' else owner[where]}{name}": str(search)
            for where, name, search, _ in self._searched(backbone, weighting, tasks)
        }

    def has_own_start(self, weighting: Resolved, tasks: int) -> bool:
        """Whether trial 0 of ``weighting`` is not the plugin's default, which is then another search of its own."""
        return any(search.first(tasks) is not None for _, search, _ in self._own("weighting", weighting, tasks))

    def _searched(self, backbone: Resolved, weighting: Resolved, tasks: int) -> Iterator[tuple[str, str, Search, int]]:
        """Of each searched parameter: whose it is, its name, its range, and its first dimension."""
        common: dict[str, Search | None] = {**common_space(self.preset), **self.overrides.get("common", {}).get("", {})}
        backbone_fields = public_fields(backbone.entry.cls.Params)
        for dimension, name in enumerate(COMMON):
            search = common.get(name)
            if search is None or name in self.fixed:
                continue
            if name in TRAINING:
                yield "training", name, search, dimension
            elif name in backbone_fields and name not in backbone.given:
                yield "backbone", name, search, dimension
        for name, search, first in self._own("backbone", backbone, tasks):
            if name not in COMMON:
                yield "backbone", name, search, first
        for name, search, first in self._own("weighting", weighting, tasks):
            yield "weighting", name, search, first

    def _own(self, kind: str, plugin: Resolved, tasks: int) -> Iterator[tuple[str, Search, int]]:
        """The searched parameters of a plugin. One that the user has set keeps its dimensions, unused."""
        ranges = self.overrides.get(kind, {}).get(plugin.entry.name, {})
        first = FIRST_OF_BACKBONE if kind == "backbone" else FIRST_OF_WEIGHTING
        for name, info in public_fields(plugin.entry.cls.Params).items():
            search = ranges[name] if name in ranges else declared(info)
            if search is not None:
                if name not in plugin.given:
                    yield name, search, first
                first += search.dimensions(tasks)


def declared(info: FieldInfo) -> Search | None:
    """How a parameter is searched, where its plugin says it."""
    return next((one for one in info.metadata if isinstance(one, Search)), None)


def declared_by(params: type[BaseModel]) -> dict[str, Search]:
    """Parameter, by public name -> how it is searched, of those that say it."""
    return {name: found for name, info in public_fields(params).items() if (found := declared(info))}


@cache
def _points(power: int, seed: int) -> NDArray[np.float64]:
    """The first 2^``power`` points of the sequence scrambled with ``seed``; longer ones begin with the same points."""
    from scipy.stats import qmc  # takes half a second, and only a search needs it

    return np.asarray(qmc.Sobol(DIMENSIONS, scramble=True, seed=seed).random_base2(power))


def _point(number: int, seed: int) -> NDArray[np.float64]:
    return np.asarray(_points(max(number, 1).bit_length(), seed)[number])
