"""What README says, made from the committed records."""

import re
from collections.abc import Iterator
from itertools import product

from published import (
    ANIME,
    DESKDROP,
    GENERATED,
    HOTEL,
    JOURNEY,
    PURE,
    SYNTHETIC,
    TUNED,
    TUNED_LOGS,
    TWO,
    board,
    differences,
    gains_of_tuned,
    gains_on_page,
    holds,
    interval,
    line,
    rows,
    searches,
    standings,
    text_of,
)
from results_of_logs import by_tuning, claimed_over_logs, generated_as_one
from results_of_rmtl import BACKBONES, FUNNEL

from mtlbench.leaderboards.boards.board import OPTIMUM
from mtlbench.leaderboards.boards.columns import in_words
from mtlbench.statistics import mean_interval


@holds("README.md")
def readme() -> Iterator[str]:
    yield from of_tuned()
    yield from of_defaults()
    yield from of_the_funnel()


def of_tuned() -> Iterator[str]:
    """What is shown of weightings that were tuned alike."""
    yield claimed_over_logs()
    yield generated_as_one()
    assert len(standings()) == 12
    assert {len(board(name).seeds) for name in TUNED_LOGS} == {8}
    assert {len(one.trials) for name in TUNED_LOGS for one in searches(name, "shared-bottom").values()} == {12}
    for name, log in ((HOTEL, "hotel bookings"), (TUNED, "KuaiRand")):
        shown = [label for label, gain in gains_of_tuned(name).items() if gain.mark == "*"]
        gains = [f"{label} {gains_of_tuned(name)[label]}" for label in shown]
        yield f"{in_words(gains)} % on {log}"
    lost = [{label for label, gain in gains_of_tuned(name).items() if gain.mark == "°"} for name in TUNED_LOGS]
    counts = {label: sum(label in one for one in lost) for label in ("Scalarization", "IGB-v2", "GradNorm")}
    assert set.union(*lost) == counts.keys()
    yield "IGB-v2 loses on {} logs, GradNorm on {}, and searched fixed weights (Scalarization) on {}".format(
        *(WORDS[counts[label]] for label in ("IGB-v2", "GradNorm", "Scalarization"))
    )
    losing = [name for name, labels in zip(TUNED_LOGS, lost, strict=True) if "Scalarization" in labels]
    untuned = [name for name in losing if searches(name, "shared-bottom")["scalarization"].chosen == 0]
    yield (
        f"On {WORDS[len(untuned)]} of these {WORDS[len(losing)]} the search found nothing better than weights of 1 and "
        "default settings"
    )


def of_defaults() -> Iterator[str]:
    """What a comparison at defaults would say of the generated logs."""
    plain = [gains_on_page(name)["RMTL"] for name in GENERATED]
    assert all(gain.mark == "*" for gain in plain)
    yield f"RMTL at its defaults gains {span([gain.mean for gain in plain])} %"
    tuning = [by_tuning(name).mean() for name in GENERATED]
    yield f"tuning constant weights alone gives {span(tuning)} %"
    assert all(abs(gains_of_tuned(name)["RMTL"].mean) <= 0.04 for name in GENERATED)
    assert gains_on_page(TUNED)["RMTL"].mean == 0
    gain, on_anime = (interval(mean_interval(by_tuning(name)), 2) for name in (TUNED, ANIME))
    yield f"On KuaiRand RMTL at its defaults gains nothing, and tuning constant weights gives {gain} %"
    yield f"On Anime it gives {on_anime} %"
    for name in (HOTEL, DESKDROP, JOURNEY):
        seen = mean_interval(by_tuning(name))
        assert seen.low < 0 < seen.high


def of_the_funnel() -> Iterator[str]:
    """RMTL where the truth is known, and on the log of its paper."""
    for method in ("MMoE", "MMoE [restart=true]", "RMTL-MMoE", OPTIMUM):
        yield line(method, *printed(method, "click"), *printed(method, "conversion"))
    better = {key for key in product(rows(SYNTHETIC), FUNNEL) if rows(SYNTHETIC)[key[0]].values[key[1], "auc"].marks}
    assert {("RMTL-MMoE", task) for task in FUNNEL} | {("MMoE [restart=true]", task) for task in FUNNEL} < better
    yield f"p < .05 over all {len(board(SYNTHETIC).tested)} comparisons of the page together"
    [mean] = re.findall(r"\| mean \|(.*?)\| \*", text_of("docs/rmtl.md"))
    click, conversion = (cell.strip() for cell in mean.split("|")[2:4])
    yield f"its gain in AUC is {click} (click) and {conversion} (conversion). The records of those runs are not in the"
    assert all(not differences(PURE, f"RMTL-{one}", one, task).any() for one, task in product(BACKBONES, TWO))
    assert not any(value.marks for row in rows(PURE).values() for value in row.values.values())
    weightings = {
        (row.sample.weighting.name, str(row.sample.weighting.changed)) for row in rows(PURE).values() if row.sample
    }
    assert len(weightings) == 1 + 6
    assert len(board(PURE).seeds) == 10
    yield "none of six weightings with ten seeds, RMTL among them, is told apart from constant weights"


WORDS = {2: "two", 3: "three", 4: "four", 5: "five"}


def span(values: list[float]) -> str:
    """Of gains that are all above 0."""
    return f"{min(values):.1f} to {max(values):.1f}"


def printed(method: str, task: str) -> Iterator[str]:
    """Two cells of README's table, as the page of the board has them."""
    value = rows(SYNTHETIC)[method].values[task, "auc"]
    yield f"{value.text}{value.spread}{value.marks}"
    first = value.first
    digits = "" if first is None else f"{round(first.difference.estimate.half_width * 1e4)}"
    yield "–" if first is None else f"{first.difference.estimate.value:+.4f}({digits})"
