"""What docs/studies/logs.md says of several logs, made from the committed records."""

from collections.abc import Iterator

from published import (
    GENERATED,
    HOTEL_ALL,
    TRIALS,
    TUNED_LOGS,
    PageGain,
    board,
    files,
    gains_of_tuned,
    gains_on_page,
    gains_over_logs,
    holds,
    interval,
    line,
    over_logs_family,
    over_logs_page,
    plain,
    relative_gains,
    rows,
    signed,
    standings,
)
from results_of_hotel import CONSTANT, FIXED, FIXED_NAME, FIXED_WEIGHTS, of_hotel

from mtlbench.leaderboards.boards.board import Significance
from mtlbench.statistics import mean_interval

NAMES = ("hotel bookings", "KuaiRand", "Deskdrop", "Complete Journey", "generated 1", "generated 2", "generated 3")
"""What the page calls ``TUNED_LOGS``."""


@holds("docs/studies/logs.md")
def logs() -> Iterator[str]:
    yield from of_over_logs()
    yield from of_each()
    yield from of_single_tasks()
    yield from of_defaults()
    yield from of_hotel()
    yield from of_all_weightings()


def of_over_logs() -> Iterator[str]:
    """The table of ranks and gains over logs."""
    found = gains_over_logs()
    for label, place in standings().items():
        gain = cell(found[label]) if label in found else "–"
        yield line(label, place["Rank"].strip("*"), gain, place["Steps"], place["Seconds"])
    better = sorted((label for label, gain in found.items() if gain.mark == "*"), key=lambda one: -found[one].mean)
    assert [label for label, gain in found.items() if gain.mark == "°"] == ["IGB-v2"]
    yield "{} and {} are shown to gain over tuned constant weights: {} % and {} % in the mean of the tasks".format(
        *better, *(found[label] for label in better)
    )
    yield f"p < .05 by sign flips of six logs, over the {len(found)} comparisons together"
    assert "by sign flips of 6 logs (3 of them generated)" in over_logs_page()
    [first, *_] = standings()
    assert f"{first} has the best mean rank of {len(standings())} weightings over 6 logs" in over_logs_page()
    assert "and is told apart from Scalarization and IGB-v2, but not from 9 others" in over_logs_page()
    assert "critical difference 6.8)" in over_logs_page()
    yield f"{first} has the best mean rank, and is told apart from Scalarization and IGB-v2 alone"


def of_each() -> Iterator[str]:
    """The table of gains on each log."""
    yield line("Δm %", *NAMES)
    gains = [gains_of_tuned(name) for name in TUNED_LOGS]
    for label in dict.fromkeys([*gains_over_logs(), *sorted({label for found in gains for label in found})]):
        shown = FIXED_NAME.capitalize() if FIXED_WEIGHTS in label else label
        yield line(shown, *(cell(found.get(label)) for found in gains))
    yield f"p < .05 over the {over_logs_family()} comparisons of `leaderboards/README.md`"


def of_single_tasks() -> Iterator[str]:
    """The claims of each leaderboard on tuned rows."""
    for name, log in zip(TUNED_LOGS, NAMES, strict=True):
        yield plain(line(log, len(board(name).tested), claims(name, "better"), claims(name, "worse")))


def claims(name: str, verdict: Significance) -> str:
    """The tuned rows of a board with the verdict, task by task."""
    by_task: dict[str, list[str]] = {}
    for method, row in rows(name).items():
        for (task, _), value in row.values.items():
            first = value.first
            if first is not None and first.place == 1 and first.verdict == verdict:
                by_task.setdefault(task, []).append(f"{called(method)} {interval(first.difference.estimate)}")
    return "; ".join(f"*{task.replace('_', ' ')}*: {', '.join(found)}" for task, found in by_task.items()) or "none"


def called(method: str) -> str:
    """A tuned row of any backbone."""
    if method == FIXED:
        return FIXED_NAME
    label = method.removesuffix(TRIALS)
    return label.replace("-MMoE", " on MMoE").removesuffix("-Shared Bottom")


def of_defaults() -> Iterator[str]:
    """What weightings gain on generated logs at their defaults, and tuned alike."""
    for label in ("RMTL", "Nash-MTL", "FAMO", "GradCraft"):
        ways = (gains_on_page, gains_of_tuned)
        yield line(label, *(cell(gains(name).get(label)) for gains in ways for name in GENERATED))
    at_defaults = [row for name in GENERATED for row in board(name).rows if TRIALS not in row.method]
    cut_off = ["cut off" in row.flags for row in at_defaults if row.spend]
    assert all(cut_off)
    yield f"For all {len(cut_off)} rows at their defaults"
    tuning = [mean_interval(relative_gains(name, CONSTANT, "Shared Bottom").mean(0)) for name in GENERATED]
    yield "Tuning constant weights alone gives {}, {} and {} %".format(*(interval(one, 2) for one in tuning))
    steps = [
        gains.steps / base.steps
        for name in GENERATED
        for gains, base in [(rows(name)["RMTL-Shared Bottom"].spend, rows(name)["Shared Bottom"].spend)]
        if gains and base
    ]
    [times] = {f"{taken:.1f}" for taken in steps}
    yield f"RMTL takes {times} times the steps"


def of_all_weightings() -> Iterator[str]:
    gains = gains_on_page(HOTEL_ALL)
    yield f"with the {files(HOTEL_ALL)} records beside it"
    assert len(board(HOTEL_ALL).seeds) == 3
    higher = sum(gain.mean > 0 for gain in gains.values())
    yield f"{higher} of {len(gains)} have a higher mean Δm than constant weights"
    first, second, *_, last = gains
    assert gains[first].mean == gains[second].mean
    top = signed(gains[first].mean, 2)
    yield f"those of {first} and {second} ({top} %), the lowest that of {last} ({gains[last]} %)"
    assert sum(row.state == "not applicable" for row in board(HOTEL_ALL).rows) == 7


def cell(found: PageGain | None) -> str:
    """A gain, in bold where it is claimed."""
    return "–" if found is None else f"**{found}**" if found.mark else str(found)
