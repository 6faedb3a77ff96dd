"""That a method is a method of its own."""

import torch
from torch import Tensor

from mtlbench.conformance.rehearsal import Rehearsal
from mtlbench.conformance.rules import broken, rule
from mtlbench.conformance.scene import Scene
from mtlbench.conformance.subject import Subject, tiny_weighting
from mtlbench.discovery import Catalogue, Entry

SCENE = Scene()
EPOCHS = 8
"""Beyond the warm-ups of the methods there are."""

TOLERANCE = 1e-6
"""Relative difference of training losses: Adam takes weights of another scale to nearly the same network."""

_trajectories: dict[type, Tensor | None] = {}


@rule("weighting")
def not_a_duplicate(subject: Subject) -> None:
    """Its training, at its defaults, is not that of another method."""
    own = _trajectory(subject.entry, subject.catalogue)
    for other in subject.catalogue.weightings.values():
        if other.cls is subject.cls or _declared(subject.entry, other):
            continue
        theirs = _trajectory(other, subject.catalogue)
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
    """Training losses (epochs, K); ``None`` of a method that cannot be trained here, which other rules tell."""
    if entry.cls not in _trajectories:
        weighting = tiny_weighting(entry)
        _trajectories[entry.cls] = None
        if weighting.applicable(SCENE.schema, type(SCENE.network())) is None:
            try:
                run = Rehearsal(
                    weighting, SCENE.network, SCENE.splits(), catalogue, epochs=EPOCHS, batch_size=SCENE.rows // 2
                ).run()
            except Exception:
                return None
            _trajectories[entry.cls] = run.losses()
    return _trajectories[entry.cls]
