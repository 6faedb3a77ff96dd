"""The row of a board that a method of another board is compared with."""

from collections.abc import Sequence

from mtlbench.errors import UsageError, did_you_mean
from mtlbench.leaderboards.boards.naming import key_of
from mtlbench.leaderboards.boards.scores import BoardScores, MethodScores
from mtlbench.records.tuned import untuned, way_of_tuning


def check_baseline(boards: Sequence[BoardScores], baseline: str | None) -> None:
    """Refuse a baseline that none of ``boards`` has.

    Raises:
        UsageError: there is none.
    """
    known = sorted({method.weighting.spec for board in boards for method in board.methods})
    if baseline is not None and baseline not in known:
        raise UsageError(f"no method has the baseline weighting {baseline!r}: {did_you_mean(baseline, known)}")


def baseline_of(method: MethodScores, board: BoardScores, baseline: str | None) -> MethodScores | None:
    """What ``method`` of any board is compared with on ``board``: a row of its backbone that has scores.

    Args:
        method: the method.
        board: where the baseline is looked for.
        baseline: a weighting as one types it; ``None`` for the one that declares itself a baseline, tuned as the method
            was.
    """
    rows = [other for other in board.methods if key_of(other.backbone) == key_of(method.backbone)]
    if baseline is not None:
        alike = [other for other in rows if other.weighting.spec == baseline]
    else:
        declared = [(other.weighting.name, other.weighting.params) for other in rows if other.baseline]
        way = way_of_tuning(method.weighting.params)
        alike = [
            other
            for other in rows
            if (other.weighting.name, untuned(other.weighting.params)) in declared
            and way_of_tuning(other.weighting.params) == way
        ]
    return next((other for other in alike if other.seeds), None)
