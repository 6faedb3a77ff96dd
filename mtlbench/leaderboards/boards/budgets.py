"""Which records of a board had the budget of their block, where methods were matched by steps or seconds."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from mtlbench.leaderboards.boards.naming import key_of
from mtlbench.records import Failure, Record


def at_one_budget(records: Sequence[Record]) -> list[Record]:
    """The records of one board, without the results of those that had another budget than their block.

    Methods are matched within a block: a backbone and a seed. A later study in the same folder, with a costlier method,
    gives a block another budget and runs its methods again. The budget that counts is the one that most methods of the
    block had, of equals the largest. A record under another one gives way to that of its method under this, or says why
    it does not count.
    """
    if len({_allowance(record) for record in records}) == 1:
        return list(records)
    had: dict[tuple[str, int], Counter[float]] = defaultdict(Counter)
    for record in records:
        had[_block(record)][_allowance(record)] += 1
    counts = {block: max(methods, key=lambda budget: (methods[budget], budget)) for block, methods in had.items()}
    found = {_row(record): record for record in records if _allowance(record) == counts[_block(record)]}
    for record in records:
        found.setdefault(_row(record), _unmatched(record, counts[_block(record)]))
    return list(found.values())


def _allowance(record: Record) -> float:
    return float(record.training.get("allowance", 0.0))


def _block(record: Record) -> tuple[str, int]:
    return key_of(record.backbone), record.seed


def _row(record: Record) -> tuple[str, str, int]:
    return record.method, key_of(record.backbone, record.weighting), record.seed


def _unmatched(record: Record, budget: float) -> Record:
    own = f"{_allowance(record):,.6g} {record.training['budget']}"
    reason = f"its budget was {own}, and that of other methods on its backbone {budget:,.6g}: run all in one study"
    return record.model_copy(
        update={"status": "failed", "failure": Failure(reason=reason), "metrics": None, "spend": []}
    )
