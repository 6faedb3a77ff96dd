"""Presets: sizes of networks and the training protocol, under one name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mtlbench.cells import Training

PresetName = Literal["quick", "compact", "paper"]


@dataclass(frozen=True)
class Preset:
    """Sizes by parameter name, and the training protocol.

    A size applies to every backbone, and to every weighting with networks of its own, that has a parameter of this
    name which the user did not set.
    """

    training: Training
    sizes: Mapping[str, Any] = field(default_factory=dict)


PRESETS: dict[PresetName, Preset] = {
    # The defaults of `mtlbench.api.Sizes`, and small batches: enough steps on a small log. On `synthetic` training ends
    # before the last epoch that is allowed, so that methods differ by where they end and not by their speed.
    "quick": Preset(Training(epochs=40, patience=5, batch_size=1024)),
    # KuaiRand-Pure and logs of its size: batches of 2048 leave too few steps in the one epoch before ids overfit.
    "compact": Preset(
        Training(epochs=10, patience=2, batch_size=512),
        {"embedding": 32, "bottom": (128, 64), "tower": (32,), "experts": 4},
    ),
    "paper": Preset(
        Training(epochs=10, patience=2, batch_size=2048),
        {"embedding": 128, "bottom": (512, 256), "tower": (128, 64), "experts": 8},
    ),
}
