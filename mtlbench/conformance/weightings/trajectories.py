"""A weighting is not another weighting under a new name."""

import torch
from torch import Tensor

from mtlbench.conformance.fixture import Fixture
from mtlbench.conformance.plugin_under_test import PluginUnderTest, tiny_weighting
from mtlbench.conformance.rules import broken, rule
from mtlbench.conformance.training_run import TrainingRun
from mtlbench.discovery import Catalogue, Entry

FIXTURE = Fixture()
EPOCHS = 8
"""More than the warm-up of any built-in method."""

TOLERANCE = 1e-6
"""Relative difference of training losses: Adam takes weights of another scale to nearly the same network."""

_trajectories: dict[type, Tensor | None] = {}


@rule("weighting")
def not_a_duplicate(plugin: PluginUnderTest) -> None:
    """Its training, at its defaults, is not that of another method."""
    own = _trajectory(plugin.entry, plugin.catalogue)
    for other in plugin.catalogue.weightings.values():
        if other.cls is plugin.cls or _declared(plugin.entry, other):
            continue
        theirs = _trajectory(other, plugin.catalogue)
        if own is None or theirs is None or own.shape != theirs.shape:
            continue
        if torch.allclose(own, theirs, rtol=TOLERANCE, atol=0):
            broken(
                f"the training losses of {len(own)} epochs are those of {other.name} ({other.origin})",
                f"use {other.name}, or set a default that tells the two apart; if they coincide by construction, say "
                f'so in the docstring and declare `coincides_with = frozenset({{"{other.name}"}})`',
            )


def _declared(one: Entry, other: Entry) -> bool:
    return other.name in one.cls.coincides_with or one.name in other.cls.coincides_with


def _trajectory(entry: Entry, catalogue: Catalogue) -> Tensor | None:
    """Training losses (epochs, K); ``None`` for a method that cannot be trained here: other rules say why."""
    if entry.cls not in _trajectories:
        weighting = tiny_weighting(entry)
        _trajectories[entry.cls] = None
        if weighting.applicable(FIXTURE.schema, type(FIXTURE.network())) is None:
            try:
                run = TrainingRun(
                    weighting, FIXTURE.network, FIXTURE.splits(), catalogue, epochs=EPOCHS, batch_size=FIXTURE.rows // 2
                ).train()
            except Exception:
                return None
            _trajectories[entry.cls] = run.losses()
    return _trajectories[entry.cls]
