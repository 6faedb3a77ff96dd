"""From a log to encoded splits."""

from dataclasses import asdict
from pathlib import Path

from mtlbench.api import DataError, Log, Schema, Splits, Splitting
from mtlbench.data.arrays import Arrays
from mtlbench.data.encoder import Encoder
from mtlbench.data.facts import facts_of
from mtlbench.data.hashes import sha256_of_json
from mtlbench.data.splitting import divide
from mtlbench.data.suspicions import suspicions
from mtlbench.data.ties import settle
from mtlbench.data.validation import check_log, check_splits
from mtlbench.tasks.fitted import FittedTasks


def build(log: Log, dataset: str, fingerprint: str, folder: Path | None = None) -> Splits:
    """Validate, order, split and encode ``log``, the log of the dataset named ``dataset``.

    Columns are taken one at a time. With an empty ``folder`` the tensors are mapped from files that are written there;
    so memory is needed for one column at a time. Without one they are in memory.

    Raises:
        DataError: the log is malformed, or cannot be split fairly.
    """
    check_log(log, dataset)
    division = divide(log)
    order, ties = settle(log, division)
    settled = order is not division.order and bool((order != division.order).any())
    parts, counted = division.parts, division.counted
    del division
    arrays = Arrays(parts, folder)
    encoder = Encoder(log, order, parts, arrays, dataset)
    encoder.weights()
    limits = encoder.labels()
    check_splits(log, order, {part: arrays.array(part, "labels") for part in parts}, dataset)
    fields = encoder.inputs()
    vectors, bags = encoder.vectors(), encoder.bags()
    encoder.optimum()
    has_sessions, shared_sessions = encoder.events()
    del encoder, order
    schema = Schema(
        fields,
        tuple(log.numerical),
        log.described_tasks,
        has_sessions,
        users=log.user is not None,
        user_inputs=tuple(log.user_inputs),
        bags=bags,
        vectors=vectors,
        timestamps=log.timestamp is not None,
    )
    named = {part: arrays.split(part) for part in parts}
    drawn = not log.timestamp and "test" in counted
    found = suspicions(schema, named, drawn)
    splits = Splits(
        schema,
        named["train"],
        named["validation"],
        named["test"],
        fingerprint=identity(
            fingerprint,
            ties=settled,
            sessions=shared_sessions,
            splitting=asdict(log.splitting) if log.splitting != Splitting() else None,
            binned=dict(log.binned),
            vectors={vector.name: vector.width for vector in vectors},
            weight={"column": log.weight} if log.weight else None,
            hashed_lists=(settled and (log.bags or log.vectors)) or (drawn and log.bags),
        ),
        facts={**facts_of(log, schema, named, shared_sessions, ties), **limits, **found.facts},
        warnings=(*log.warnings, *found.warnings),
    )
    _check_optimum(splits, dataset)
    return splits


def identity(fingerprint: str, **rules: object) -> str:
    """The fingerprint, another one where a rule gave other tensors that is younger than the version of the encoding.

    A rule that is a choice among several is there with what was chosen.
    """
    applied = [[name, how] if isinstance(how, dict) else name for name, how in rules.items() if how]
    return sha256_of_json({"fingerprint": fingerprint, "rules": applied}) if applied else fingerprint


def _check_optimum(splits: Splits, dataset: str) -> None:
    """Refuse true means outside the range of their kind."""
    for split in splits.parts().values():
        if split.optimum is not None:
            try:
                FittedTasks.of(splits).logits(split.optimum)
            except DataError as error:
                raise DataError(f"dataset {dataset!r}: {error}") from None
