"""What docs/studies/logs.md says of several logs, made from the committed records."""

import re
from collections import Counter
from collections.abc import Iterator

import numpy as np
from published import (
    ANIME,
    DESKDROP,
    GENERATED,
    HOTEL,
    HOTEL_ALL,
    TRIALS,
    TUNED_LOGS,
    PageGain,
    Seeds,
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
    searches,
    short,
    signed,
    standings,
)
from results_of_hotel import FIXED, FIXED_NAME, FIXED_WEIGHTS, of_hotel
from results_of_tuned import BACKBONES

from mtlbench.leaderboards.boards.board import Row, Significance
from mtlbench.leaderboards.boards.columns import in_words
from mtlbench.statistics import mean_interval

NAMES = (
    "hotel bookings",
    "KuaiRand",
    "Deskdrop",
    "Complete Journey",
    "Anime",
    "generated 1",
    "generated 2",
    "generated 3",
)
"""What the page calls ``TUNED_LOGS``."""


@holds("docs/studies/logs.md")
def logs() -> Iterator[str]:
    yield from of_over_logs()
    yield from of_each()
    yield from of_single_tasks()
    yield from of_defaults()
    yield from of_searches()
    yield from of_hotel()
    yield from of_all_weightings()


def of_over_logs() -> Iterator[str]:
    """The table of ranks and gains over logs."""
    found = gains_over_logs()
    for label, place in standings().items():
        gain = cell(found[label]) if label in found else "–"
        yield line(label, place["Rank"].strip("*"), gain, place["Steps"], place["Seconds"])
    yield claimed_over_logs()
    yield f"p < .05 by sign flips of eight logs, over the {len(found)} comparisons together"
    assert "by sign flips of 8 logs (3 of them generated)" in over_logs_page()
    [first, *_] = standings()
    assert f"{first} has the best mean rank of {len(standings())} weightings over 8 logs" in over_logs_page()
    yield generated_as_one()
    assert "and is told apart from GradNorm, Scalarization and IGB-v2, but not from 8 others" in over_logs_page()
    assert "critical difference 5.9)" in over_logs_page()
    yield f"{first} has the best mean rank, and is told apart from GradNorm, Scalarization and IGB-v2 alone"


def claimed_over_logs() -> str:
    """What is shown to gain over logs, the largest mean first; of losses there is one."""
    found = gains_over_logs()
    better = sorted((label for label, gain in found.items() if gain.mark == "*"), key=lambda one: -found[one].mean)
    assert [label for label, gain in found.items() if gain.mark == "°"] == ["IGB-v2"]
    gains = in_words([f"{found[label]} %" for label in better])
    return f"{in_words(better)} are shown to gain over tuned constant weights: {gains} in the mean of the tasks"


def generated_as_one() -> str:
    """Which claims over logs are left."""
    left = "logs would show it of GradCraft and IGB-v2 alone"
    assert f"if the {len(GENERATED)} generated logs counted as one, 6 {left}" in over_logs_page()
    return f"counted as one, six {left}"


def of_each() -> Iterator[str]:
    """The table of gains on each log."""
    yield line("Δm %", *NAMES)
    gains = [gains_of_tuned(name) for name in TUNED_LOGS]
    for label in dict.fromkeys([*gains_over_logs(), *sorted({label for found in gains for label in found})]):
        shown = FIXED_NAME.capitalize() if FIXED_WEIGHTS in label else label
        yield line(shown, *(cell(found.get(label)) for found in gains))
    shown = Counter(label for found in gains for label, gain in found.items() if gain.mark == "*")
    assert [label for label, logs in shown.items() if logs > 1] == ["GradCraft"]
    yield "only GradCraft is shown to gain on two logs"
    largest = max(abs(gain.mean) for gain in gains_of_tuned(ANIME).values())
    yield f"at most {short(largest, 2)} % in the mean of the tasks"
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
    """What weightings gain at their defaults, and what constant weights gain by tuning."""
    tuning = [mean_interval(by_tuning(name)) for name in TUNED_LOGS]
    yield line("Constant, tuned", *(interval(one, 2) for one in tuning))
    for label in ("Nash-MTL", "FAMO", "GradCraft", "CAGrad", "RMTL", "IGB-v2", "GradNorm"):
        yield line(label, *(cell(gains_on_page(name).get(label)) for name in TUNED_LOGS))
    at_defaults = [row for name in GENERATED for row in board(name).rows if TRIALS not in row.method and row.spend]
    assert all("cut off" in row.flags for row in at_defaults)
    yield f"For all {len(at_defaults)} rows at their defaults on generated logs"
    spent = [(rows(name)["RMTL-Shared Bottom"].spend, rows(name)["Shared Bottom"].spend) for name in GENERATED]
    [times] = {f"{gains.steps / base.steps:.1f}" for gains, base in spent if gains and base}
    yield f"RMTL takes {times} times the steps"


def by_tuning(name: str) -> Seeds:
    """What tuned constant weights gain over those at their defaults, mean over backbones, of each seed."""
    plain_rows = [row.method for row in board(name).rows if row.method in BACKBONES]
    return np.mean([relative_gains(name, f"{one}{TRIALS}", one).mean(0) for one in plain_rows], axis=0)


def of_searches() -> Iterator[str]:
    """Which settings the searches chose."""
    found = {log: searches(name, "shared-bottom") for name, log in zip(TUNED_LOGS, NAMES, strict=True)}
    untuned = [log for log, of in found.items() if of["scalarization"].chosen == 0]
    assert all(set(found[log]["scalarization"].trials[0].weighting["weights"]) == {1.0} for log in untuned)
    yield f"On {in_words(untuned)} no draw beat trial 0, which has weights of 1 and default settings"
    for weighting, told in (
        ("nash-mtl", "Nash-MTL has another trial than constant weights"),
        ("gradcraft", "GradCraft"),
    ):
        chosen = {log: (of[weighting].chosen, of["constant"].chosen) for log, of in found.items() if weighting in of}
        other = sum(own != base for own, base in chosen.values())
        yield f"{told} on {other} of {len(chosen)} logs"
    tuned = [rows(name).get(f"GradCraft-Shared Bottom{TRIALS}") for name in TUNED_LOGS]
    cut_off = [log for log, row in zip(NAMES, tuned, strict=True) if row and "cut off" in row.flags]
    assert cut_off == ["generated 1", "generated 3"]
    assert not any("cut off" in rows(name)[f"Shared Bottom{TRIALS}"].flags for name in GENERATED)
    famo = rows(HOTEL)[f"FAMO-Shared Bottom{TRIALS}"].spend, rows(HOTEL)[f"Shared Bottom{TRIALS}"].spend
    yield f"FAMO took {famo[0].steps / famo[1].steps:.1f} times the steps of constant weights on hotel bookings"
    nash = [gains_of_tuned(name)["Nash-MTL"].mean for name in TUNED_LOGS]
    assert round(3 * gains_of_tuned(DESKDROP)["Nash-MTL"].mean / sum(nash)) == 1
    assert gains_of_tuned(DESKDROP)["Nash-MTL"].mark == ""
    assert [gains_of_tuned(name)["RMTL"].same for name in GENERATED] == [True, False, True]
    assert all(len(worse_than_base_rate(row)) >= 3 for row in board(DESKDROP).rows)


def worse_than_base_rate(row: Row) -> list[str]:
    """The tasks that its remark names."""
    [remark] = [remark for remark in row.remarks if remark.startswith("Worse than the base rate")]
    return re.split(", | and ", remark.split(" in ")[1])


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
