"""What docs/leaderboards.md and the studies of weightings say, made from the committed records."""

import re
from collections.abc import Iterator
from itertools import product

import numpy as np
from published import (
    FEEDBACK,
    PURE,
    ROOT,
    TUNED,
    TWO,
    WEIGHTINGS,
    board,
    contrast,
    differences,
    files,
    gain,
    holds,
    interval,
    line,
    of_row,
    records,
    rows,
    scores,
    searches,
    short,
    signed,
    text_of,
)

from mtlbench.leaderboards.boards.board import Contrast
from mtlbench.statistics import mean_interval

TRIALS = " [trials=12]"
BACKBONES = ("Shared Bottom", "MMoE", "PLE")


@holds("docs/leaderboards.md")
def leaderboards() -> Iterator[str]:
    yield from ("`0.7003(12)` |", "`+0.0012(5)[9]`")  # examples of how numbers are written
    deviations = [scores(PURE, method, task).std(ddof=1) for method, task in product(rows(PURE), TWO)]
    assert 5.5 < 0.005 / np.mean(deviations) < 6.5
    yield ".005 by default. This is about six times the standard deviation over seeds on KuaiRand-Pure"


@holds("docs/datasets.md")
def datasets() -> Iterator[str]:
    """What of KuaiRand's table is a fact of the records; `data verify` and the tests on real data have the others."""
    facts = board(FEEDBACK).sample.dataset.facts
    parts = ("train", "validation", "test")
    share = {
        task: sum(facts[f"rate.{part}.{task}"] * facts[f"rows.{part}"] for part in parts) / facts["rows"]
        for task in SIX
    }
    apart = {task: facts[f"without_click.{task}"] for task in SIX if task != "click"}
    yield f"| click | `is_click` | {short(share['click'], 3)} |"
    yield f"with a click | {short(share['long_view'], 3)} | {short(apart['long_view'], 4)}, counted as 0 |"
    yield f"and so on | {short(share['like'], 3)}, "
    yield f", {short(share['profile_enter'], 3)} | {short(apart['like'], 2)}, "
    yield f", {short(apart['profile_enter'], 2)} |"
    yield f"| {short(share['comment_open'], 3)} | {short(apart['comment_open'], 3)} |"
    yield f"| {short(share['finish'], 3)} | {short(apart['finish'], 2)} |"


@holds("docs/studies/feedback.md")
def feedback() -> Iterator[str]:
    assert all(one.status == "done" for one in records(FEEDBACK))
    yield f"with the {files(FEEDBACK)} records beside it; no cell failed."
    tasks = board(FEEDBACK).sample.dataset.tasks
    times = {}
    for label, one in (("shared bottom", "Shared Bottom"), ("MMoE", "MMoE")):
        methods = [method for method in rows(FEEDBACK) if method.endswith(f"-{one}")]
        assert len(methods) == 7
        means = {task: [scores(FEEDBACK, method, task).mean() for method in (one, *methods)] for task in tasks}
        spread = {task: max(means[task]) - min(means[task]) for task in tasks}
        noise = {task: deviation(FEEDBACK, methods, one, task) for task in tasks}
        yield line(f"{label}: spread", *(short(spread[task]) for task in tasks))
        yield line(f"{label}: seed noise", *(short(noise[task]) for task in tasks))
        times[label] = sorted(round(spread[task] / noise[task]) for task in tasks)
        assert all(gain(FEEDBACK, f"GradNorm-{one}", one, task).value < 0 for task in tasks)
        every = [method for method in rows(WEIGHTINGS) if method.endswith(f"-{one}")]
        assert {short(deviation(WEIGHTINGS, every, one, task)) for task in TWO} == {".0004"}
    yield "where it is .0004 on both backbones"
    ends = {label: f"{found[0]} to {found[-1]} times" for label, found in times.items()}
    yield f"{ends['shared bottom']} the seed noise on a shared bottom, and {ends['MMoE']} on MMoE"
    bottom = {
        method: [gain(FEEDBACK, f"{method}-Shared Bottom", "Shared Bottom", task).value for task in tasks]
        for method in ("MGDA", "UW", "Nash-MTL")
    }
    mgda, nash = dict(zip(tasks, bottom["MGDA"], strict=True)), dict(zip(tasks, bottom["Nash-MTL"], strict=True))
    yield f"MGDA is best in like ({signed(mgda['like'], 3)}) and worst in finish ({signed(mgda['finish'], 3)})"
    on_bottom = [method for method in rows(FEEDBACK) if method.endswith("Shared Bottom")]
    assert max(on_bottom, key=lambda method: scores(FEEDBACK, method, "like").mean()) == "MGDA-Shared Bottom"
    assert min(on_bottom, key=lambda method: scores(FEEDBACK, method, "finish").mean()) == "MGDA-Shared Bottom"
    gained = dict(zip(tasks, bottom["UW"], strict=True))
    assert (
        min(gained["like"], gained["comment_open"])
        > 0.007
        > 0.002
        > max(gained[task] for task in tasks if task not in ("like", "comment_open"))
    )
    assert [task for task in tasks if nash[task] <= 0] == ["comment_open"]
    yield f"Nash-MTL gains in five tasks, and loses {short(nash['comment_open'], 3)} in comment open."
    rare = [gain(FEEDBACK, "MMoE", "Shared Bottom", task).value for task in ("like", "profile_enter", "comment_open")]
    yield f"MMoE is {short(min(rare), 3)} to {short(max(rare), 3)} better than a shared bottom in the three rare tasks"
    means = list(mean_gains().values())
    assert sum(abs(mean) <= 0.001 for mean in means) / len(means) > 0.9
    yield "the 32 weightings lie within .001 for the most part"
    assert sum("worse than the base rate" in row.flags for row in rows(FEEDBACK).values()) > len(rows(FEEDBACK)) / 2


def deviation(name: str, methods: list[str], base: str, task: str) -> float:
    """Over seeds, of a method's difference from ``base``: the root of the mean variance."""
    return float(np.sqrt(np.mean([differences(name, method, base, task).var(ddof=1) for method in methods])))


def mean_gains() -> dict[str, float]:
    """Of each weighting of the board of all, over both tasks, three backbones and three seeds."""
    labels = {method.removesuffix("-MMoE") for method in rows(WEIGHTINGS) if method.endswith("-MMoE")}
    return {label: float(np.mean([in_task(label, task) for task in TWO])) for label in labels}


def in_task(label: str, task: str) -> np.ndarray:
    """Three backbones by three seeds."""
    return np.array([differences(WEIGHTINGS, f"{label}-{one}", one, task) for one in BACKBONES])


@holds("docs/studies/weightings.md")
def weightings() -> Iterator[str]:
    yield f"with the {files(WEIGHTINGS)} records beside it"
    names = {
        "graddrop": "GradDrop",
        "adatask": "AdaTask",
        "imtl-l": "IMTL-L",
        "gls": "GLS",
        "uncertainty": "UW",
        "scalarization, tuned": "Scalarization",
        "nash-mtl": "Nash-MTL",
        "mgda": "MGDA",
        "excess-mtl": "ExcessMTL",
        "db-mtl": "DB-MTL",
        "rmtl-official": "RMTL-Official",
    }
    means = mean_gains()
    written = {label: [in_task(label, task).mean() for task in TWO] for label in means}
    for name, label in names.items():
        both = np.mean([in_task(label, task) for task in TWO], axis=0)
        positive = f"{int((both > 0).sum())}{' of 9' if label == 'GradDrop' else ''}"
        ratios = [
            mine.spent("seconds") / base.spent("seconds")
            for one in BACKBONES
            for mine, base in zip(of_row(WEIGHTINGS, f"{label}-{one}"), of_row(WEIGHTINGS, one), strict=True)
        ]
        gains = (signed(value) if round(abs(value), 4) else ".0000" for value in (*written[label], means[label]))
        yield line(name, *gains, positive, f"{np.mean(ratios):.1f}")
    assert len(means) == 31
    yield f"The means of {sum(abs(mean) <= 0.0005 for mean in means.values())} of the other 31 are within .0005"
    assert all(
        abs(means[label]) <= 0.0005
        for label in ("PCGrad", "UPGrad", "DWA", "Decay", "IMTL-L", "IMTL-G", "Scalarization")
    )
    yield f"by {short(means['GradDrop'])}, in each of the nine pairs"
    for label in ("GradNorm", "MetaBalance", "ExcessMTL"):
        assert 0 < written[label][0] < -written[label][1]
    assert all(written[label][0] < 0 < written[label][1] for label in ("GLS", "STCH"))
    lost = [means[label] for label in ("MGDA", "FairGrad", "RLW", "Aligned-MTL")]
    assert -0.00105 < min(lost) <= max(lost) < -0.0005
    yield f"lose up to .001, DB-MTL loses {short(means['DB-MTL'], 3)}."
    yield f"(`rmtl-official`) lose {short(means['RMTL-Official'], 3)} at 13 times the cost"
    assert all(not in_task(label, task).any() for label, task in product(("RMTL", "D", "Loss-Aware"), TWO))


@holds("docs/studies/tuned.md")
def tuned() -> Iterator[str]:
    yield from tuned_claims()
    yield from tuned_means()
    yield from tuned_searches()


def tuned_claims() -> Iterator[str]:
    """What is said of single tasks."""
    yield f"with the {files(TUNED)} records and {files(TUNED, 'searches')} searches beside it"
    yield f"A claim has p < .05 over all {len(board(TUNED).tested)} comparisons of the leaderboard together"
    yield "With eight seeds p moves in steps of 1/128: "
    yield f"{short(6 / 128, 3)} is the last one below .05, and {short(7 / 128, 3)} the first one above it."
    nash, famo = contrast(TUNED, at_best("Nash-MTL"), "like"), contrast(TUNED, at_best("FAMO"), "profile_enter")
    yield f"Nash-MTL gains {estimated(nash)} in like (p = {short(nash.adjusted, 3)}),"
    yield f"FAMO {estimated(famo)} in profile enter (p = {short(famo.adjusted, 3)})."
    loss = scores(TUNED, at_best("Nash-MTL"), "like", "logloss") - scores(TUNED, BEST, "like", "logloss")
    assert np.sort(loss)[-2:].sum() > 0.5 * loss.sum() > 0
    yield f"higher than that of tuned constant weights by {over(loss)}, mostly in two of the eight seeds"
    smallest = min(contrast(TUNED, BEST, task).adjusted for task in SIX)
    yield f"In single tasks its smallest p is {short(smallest, 2)}."
    yield f"CAGrad's in profile enter has p = {short(contrast(TUNED, at_best('CAGrad'), 'profile_enter').adjusted, 3)}."
    like = {way: contrast(TUNED, row_of("UW", way), "like").difference.estimate for way in ("", TRIALS)}
    assert like[TRIALS].value > like[""].value
    assert like[TRIALS].half_width > like[""].half_width
    worse = contrast(TUNED, at_best("GradNorm"), "comment_open").difference.estimate
    yield f"tuned it loses {short(worse.value)} in comment open"
    highest = {task: max((scores(TUNED, method, task).mean(), method) for method in rows(TUNED))[1] for task in SIX}
    assert [task for task in SIX if highest[task] == at_best("GradNorm")] == ["click", "long_view", "finish"]
    last = [one.curve[-1].weights for one in of_row(TUNED, at_best("GradNorm"))]
    weights = {task: np.mean([of_seed[task]["mean"] for of_seed in last]) for task in SIX}
    assert max(weights[task] for task in ("like", "profile_enter", "comment_open")) < 0.4
    yield f"in the last epoch are {weights['click']:.1f} and {weights['long_view']:.1f} for click and long view"
    for way, task in product(("", TRIALS), SIX):
        assert not differences(TUNED, row_of("RMTL", way), f"Shared Bottom{way}", task).any()
    steps = rows(TUNED)[row_of("RMTL")].spend.steps / rows(TUNED)["Shared Bottom"].spend.steps
    yield f"to the last digit, at {steps:.1f} times the steps"
    again = contrast(TUNED, at_best("Nash-MTL"), "profile_enter")
    yield f"Nash-MTL gains {estimated(again)} in profile enter as well, but with p = {short(again.adjusted, 2)} over"


def tuned_means() -> Iterator[str]:
    """What is said of the mean over tasks, and of Delta_m, which is on the page over logs."""
    means = {method: np.mean([scores(TUNED, method, task) for task in SIX], axis=0) for method in rows(TUNED)}
    plain, nash = means["Shared Bottom"], means[row_of("Nash-MTL")]
    yield f"They gain {over(means[BEST] - plain)} over constant weights at defaults."
    yield f"Nash-MTL at its defaults gains {over(nash - plain)}, the most of eight weightings."
    at_defaults = [method for method in means if TRIALS not in method and method != "Shared Bottom"]
    assert len(at_defaults) == 8
    assert max(at_defaults, key=lambda method: means[method].mean()) == row_of("Nash-MTL")
    yield f"The first is ahead of the second by {over(means[BEST] - nash)}."
    added = {method: (means[f"{method}{TRIALS}"] - means[method]).mean() for method in at_defaults}
    least, most = min(added, key=added.__getitem__), max(added, key=added.__getitem__)
    assert (least, most) == (row_of("DB-MTL"), row_of("GradNorm"))
    yield f"Tuning adds {short(added[least])} (DB-MTL) to {short(added[most])} (GradNorm) to each method."
    gains = {label: mean_interval(means[at_best(label)] - means[BEST]) for label in ("Nash-MTL", "FAMO")}
    [most] = {short(gain.value) for gain in gains.values()}
    assert most == short(max((means[method] - means[BEST]).mean() for method in means if TRIALS in method))
    widths = ", ".join(f"{label} ± {short(gain.half_width)}" for label, gain in gains.items())
    yield f"the most that a tuned weighting gains is {most} ({widths})."
    over_logs = (ROOT / "leaderboards" / "README.md").read_text(encoding="utf-8").rpartition("## Gain on each board")[2]
    found = re.findall(
        r"^\| ([\w-]+) +\| +([+−-])(\d\.\d\d)\((\d+)\)[^|]*?((?:\\\*|[°†‡])?) \|$", over_logs, re.MULTILINE
    )
    delta = {label: (sign, mean.removeprefix("0"), f".{width}", mark) for label, sign, mean, width, mark in found}
    assert [label for label, (sign, *_, mark) in delta.items() if mark and sign == "+"] == ["Nash-MTL", "CAGrad"]
    assert delta["FAMO"][1] == delta["Nash-MTL"][1]
    (nash_gain, nash_width), (second, width) = (delta[label][1:3] for label in ("Nash-MTL", "CAGrad"))
    yield f"Nash-MTL and CAGrad are shown to gain, {nash_gain} ± {nash_width} % and {second} ± {width} % (Δm,"
    yield f"FAMO has the same mean as Nash-MTL, ± {delta['FAMO'][2]} %, without a mark."
    sign, mean, width, mark = delta["Scalarization"]
    assert mark
    assert sign != "+"
    yield f"(Δm -{mean} ± {width} %)"


def tuned_searches() -> Iterator[str]:
    """What is said of the trials."""
    found = searches(TUNED)
    constant = found["constant"]
    assert constant.winner is not None
    rate = short(constant.winner.settings["learning_rate"])
    yield f"a learning rate of {rate} in place of .001"
    yield f"the chosen learning rate, {rate}, is near the end of its range, .01."
    ordered = {name: sorted(trial.score for trial in search.trials) for name, search in found.items()}
    led = {name: trials[-1] - trials[-2] for name, trials in ordered.items()}
    assert max(led, key=led.__getitem__) == "gradnorm"
    yield (
        f"This lead is {short(led['gradnorm'], 3)} for GradNorm, {short(led['famo'], 3)} for FAMO, "
        f"{short(led['constant'], 3)} for constant weights and {short(led['uncertainty'])} for uncertainty weighting."
    )
    noise = {}
    cells = {one.cell: one for one in records(TUNED)}
    for name, search in found.items():
        kept = [np.mean([*cells[report.cell].primary_scores("validation").values()]) for report in search.reports]
        noise[name] = np.sqrt(2) * np.std(kept, ddof=1)
    assert sorted(name for name in found if led[name] < noise[name]) == ["constant", "pcgrad", "rmtl", "uncertainty"]
    named = ("constant", "pcgrad", "uncertainty")
    yield "leads the second by {}, {} and {}.".format(*(short(led[name], 3) for name in named))
    yield "(standard deviation {}, {} and {})".format(*(short(noise[name], 3) for name in named))
    seconds = {name: sum(trial.seconds for trial in search.trials) for name, search in found.items()}
    table = dict(re.findall(r"\| ([\w-]+) \| [\d.]+ \| ([\d.]+) \|", text_of("docs/studies/tuned.md")))
    assert {name.lower(): float(times) for name, times in table.items()} == {
        name: round(of_search / seconds["constant"], 1) for name, of_search in seconds.items()
    }
    best = {method: {one.best_epoch.get("train") for one in of_row(TUNED, method)} - {None} for method in rows(TUNED)}
    assert {epoch for method in best if TRIALS in method for epoch in best[method]} == {1, 2}
    assert {epoch for method in best if TRIALS not in method for epoch in best[method]} == {2, 3, 4}


BEST = f"Shared Bottom{TRIALS}"
SIX = ("click", "long_view", "like", "profile_enter", "comment_open", "finish")


def row_of(label: str, way: str = "") -> str:
    """A method's row on the tuned board."""
    return f"{label}-Shared Bottom{way}"


def at_best(label: str) -> str:
    """Its tuned row."""
    return row_of(label, TRIALS)


def estimated(found: Contrast) -> str:
    """A difference of which the page says whether it is a gain."""
    return interval(found.difference.estimate).lstrip("+-")


def over(values: np.ndarray) -> str:
    """A mean that is positive, with its interval."""
    return interval(mean_interval(values)).removeprefix("+")
