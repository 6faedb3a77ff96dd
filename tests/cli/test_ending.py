"""What a run says last: counts, paths, and the command that tells more."""

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from record_factory import runs

from mtlbench.cli.ending import ending, retyped
from mtlbench.leaderboards import build
from mtlbench.records import Summary

OPTIONS = {"weightings": ["constant", "a b"], "seeds": 6, "out": Path("my results"), "quiet": False, "controls": True}
FLAGS = {"weightings": "--weighting", "seeds": "--seeds", "out": "--out", "quiet": "--quiet", "controls": "--controls"}
CONTEXT: Any = SimpleNamespace(
    command_path="mtlbench run",
    command=SimpleNamespace(
        params=[
            *(SimpleNamespace(name=name, opts=[flag]) for name, flag in FLAGS.items()),
            *(SimpleNamespace(name=name, opts=[f"--{name}"]) for name in ("epochs", "overwrite")),
        ]
    ),
    params={**OPTIONS, "epochs": None, "overwrite": None},
    get_parameter_source=lambda name: SimpleNamespace(name="COMMANDLINE" if name in OPTIONS else "DEFAULT"),
)
TYPED = "mtlbench run --weighting constant --weighting 'a b'"
END = "--out 'my results' --controls"


def last_lines(seeds: int, statuses: list[str], best: int) -> list[str]:
    """Of a study of ten epochs."""
    plan: Any = SimpleNamespace(seeds=tuple(range(seeds)), training=SimpleNamespace(epochs=10))
    summaries = [
        Summary.model_construct(
            cell=str(i), method="a", status=status, training={"epochs": 10}, best_epoch={"train": best}
        )
        for i, status in enumerate(statuses)
    ]
    tables = build([*runs("PLE", [0.7] * seeds), *runs("A-PLE", [0.71] * seeds)])
    boards = [board for table in tables for board in table.boards]
    return list(ending(plan, Path("my results"), summaries, boards, partial(retyped, CONTEXT)))


@pytest.mark.parametrize(
    ("seeds", "statuses", "best", "following"),
    [
        (6, ["done"] * 3, 4, "mtlbench report 'my results'"),
        (3, ["done"] * 3, 4, f"{TYPED} --seeds 6 {END}"),
        (6, ["done"] * 3, 10, f"{TYPED} --seeds 6 {END} --epochs 40"),
        (3, ["done", "failed", "not-applicable"], 10, f"{TYPED} --seeds 6 {END} --overwrite failed"),
    ],
)
def test_the_next_command_is_what_was_typed_with_what_is_missing(
    seeds: int, statuses: list[str], best: int, following: str
) -> None:
    assert last_lines(seeds, statuses, best)[-1] == f"next    {following}"


def test_cells_are_counted_and_files_named() -> None:
    assert last_lines(6, ["done", "done", "failed", "not-applicable"], 4)[:-1] == [
        "4 cells: 2 done, 1 failed, 1 skipped as not applicable",
        "failed  my results/records has the tracebacks",
        "page    my results/leaderboard.md (all tables; --details prints them)",
        "report  my results/report.html (`mtlbench report 'my results'` writes it)",
    ]
