"""What docs/studies/logs.md says of several real logs, made from the committed records."""

from collections.abc import Iterator

import numpy as np
from published import (
    HOTEL,
    TUNED,
    PageGain,
    Seeds,
    board,
    files,
    gains_of_tuned,
    holds,
    interval,
    line,
    of_row,
    over_logs_family,
    rows,
    scores,
    short,
)

from mtlbench.records.schema import Epoch
from mtlbench.statistics import mean_interval

TRIALS = " [trials=12]"
CONSTANT = f"Shared Bottom{TRIALS}"
PRICE = ("adr", "xauc")


@holds("docs/studies/logs.md")
def logs() -> Iterator[str]:
    yield from of_both()
    yield from of_hotel()


def of_both() -> Iterator[str]:
    gains = [gains_of_tuned(name) for name in (HOTEL, TUNED)]
    for label in dict.fromkeys(label for found in gains for label in found):
        yield line(label, *(cell(found.get(label)) for found in gains))
    better = [{label for label, gain in found.items() if gain.mark == "*"} for found in gains]
    assert better[0] & better[1] == {"FAMO", "CAGrad"}
    both = [found[label].mean for found in gains for label in ("FAMO", "CAGrad")]
    yield f"{short(min(both), 1)} to {short(max(both), 1)} % in the mean of six tasks"
    yield f"p < .05 over the {over_logs_family()} comparisons of `leaderboards/README.md`"


def of_hotel() -> Iterator[str]:
    yield f"the {files(HOTEL)} records and {files(HOTEL, 'searches')} searches"
    yield f"claims over all {len(board(HOTEL).tested)} comparisons of the leaderboard"
    claimed = {
        (method, task)
        for method, row in rows(HOTEL).items()
        for (task, _), value in row.values.items()
        if value.first is not None and value.first.mark
    }
    methods = [method for method in rows(HOTEL) if method.endswith(TRIALS) and method != CONSTANT]
    assert {task for _, task in claimed} == {"adr"}
    assert {method for method, _ in claimed} <= set(methods)
    for method in sorted(methods, key=lambda one: -price_gain(one).mean()):
        found = mean_interval(price_gain(method))
        text = interval(found)
        others = interval(mean_interval(np.mean(relative_gains(method)[:-1], axis=0)), 2)
        weights = weights_of(method)
        yield line(
            method.removesuffix(f"-{CONSTANT}"),
            f"**{text}**" if (method, "adr") in claimed else text,
            others,
            f"{weights['adr'] / np.mean([weights[task] for task in weights if task != 'adr']):.1f}",
        )
    drawn = weights_of(f"Scalarization-{CONSTANT}")
    assert min(drawn, key=lambda task: drawn[task]) == "other_room"
    yield f"It gives other room a weight of {short(drawn['other_room'], 2)}"
    named = [scores(HOTEL, method, "adr", "r2").mean() for method in (CONSTANT, f"FAMO-{CONSTANT}")]
    yield "R2 of the price is {} under tuned constant weights and {} under tuned FAMO".format(
        *(short(value, 2) for value in named)
    )
    losses = losses_of(CONSTANT)
    price = losses.pop("adr")
    yield f"its mean training loss is {short(price, 2)}, and the others' are {short(min(losses.values()), 2)} to " + (
        f"{short(max(losses.values()), 2)}."
    )
    moved = [scores(HOTEL, CONSTANT, *one) - scores(HOTEL, "Shared Bottom", *one) for one in primaries()]
    tuning = mean_interval(np.mean(moved, axis=0))
    assert tuning.low < 0 < tuning.high
    yield f"their mean score changes by {interval(tuning)}"


def cell(found: PageGain | None) -> str:
    """A gain, in bold where it is claimed."""
    return "–" if found is None else f"**{found}**" if found.mark else str(found)


def primaries() -> list[tuple[str, str]]:
    """Task and metric, the price last."""
    found = list(board(HOTEL).primaries)
    assert found[-1] == PRICE
    return found


def price_gain(method: str) -> Seeds:
    return scores(HOTEL, method, *PRICE) - scores(HOTEL, CONSTANT, *PRICE)


def relative_gains(method: str) -> Seeds:
    """In percent over tuned constant weights, a row for each task and a column for each seed."""
    base = [scores(HOTEL, CONSTANT, *one) for one in primaries()]
    own = [scores(HOTEL, method, *one) for one in primaries()]
    return np.array([100 * (ours - theirs) / theirs for ours, theirs in zip(own, base, strict=True)])


def weights_of(method: str) -> dict[str, float]:
    """The mean weight of each task in the epochs that are scored."""
    scored = [point.weights for point in points(method)]
    return {task: float(np.mean([weights[task]["mean"] for weights in scored])) for task, _ in primaries()}


def losses_of(method: str) -> dict[str, float]:
    """The mean training loss of each task in the epochs that are scored."""
    return {task: float(np.mean([point.train_loss[task] for point in points(method)])) for task, _ in primaries()}


def points(method: str) -> list[Epoch]:
    """Of each seed the validation whose network is kept."""
    found = []
    for one in of_row(HOTEL, method):
        [(stage, best)] = [(stage, epoch) for stage, epoch in one.best_epoch.items() if epoch][-1:]
        found.append(next(point for point in one.curve if (point.stage, point.epoch) == (stage, best)))
    return found
