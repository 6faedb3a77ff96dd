"""What a reader of the leaderboard should know of an encoded dataset."""

from collections.abc import Mapping

from mtlbench.api import Log, Schema, Split


def facts_of(log: Log, schema: Schema, splits: Mapping[str, Split]) -> dict[str, float | int | str]:
    """The facts of the log, then sizes, base rates and the share of unknown ids, by dotted name.

    ``sessions`` counts a session that a boundary cuts twice. ``unknown_ids.test`` is a share of all ids of the split.
    """
    facts = dict(log.facts)
    facts["rows"] = sum(len(split) for split in splits.values())
    if log.user:
        facts["users"] = 1 + max(int(split.user.max()) for split in splits.values())
    if schema.sessions:
        facts["sessions"] = sum(int(split.done.sum()) for split in splits.values())
    if schema.categorical:
        facts["indices"] = sum(field.cardinality for field in schema.categorical)
        facts["unknown_ids.test"] = float((splits["test"].categorical == 0).double().mean())
    for name, split in splits.items():
        facts[f"rows.{name}"] = len(split)
        for task, rate in zip(schema.tasks, split.labels.double().mean(0).tolist(), strict=True):
            facts[f"rate.{name}.{task}"] = rate
    return facts
