"""The cell: one (dataset, backbone, weighting, seed) under one training protocol, and its identity."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

PROTOCOL = 1
"""Version of everything that the harness itself decides (split, encoding, training loop, metrics).

Results of different protocols are never compared; raise it when a change of the harness changes results.
"""


@dataclass(frozen=True)
class PluginSpec:
    """A plugin by name with all of its parameters, defaults included, as JSON values."""

    name: str
    params: Mapping[str, Any]

    def text(self) -> str:
        """The spec as one types it: ``rmtl[lambda=0.5,gamma=0.9]``."""
        inside = ",".join(f"{key}={value}" for key, value in self.params.items())
        return f"{self.name}[{inside}]" if inside else self.name

    @cached_property
    def canonical(self) -> str:
        """Canonical JSON of the spec."""
        return _canonical({"name": self.name, "params": self.params})


@dataclass(frozen=True)
class Training:
    """The training protocol that every cell of a study shares."""

    epochs: int = 10
    """Most epochs of one stage."""
    patience: int = 2
    """Epochs without a better validation score after which a stage stops."""
    batch_size: int = 2048
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    """L2 decay inside Adam. Even 1e-6 drives embedding rows that are never read to zero within epochs: keep it 0."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the backbone's forward and backward pass; parameters, optimiser, losses and weights stay in float32."""
    embedding_optimiser: Literal["adam", "sparse-adam", "rowwise-adagrad"] = "adam"
    """How embedding tables are updated. ``adam`` is dense Adam's result; the others are other algorithms, under which
    rare rows move far less."""
    budget: Literal["early-stopping", "steps", "seconds"] = "early-stopping"
    """What ends the training: early stopping alone, or an allowance of steps or wall-clock on top of it, which all
    methods of a block share; what early stopping leaves of it, the last stage goes on with from its best epoch."""
    allowance: float = 0.0
    """Steps or seconds that all stages may use, when ``budget`` names one."""

    @cached_property
    def canonical(self) -> str:
        """Canonical JSON of the protocol."""
        return _canonical(asdict(self))


@dataclass(frozen=True)
class Cell:
    """One experiment: what determines a result, and nothing else."""

    dataset: PluginSpec
    fingerprint: str
    """Fingerprint of the encoded dataset."""
    backbone: PluginSpec
    weighting: PluginSpec
    seed: int
    training: Training

    @cached_property
    def id(self) -> str:
        """sha256 of the canonical JSON of the cell and the protocol version."""
        # Put together from the parts' own JSON, in the order of the keys: the cells of a study share their parts.
        content = (
            f'{{"backbone":{self.backbone.canonical},"dataset":{self.dataset.canonical},'
            f'"fingerprint":{_canonical(self.fingerprint)},"protocol":{PROTOCOL},"seed":{self.seed},'
            f'"training":{self.training.canonical},"weighting":{self.weighting.canonical}}}'
        )
        return hashlib.sha256(content.encode()).hexdigest()

    @property
    def stem(self) -> str:
        """Name of the cell's files: readable, sorted well, unique."""
        return f"{self.dataset.name}.{self.backbone.name}.{self.weighting.name}.seed{self.seed}.{self.id[:12]}"


def identity(content: Mapping[str, Any]) -> str:
    """sha256 of the canonical JSON of ``content``: equal for equal content, whatever the order of its keys."""
    return hashlib.sha256(_canonical(content).encode()).hexdigest()


def _canonical(content: object) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
