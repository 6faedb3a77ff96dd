"""What a reader of the leaderboard should know of an encoded dataset."""

from collections.abc import Mapping

from mtlbench.api import Log, Schema, Split, Splitting
from mtlbench.data.splitting import how
from mtlbench.evaluation.averages import weighted_average


def facts_of(
    log: Log, schema: Schema, splits: Mapping[str, Split], shared_sessions: int, ties: Mapping[str, float]
) -> dict[str, float | int | str]:
    """The facts of the log, then sizes, base rates and the share of unknown ids, by dotted name.

    ``sessions`` counts a session that a boundary cuts twice. ``unknown_ids.test`` is a share of all ids of the split.
    Base rates are of the rows as they are weighted. ``effective_rows`` is how many rows of equal weight would give a
    mean of the same variance, ``(sum w)^2 / sum w^2`` (Kish, "Survey Sampling", 1965).

    Args:
        log: what the dataset gave.
        schema: of the encoded log.
        splits: by name.
        shared_sessions: number of session ids that several users have.
        ties: share of the rows that have the time at which a split begins and the one before ends, by its name.
    """
    facts = dict(log.facts)
    if log.held_out:
        facts["split"] = f"as published, validation {'the end' if log.timestamp else 'a random part'} of training"
    elif log.splitting != Splitting():
        facts["split"] = how(log)
    elif not log.timestamp:
        facts["split"] = "random with a fixed seed, for want of timestamps"
    facts["rows"] = sum(len(split) for split in splits.values())
    if log.user:
        facts["users"] = 1 + max(int(split.user.max()) for split in splits.values())
    if schema.sessions:
        facts["sessions"] = sum(int(split.done.sum()) for split in splits.values())
        if shared_sessions:
            facts["session_ids_of_several_users"] = shared_sessions
    else:
        facts["sessions"] = "none, for want of " + ("timestamps" if log.session else "a session column")
    facts |= {f"tied_at_the_start_of.{name}": share for name, share in ties.items()}
    if schema.categorical:
        facts["indices"] = sum(field.cardinality for field in schema.categorical)
        ids = splits["test"].categorical
        facts["unknown_ids.test"] = int((ids == 0).sum()) / ids.numel()
    if log.weight:
        facts["weight"] = f"column {log.weight!r}"
    for name, split in splits.items():
        facts[f"rows.{name}"] = len(split)
        weight = None if split.weight is None else split.weight.double()
        if weight is not None:
            facts[f"effective_rows.{name}"] = float(weight.sum().square() / weight.square().sum())
        for task, labels in zip(schema.tasks, split.labels.double().unbind(1), strict=True):
            missing = labels.isnan()
            mean = labels.nanmean() if weight is None else weighted_average(labels[~missing], weight[~missing])
            facts[f"{'rate' if task.kind == 'binary' else 'mean'}.{name}.{task.name}"] = float(mean)
            unobserved = float(weighted_average(missing.double(), weight))
            if unobserved:
                facts[f"observed.{name}.{task.name}"] = 1 - unobserved
    return facts
