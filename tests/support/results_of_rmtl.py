"""What docs/rmtl.md and docs/studies/overall.md say of RMTL, made from the committed records."""

import csv
from collections.abc import Iterator
from itertools import product

import numpy as np
from published import (
    ANIME,
    HOTEL,
    PURE,
    ROOT,
    SYNTHETIC,
    TUNED,
    TUNED_LOGS,
    TWO,
    contrast,
    differences,
    gain,
    gains_of_tuned,
    gains_on_page,
    holds,
    interval,
    line,
    of_row,
    rows,
    scores,
    searches,
    short,
)
from results_of_logs import NAMES, by_tuning, cell

from mtlbench.statistics import max_t, mean_interval

BACKBONES = ("ESMM", "MMoE", "PLE")
FUNNEL = ("click", "conversion")


def of_tuned() -> Iterator[str]:
    """RMTL on the logs that have sessions, at its defaults and tuned, beside what tuning gives constant weights."""
    named = dict(zip(TUNED_LOGS, NAMES, strict=True)) | {TUNED: "KuaiRand, six tasks"}
    logs = [name for name in TUNED_LOGS if "RMTL" in gains_of_tuned(name)]
    yield line("RMTL, Δm %", *(named[name] for name in logs))
    assert set(TUNED_LOGS) - set(logs) == {HOTEL, ANIME}  # without sessions
    assert not any(gains_of_tuned(name)["RMTL"].mark for name in logs)
    yield line("at its defaults", *(cell(gains_on_page(name)["RMTL"]) for name in logs))
    yield line("tuned", *(cell(gains_of_tuned(name)["RMTL"]) for name in logs))
    yield line("constant weights by tuning", *(interval(mean_interval(by_tuning(name)), 2) for name in logs))
    found = [searches(name, "shared-bottom") for name in logs]
    own = [of["rmtl"].space.keys() - of["constant"].space.keys() for of in found]
    assert all(one == {"rmtl.gamma", "rmtl.tau", "rmtl.lambda"} for one in own)


@holds("docs/rmtl.md")
def rmtl() -> Iterator[str]:
    yield from of_tuned()
    kept = {
        "rmtl": "RMTL-{}",
        "constant[restart=true]": "{} [restart=true]",
        "loss-aware": "Loss-Aware-{}",
        "ddpg": "D-{}",
    }
    runs = {}
    for name, method in kept.items():
        runs[name] = [found for one in BACKBONES for found in of_row(PURE, method.format(one))]
        assert all(list(one.best_epoch.values())[-1] == 0 for one in runs[name])
        assert not any(differences(PURE, method.format(one), one, task).any() for one, task in product(BACKBONES, TWO))
    first, *others = (len(found) for found in runs.values())
    yield "in any of {} runs of `rmtl`, {} of `constant[restart=true]`, {} of `loss-aware` and {} of `ddpg`".format(
        first, *others
    )
    falls = []
    for one in BACKBONES:
        before = {
            base.seed: max(np.mean([*epoch.validation.values()]) for epoch in base.curve) for base in of_row(PURE, one)
        }
        after = [(found.seed, found.curve[0]) for found in of_row(PURE, f"RMTL-{one}")]
        assert {epoch.stage for _, epoch in after} == {"continue"}
        falls.append(np.mean([before[seed] - np.mean([*epoch.validation.values()]) for seed, epoch in after]))
        assert all(base.best_epoch == {"train": 1} for base in of_row(PURE, one))
    yield f"the best epoch of stage 1 was the first in all {first} runs"
    yield "lower by {} (ESMM), {} (MMoE) and {} (PLE)".format(*map(short, falls))

    afresh = {(one, task): contrast(PURE, f"RMTL-{one} [stage3=afresh]", task) for one, task in product(BACKBONES, TWO)}
    estimates = {key: found.difference.estimate for key, found in afresh.items()}
    for one in BACKBONES:
        yield line(one, *(interval(estimates[one, task], 5) for task in TWO))
    smallest = min(afresh.values(), key=lambda found: found.p)
    assert smallest is afresh["PLE", "click"]
    yield f"{short(smallest.p, 3)} alone, and {short(smallest.adjusted, 2)} over all comparisons of the page together"
    assert max(estimate.high for estimate in estimates.values()) < 0.0004
    yield "Every interval ends below +.0004."
    paper = published_gains()
    yield f"The paper's table has gains of {short(min(paper))} to {short(max(paper))} for the same three backbones"

    known = np.mean([one.diagnostics["q_loss_correlation"] for one in runs["rmtl"]], axis=0)
    yield f"(Spearman {short(known[0], 2)} for click, {short(known[1], 2)} for long view)"
    assert max(max(one.diagnostics["q_zero_fraction"]) for one in runs["rmtl"]) < 0.01
    held_out = [one.series["td_loss_held_out"] for one in runs["rmtl"]]
    best, made = np.mean([np.argmin(loss) + 1 for loss in held_out]), np.mean([len(loss) for loss in held_out])
    yield f"lowest after {best:.1f} passes on average, and they made {made:.1f}"
    spent = [(rows(PURE)[f"RMTL-{one}"].spend, rows(PURE)[one].spend) for one in BACKBONES]
    [steps] = {f"{mine.steps / base.steps:.1f}" for mine, base in spent}
    seconds = sorted(f"{mine.seconds / base.seconds:.1f}" for mine, base in spent)
    yield f"{steps} times the optimiser steps of constant weights, and {seconds[0]} to {seconds[-1]} times the wall"


def published_gains() -> list[float]:
    """Of RMTL over constant weights on KuaiRand, both tasks, in the paper's Table 1."""
    path = ROOT / "mtlbench/leaderboards/comparing/published/rmtl_table1.csv"
    found = {
        tuple(cells[1:4:2]): float(cells[4])
        for cells in csv.reader(path.read_text().splitlines())
        if cells[0] == "kuairand" and cells[2] == "AUC"
    }
    return [found[task, f"RMTL-{one}"] - found[task, one] for task, one in product(("CTR", "CTCVR"), BACKBONES)]


@holds("docs/studies/overall.md")
def overall() -> Iterator[str]:
    for label, method in (("RMTL", "RMTL-{}"), ("constant weights restarted", "{} [restart=true]")):
        gains = [gain(SYNTHETIC, method.format(one), one, task) for task in FUNNEL for one in ("MMoE", "PLE")]
        assert all(one.value > 0 for one in gains)
        yield line(label, *(short(one.value) for one in gains))
    pairs = list(product(BACKBONES, FUNNEL))
    beyond = {(one, task): (f"RMTL-{one}", f"{one} [restart=true]", task) for one, task in pairs}
    test = max_t(np.array([differences(SYNTHETIC, *beyond[key]) for key in pairs]))
    assert pairs[int(np.argmin(test.adjusted))] == ("MMoE", "click")
    more = interval(gain(SYNTHETIC, *beyond["MMoE", "click"]))
    yield f"click on MMoE ({more}, p = {short(min(test.adjusted), 3)} by sign flips of seeds over all six together)"
    afresh = {key: gain(SYNTHETIC, f"RMTL-{key[0]} [stage3=afresh]", *key).value for key in pairs}
    up, down = ([afresh[one, task] for one in BACKBONES] for task in FUNNEL)
    assert min(up) > 0 > max(down)
    yield "gains {} (ESMM), {} (MMoE) and {} (PLE) in click".format(*map(short, up))
    yield "and loses {}, {} and {} in conversion".format(*map(short, down))
    for method, (one, task) in product(("Decay-{}", "D-{}"), pairs):
        assert abs(gain(SYNTHETIC, method.format(one), one, task).value) < 0.0002
    for one, task in pairs:
        assert (
            scores(SYNTHETIC, f"Loss-Aware-{one}", task, "logloss").mean()
            > scores(SYNTHETIC, one, task, "logloss").mean()
        )
