"""What docs/studies/tuned.md says, made from the committed records."""

from collections.abc import Iterator
from itertools import product

import numpy as np
from published import (
    ROOT,
    SIX,
    TRIALS,
    TUNED,
    PageGain,
    Seeds,
    board,
    contrast,
    differences,
    files,
    gains_of_tuned,
    holds,
    interval,
    line,
    of_row,
    over_logs_family,
    relative_gains,
    rows,
    scored_epochs,
    scores,
    searches,
    short,
)

from mtlbench.leaderboards.boards.board import Contrast
from mtlbench.statistics import mean_interval

BACKBONES = {"Shared Bottom": "shared-bottom", "MMoE": "mmoe"}
"""As pages name them -> as one types them."""
RARE = ("like", "profile_enter", "comment_open")
PLACES = tuple(product(("", TRIALS), BACKBONES))
"""Default and tuned rows on each backbone: the columns of the table of claims."""


@holds("docs/studies/tuned.md")
def tuned() -> Iterator[str]:
    yield from of_the_run()
    yield from of_claims()
    yield from of_all_tasks()
    yield from of_gradnorm()
    yield from of_igb_v2()
    yield from of_rmtl()
    yield from of_searches()


def of_the_run() -> Iterator[str]:
    assert len(rows(TUNED)) == 2 * (14 + 13)
    yield f"with the {files(TUNED)} records and {files(TUNED, 'searches')} searches beside it"
    yield f"A claim has p < .05 over all {len(board(TUNED).tested)} comparisons of the leaderboard together"
    yield "With eight seeds p moves in steps of 1/128: "
    yield f"{short(6 / 128, 3)} is the last one below .05, and {short(7 / 128, 3)} the first one above it."


def of_claims() -> Iterator[str]:
    """The table: each weighting and task with a claim anywhere, in bold where there is one."""
    labels = dict.fromkeys(label_of(row.method) for row in board(TUNED).rows)
    claimed = []
    for label, task in product(labels, SIX):
        found = [among(label, backbone, way, task) for way, backbone in PLACES]
        if any(one is not None and one.mark for one in found):
            yield line(label, task.replace("_", " "), *(cell(one) for one in found))
            claimed += [(label, task, *place) for one, place in zip(found, PLACES, strict=True) if one and one.mark]
    table = [text for text in part_of_claims().splitlines() if text.startswith("| ") and "**" in text]
    assert len(table) == len({(label, task) for label, task, *_ in claimed})
    better = {key for key in claimed if key[2] == TRIALS and of_key(key).difference.estimate.value > 0}
    nash_mtl = {("Nash-MTL", "like", TRIALS, backbone) for backbone in BACKBONES}
    assert better == nash_mtl | {("UW-SO", "like", TRIALS, "Shared Bottom")}
    assert {key[0] for key in claimed if of_key(key).difference.estimate.value < 0} == {"GradNorm", "IGB-v2"}
    worse = {key for key in claimed if key[0] == "IGB-v2" and of_key(key).difference.estimate.value < 0}
    gains = {key[1:] for key in claimed if key[0] == "IGB-v2"} - {key[1:] for key in worse}
    assert gains == {(task, "", "Shared Bottom") for task in ("like", "profile_enter")}
    dwa = contrast(TUNED, row_of("DWA", "Shared Bottom"), "comment_open")
    assert dwa.mark
    yield f"DWA at its defaults gains in comment open on a shared bottom, by {estimated(dwa)}"
    uw_so = contrast(TUNED, row_of("UW-SO", "Shared Bottom", TRIALS), "like")
    yield f"and UW-SO in like on a shared bottom, by {estimated(uw_so)} (p = {short(uw_so.adjusted, 3)})"
    famo = contrast(TUNED, row_of("FAMO", "Shared Bottom", TRIALS), "profile_enter")
    yield f"FAMO's gain in profile enter on a shared bottom, {estimated(famo)}, has p = {short(famo.adjusted, 3)}"
    nash = [contrast(TUNED, row_of("Nash-MTL", backbone, TRIALS), "like") for backbone in BACKBONES]
    yield "{} on a shared bottom and {} on MMoE (p = {} and {})".format(
        *map(estimated, nash), *(short(one.adjusted, 3) for one in nash)
    )
    losses = [
        scores(TUNED, row_of("Nash-MTL", backbone, TRIALS), "like", "logloss")
        - scores(TUNED, f"{backbone}{TRIALS}", "like", "logloss")
        for backbone in BACKBONES
    ]
    yield "The logloss of Nash-MTL there differs by {} and {}".format(
        *(interval(mean_interval(loss)) for loss in losses)
    )


def of_all_tasks() -> Iterator[str]:
    """The mean over tasks, and Delta_m, which is on the page over logs."""
    for backbone in BACKBONES:
        plain, best = mean_of(backbone), mean_of(f"{backbone}{TRIALS}")
        at_defaults = [
            row.method for row in board(TUNED).rows if own(row.method, backbone) and TRIALS not in row.method
        ]
        rivals = {method: mean_of(method) for method in at_defaults if method != backbone}
        assert len(rivals) == 12
        first = max(rivals, key=lambda method: rivals[method].mean())
        ahead = mean_interval(best - rivals[first])
        assert ahead.low < 0 < ahead.high
        smallest = min(contrast(TUNED, f"{backbone}{TRIALS}", task).adjusted for task in SIX)
        yield line(
            spoken(backbone),
            over(best - plain),
            f"{label_of(first)} {over(rivals[first] - plain)}",
            interval(ahead),
            short(smallest, 2),
        )
    claimed = shown_to_gain()
    for label in list(gains_of_tuned(TUNED))[:3]:
        gains = {backbone: gains_of(label, backbone) for backbone in BACKBONES}
        both = np.mean([*gains.values()], axis=0)
        common = [k for k, task in enumerate(SIX) if task not in RARE]
        rare = [k for k, task in enumerate(SIX) if task in RARE]
        printed = [both.mean(0), *(gain.mean(0) for gain in gains.values()), both[rare].mean(0), both[common].mean(0)]
        first, *others = (interval(mean_interval(values), 2) for values in printed)
        yield line(label, f"**{first}**" if label in claimed else first, *others)
    yield f"p < .05 over the {over_logs_family()} comparisons of that page"
    yield "in the mean of six tasks: " + " and ".join(f"{gain} %" for gain in claimed.values())
    same = {name: searches(TUNED, name) for name in BACKBONES.values()}
    assert all(
        found[one].chosen == found["constant"].chosen for one in ("nash-mtl", "gradcraft") for found in same.values()
    )
    assert all(
        found["nash-mtl"].winner.settings == found["constant"].winner.settings  # type: ignore[union-attr]
        for found in same.values()
    )
    found = gains_of_tuned(TUNED)["Scalarization"]
    assert found.mark
    assert found.mean < 0
    yield f"(Δm {found} %)"


def shown_to_gain() -> dict[str, PageGain]:
    """The tuned weightings that are shown to gain over all tasks, as the page over logs has them."""
    better = {label: gain for label, gain in gains_of_tuned(TUNED).items() if gain.mark and gain.mean > 0}
    assert list(better) == ["Nash-MTL", "GradCraft"]
    return better


def gains_of(label: str, backbone: str) -> Seeds:
    """In percent of the AUC of tuned constant weights, a row for each task and a column for each seed."""
    return relative_gains(TUNED, row_of(label, backbone, TRIALS), f"{backbone}{TRIALS}")


def mean_weights(method: str) -> dict[str, float]:
    """Those of each task in the epoch that is scored, mean over seeds."""
    scored = [epoch.weights for epoch in scored_epochs(TUNED, method)]
    return {task: float(np.mean([of_seed[task]["mean"] for of_seed in scored])) for task in SIX}


def of_igb_v2() -> Iterator[str]:
    weights = mean_weights(row_of("IGB-v2", "Shared Bottom", TRIALS))
    rare = sorted(weights[task] for task in RARE)
    yield f"{rare[0]:.1f} to {rare[-1]:.1f} on a shared bottom, where click has {weights['click']:.1f}"


def of_gradnorm() -> Iterator[str]:
    for backbone in BACKBONES:
        method = row_of("GradNorm", backbone, TRIALS)
        weights = mean_weights(method)
        of_backbone = [row.method for row in board(TUNED).rows if own(row.method, backbone)]
        highest = {task: max(of_backbone, key=lambda one: scores(TUNED, one, task).mean()) for task in SIX}
        assert [task for task in SIX if highest[task] == method] == ["click", "long_view", "finish"]
        named = f"on {spoken(backbone, 'a ')}"
        yield (
            f"{weights['click']:.1f} for click and {weights['long_view']:.1f} for long view {named}, and at most "
            f"{max(weights[task] for task in RARE):.2f} for the three rare tasks"
        )


def of_rmtl() -> Iterator[str]:
    for way, task in product(("", TRIALS), SIX):
        assert not differences(TUNED, row_of("RMTL", "Shared Bottom", way), f"Shared Bottom{way}", task).any()
    improved = {
        way: sum(list(one.best_epoch.values())[-1] > 0 for one in of_row(TUNED, row_of("RMTL", "MMoE", way)))
        for way in ("", TRIALS)
    }
    yield "on MMoE it improved in {} of eight seeds at defaults and {} of eight tuned".format(*improved.values())
    apart = mean_interval(mean_of(row_of("RMTL", "MMoE", TRIALS)) - mean_of(f"MMoE{TRIALS}"))
    yield f"the mean over tasks differs by {interval(apart)} there"
    times = [
        rows(TUNED)[row_of("RMTL", backbone)].spend.steps / rows(TUNED)[backbone].spend.steps for backbone in BACKBONES
    ]
    yield "at {:.1f} and {:.1f} times the steps".format(*times)


def of_searches() -> Iterator[str]:
    noise: list[float] = []
    for backbone, name in BACKBONES.items():
        found = searches(TUNED, name)
        assert len(found) == 14
        constant = found["constant"]
        assert constant.winner is not None
        same = [one for one in found.values() if one.chosen == constant.chosen]
        yield line(
            spoken(backbone),
            constant.chosen,
            f"{len(same)} of 14",
            short(constant.winner.settings["learning_rate"]),
            short(led(name, "constant")),
            short(min(led(name, weighting) for weighting in found)),
            short(max(led(name, weighting) for weighting in found)),
        )
        assert found["scalarization"].chosen == 0
        kept = [np.mean([*one.primary_scores("validation").values()]) for one in of_row(TUNED, f"{backbone}{TRIALS}")]
        noise.append(np.sqrt(2) * np.std(kept, ddof=1))
    yield "differs by {} on a shared bottom and {} on MMoE (standard deviation)".format(*map(short, noise))
    small = [
        sum(led(name, weighting) < one for weighting in searches(TUNED, name) if weighting != "rmtl")
        for name, one in zip(BACKBONES.values(), noise, strict=True)
    ]
    yield "{} of thirteen leads on a shared bottom and {} of thirteen on MMoE are smaller".format(*small)
    worse = []
    for name in BACKBONES.values():
        pairs = zip(*(searches(TUNED, name)[one].trials[1:] for one in ("scalarization", "constant")), strict=True)
        worse.append(sum(drawn.score < plain.score for drawn, plain in pairs))
    yield "{} of eleven draws on a shared bottom and {} on MMoE were worse than the trial of constant weights".format(
        *worse
    )
    steps = {
        (name, weighting): sum(trial.steps for trial in search.trials)
        for name in BACKBONES.values()
        for weighting, search in searches(TUNED, name).items()
    }
    times = {key: taken / steps[key[0], "constant"] for key, taken in steps.items()}
    others = [value for (_, weighting), value in times.items() if weighting != "rmtl"]
    yield f"took {min(others):.2f} to {max(others):.2f} times the steps of those of constant weights, of RMTL " + (
        "{:.2f} and {:.2f} times".format(*(times[name, "rmtl"] for name in BACKBONES.values()))
    )
    for way, epochs in ((TRIALS, {1, 2, 3}), ("", {2, 3, 4})):
        methods = [row.method for row in board(TUNED).rows if (TRIALS in row.method) == bool(way)]
        assert best_epochs([method for method in methods if "IGB-v2" not in method]) == epochs
    igb_v2 = best_epochs([row.method for row in board(TUNED).rows if "IGB-v2" in row.method])
    yield f"but for IGB-v2 ({min(igb_v2)} to {max(igb_v2)})"


def best_epochs(methods: list[str]) -> set[int]:
    """Those of all seeds; methods of several stages have none of that name."""
    return {one.best_epoch["train"] for method in methods for one in of_row(TUNED, method) if "train" in one.best_epoch}


def led(backbone: str, weighting: str) -> float:
    """By how much the best trial of a search is ahead of the second."""
    ordered = sorted(trial.score for trial in searches(TUNED, backbone)[weighting].trials)
    return ordered[-1] - ordered[-2]


def spoken(backbone: str, article: str = "") -> str:
    """A backbone in a sentence or a table."""
    return f"{article}shared bottom" if backbone == "Shared Bottom" else backbone


def row_of(label: str, backbone: str, way: str = "") -> str:
    """A method's row, such as ``FAMO-MMoE [trials=12]``."""
    return f"{backbone}{way}" if label == "Constant" else f"{label}-{backbone}{way}"


def label_of(method: str) -> str:
    """The weighting of a row."""
    plain = method.removesuffix(TRIALS)
    return next(
        ("Constant" if plain == backbone else plain.removesuffix(f"-{backbone}"))
        for backbone in BACKBONES
        if plain.endswith(backbone)
    )


def own(method: str, backbone: str) -> bool:
    """Whether a row is on ``backbone``."""
    return method.removesuffix(TRIALS).endswith(backbone)


def among(label: str, backbone: str, way: str, task: str) -> Contrast | None:
    """The comparison of a row with constant weights that were tuned alike; none for these themselves."""
    row = rows(TUNED).get(row_of(label, backbone, way))
    return None if row is None else row.values[task, "auc"].first


def of_key(key: tuple[str, str, str, str]) -> Contrast:
    label, task, way, backbone = key
    return contrast(TUNED, row_of(label, backbone, way), task)


def cell(found: Contrast | None) -> str:
    """A difference, in bold where it is claimed."""
    if found is None:
        return "–"
    text = interval(found.difference.estimate)
    return f"**{text}**" if found.mark else text


def part_of_claims() -> str:
    page = (ROOT / "docs" / "studies" / "tuned.md").read_text(encoding="utf-8")
    return page.split("## What came out")[1].split("\n## ")[0]


def mean_of(method: str) -> Seeds:
    """The test AUC of each seed, mean over tasks."""
    return np.mean([scores(TUNED, method, task) for task in SIX], axis=0)


def estimated(found: Contrast) -> str:
    """A difference of which the page says whether it is a gain."""
    return interval(found.difference.estimate).lstrip("+-")


def over(values: Seeds) -> str:
    """A mean that is positive, with its interval."""
    return interval(mean_interval(values)).removeprefix("+")
