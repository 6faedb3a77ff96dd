"""The cell: one (dataset, backbone, weighting, seed) under one training protocol, and its identity."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
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

    @cached_property
    def canonical(self) -> str:
        """Canonical JSON of the spec."""
        return canonical_json({"name": self.name, "params": self.params})


def _later(default: Any) -> Any:
    """A setting of :class:`Training` that came after the first results, and at ``default`` changes none of them."""
    return field(default=default, metadata={"later": True})


@dataclass(frozen=True)
class Training:
    """The training protocol that every cell of a study shares."""

    epochs: int = 10
    """Most epochs of one stage."""
    patience: int = 2
    """Validations without a better score after which a stage stops; there is one after each epoch by default."""
    batch_size: int = 2048
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    """lambda, of the L2 term lambda / 2 |theta|^2 over all parameters, of embedding tables over the rows read alone."""
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
    objective: str = _later("mean")
    """What chooses epochs, in the canonical form of :func:`mtlbench.tasks.objective.canonical`."""
    embedding_dropout: float = _later(0.0)
    """Share of the numbers of a sample's embedded inputs that are set to 0 in a training step, in [0, 1)."""
    min_count: int = _later(1)
    """Ids that the training rows hold fewer times than this are read as the unknown id."""
    schedule: Literal["constant", "linear", "cosine"] = _later("constant")
    """How the learning rate falls over the most steps of each stage."""
    decayed_rows: Literal["read"] = field(default="read", metadata={"with": "weight_decay"})
    """The rows of embedding tables that weight decay is over. It tells results of a weight decay above 0 from older
    ones, which had all rows decay in every step."""
    validate_every: str = _later("1 epoch")
    """Epochs or steps between two validations, as :class:`mtlbench.config.interval.Interval` writes them."""

    @cached_property
    def settings(self) -> dict[str, float | int | str]:
        """What identifies a result: every setting but those that came later and change nothing."""
        return {one.name: getattr(self, one.name) for one in fields(self) if self._counts(one)}

    def _counts(self, one: Field[Any]) -> bool:
        if one.metadata.get("later"):
            return bool(getattr(self, one.name) != one.default)
        owner = one.metadata.get("with")
        return owner is None or bool(getattr(self, owner))

    @cached_property
    def canonical(self) -> str:
        """Canonical JSON of the protocol."""
        return canonical_json(self.settings)


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
        return cell_id(
            self.dataset, self.fingerprint, self.backbone, self.weighting, self.seed, self.training.canonical, PROTOCOL
        )

    @property
    def stem(self) -> str:
        """Name of the cell's files."""
        return cell_stem(self.dataset.name, self.backbone.name, self.weighting.name, self.seed, self.id)


def cell_id(
    dataset: PluginSpec,
    fingerprint: str,
    backbone: PluginSpec,
    weighting: PluginSpec,
    seed: int,
    training: str,
    protocol: int,
) -> str:
    """The id of a cell.

    Args:
        dataset: the dataset.
        fingerprint: of the encoded dataset.
        backbone: the backbone.
        weighting: the weighting.
        seed: the seed.
        training: canonical JSON of the training protocol.
        protocol: version of the harness's protocol.
    """
    # Put together from the parts' own JSON, in the order of the keys: the cells of a study share their parts.
    content = (
        f'{{"backbone":{backbone.canonical},"dataset":{dataset.canonical},'
        f'"fingerprint":{canonical_json(fingerprint)},"protocol":{protocol},"seed":{seed},'
        f'"training":{training},"weighting":{weighting.canonical}}}'
    )
    return hashlib.sha256(content.encode()).hexdigest()


def cell_stem(dataset: str, backbone: str, weighting: str, seed: int, id_: str) -> str:
    """Name of a cell's files: readable, sorted well, unique."""
    return f"{dataset}.{backbone}.{weighting}.seed{seed}.{id_[:12]}"


def identity(content: Mapping[str, Any]) -> str:
    """sha256 of the canonical JSON of ``content``."""
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


def canonical_json(content: object) -> str:
    """JSON of ``content``: equal for equal content, whatever the order of its keys."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
