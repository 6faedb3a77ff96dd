"""What docs/studies/logs.md says of hotel bookings, made from the committed records."""

from collections.abc import Iterator, Sequence

import numpy as np
from published import (
    HOTEL,
    TRIALS,
    Seeds,
    board,
    files,
    gains_of_tuned,
    interval,
    line,
    relative_gains,
    rows,
    scored_epochs,
    scores,
    searches,
    short,
    signed,
)
from scipy.stats import spearmanr

from mtlbench.statistics import mean_interval

CONSTANT = f"Shared Bottom{TRIALS}"
FIXED_WEIGHTS = "weights=1.0-1.0-1.0-1.0-1.0-6.0"
FIXED = f"Shared Bottom [{FIXED_WEIGHTS}, trials=12]"
"""Constant weights with six times the weight for the price, tuned as the others."""
FIXED_NAME = "constant, price 6"
PRICE = ("adr", "xauc")


def of_hotel() -> Iterator[str]:
    yield f"the {files(HOTEL)} records and {files(HOTEL, 'searches')} searches"
    yield f"claims over all {len(board(HOTEL).tested)} comparisons of the leaderboard"
    claimed = {
        (method, task)
        for method, row in rows(HOTEL).items()
        for (task, _), value in row.values.items()
        if value.first is not None and value.first.mark
    }
    methods = [method for method in rows(HOTEL) if method.endswith("trials=12]") and method != CONSTANT]
    assert {task for _, task in claimed} == {"adr"}
    assert {method for method, _ in claimed} <= set(methods)
    assert len(claimed) == 5
    fixed = gains_of_tuned(HOTEL)[f"Constant [{FIXED_WEIGHTS}]"]
    assert not fixed.mark
    yield f"a single fixed weight, 6 for the price, has {fixed} %"
    apart = mean_interval(np.mean(gains_of(f"FAMO-{CONSTANT}") - gains_of(FIXED), axis=0))
    assert apart.low < 0 < apart.high
    yield f"FAMO minus that row is {interval(apart, 2)} % in Δm"
    took = {method: rows(HOTEL)[method].spend for method in (CONSTANT, FIXED, f"FAMO-{CONSTANT}", f"CAGrad-{CONSTANT}")}
    base, *others = (spend.seconds for spend in took.values() if spend)
    yield "{:.1f} times the seconds of tuned constant weights, FAMO {:.1f} and CAGrad {:.1f} times".format(
        *(seconds / base for seconds in others)
    )
    methods.sort(key=lambda method: -price_gain(method).mean())
    found = searches(HOTEL, "shared-bottom")
    for method in methods:
        text, row = interval(mean_interval(price_gain(method))), rows(HOTEL)[method]
        compared = row.values[PRICE].first
        assert compared is not None
        assert row.sample is not None
        search = found[f"constant[{FIXED_WEIGHTS}]" if method == FIXED else row.sample.weighting.name]
        yield line(
            FIXED_NAME if method == FIXED else method.removesuffix(f"-{CONSTANT}"),
            f"**{text}**" if (method, "adr") in claimed else text,
            short(compared.adjusted, 3) if compared.adjusted < 1 else "1",
            interval(mean_interval(np.mean(gains_of(method)[:-1], axis=0)), 2),
            f"{weighed(method):.1f}",
            search.chosen,
        )
    assert found["constant"].chosen == 4
    yield from of_the_gain()
    yield from of_defaults(methods)
    learnt = [method for method in methods if method != FIXED]
    assert len(learnt) == 11
    yield f"the rank correlation of the two columns is {short(spearman(learnt), 2)}"
    losses = losses_of(CONSTANT)
    price = losses.pop("adr")
    yield f"the mean training loss of the price is {short(price, 2)}, and the others' are " + (
        f"{short(min(losses.values()), 2)} to {short(max(losses.values()), 2)}."
    )
    moved = [scores(HOTEL, CONSTANT, *one) - scores(HOTEL, "Shared Bottom", *one) for one in primaries()]
    tuning = mean_interval(np.mean(moved, axis=0))
    assert tuning.low < 0 < tuning.high
    yield f"the mean score changes by {interval(tuning)}"
    drawn = [trial.weighting["weights"] for trial in found["scalarization"].trials[1:]]
    most = max(weights[-1] / np.mean(weights[:-1]) for weights in drawn)
    assert len(drawn) == 11
    yield f"none gives the price more than {most:.1f} times the mean of the others"
    yield f"Its tuned row weighs it {weighed(f'Scalarization-{CONSTANT}'):.1f} times, and gains nothing over all tasks"
    assert gains_of_tuned(HOTEL)["Scalarization"].mean < 0


def of_the_gain() -> Iterator[str]:
    """The share of the price in the gains that are claimed."""
    shares = {}
    for label in ("CAGrad", "FAMO", "GradCraft"):
        assert gains_of_tuned(HOTEL)[label].mark == "*"
        gains = gains_of(f"{label}-{CONSTANT}").mean(1)
        shares[label] = f"{100 * gains[-1] / gains.sum():.0f} % for {label}"
    yield "it is {}, {} and {}.".format(*shares.values())


def of_defaults(tuned: Sequence[str]) -> Iterator[str]:
    """The gains in the price of rows at their defaults that weigh it more."""
    gains = {}
    for method in (one.removesuffix(TRIALS) for one in tuned):
        if method in rows(HOTEL) and method != FIXED and weighed(method) >= 1.8:
            base = scores(HOTEL, "Shared Bottom", *PRICE)
            gains[method.removesuffix("-Shared Bottom")] = (scores(HOTEL, method, *PRICE) - base).mean()
    low, high = (end(gains, key=lambda label: gains[label]) for end in (min, max))
    yield f"from {signed(gains[low])} for {low} to {signed(gains[high])} for {high}"
    assert scores(HOTEL, "Shared Bottom", *PRICE).std() > scores(HOTEL, CONSTANT, *PRICE).std()


def spearman(methods: Sequence[str]) -> float:
    """Of the weight of the price and the gain in it."""
    return float(spearmanr([weighed(one) for one in methods], [price_gain(one).mean() for one in methods]).statistic)


def weighed(method: str) -> float:
    """The weight of the price over the mean weight of the other tasks."""
    weights = weights_of(method)
    return float(weights["adr"] / np.mean([weights[task] for task in weights if task != "adr"]))


def primaries() -> list[tuple[str, str]]:
    """Task and metric, the price last."""
    found = list(board(HOTEL).primaries)
    assert found[-1] == PRICE
    return found


def price_gain(method: str) -> Seeds:
    return scores(HOTEL, method, *PRICE) - scores(HOTEL, CONSTANT, *PRICE)


def gains_of(method: str) -> Seeds:
    """Over tuned constant weights; the last row is the price."""
    return relative_gains(HOTEL, method, CONSTANT)


def weights_of(method: str) -> dict[str, float]:
    """The mean weight of each task in the epochs that are scored."""
    scored = [point.weights for point in scored_epochs(HOTEL, method)]
    return {task: float(np.mean([weights[task]["mean"] for weights in scored])) for task, _ in primaries()}


def losses_of(method: str) -> dict[str, float]:
    """The mean training loss of each task in the epochs that are scored."""
    return {
        task: float(np.mean([point.train_loss[task] for point in scored_epochs(HOTEL, method)]))
        for task, _ in primaries()
    }
