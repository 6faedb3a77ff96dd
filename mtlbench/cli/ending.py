"""How ``mtlbench run`` ends: what became of the cells, where the results are, and what to type next."""

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from mtlbench.config.plan import Plan
    from mtlbench.leaderboards import Board
    from mtlbench.records import Summary

MORE_EPOCHS = 4
"""Times the limit that cut most cells off."""


Again = Callable[[Mapping[str, object]], str]
"""Gives the command that was typed, with other values for some of its options."""


def ending(
    plan: "Plan", out: Path, summaries: "Sequence[Summary]", boards: "Sequence[Board]", again: Again | None
) -> Iterator[str]:
    """The last lines of a command that ran ``plan``.

    Args:
        plan: what was run.
        out: the results folder.
        summaries: what became of each cell.
        boards: those of the folder's page.
        again: types the command again; without it nothing is said of a next command.
    """
    from mtlbench.leaderboards.publishing import PAGE, STEM, file_of
    from mtlbench.text import counted

    statuses = [summary.status for summary in summaries]
    done, failed, skipped = (statuses.count(status) for status in ("done", "failed", "not-applicable"))
    yield f"{counted(len(statuses), 'cell')}: {done} done, {failed} failed, {skipped} skipped as not applicable"
    if failed:
        yield f"failed  {out / 'records'} has the tracebacks"
    report = shlex.join(["mtlbench", "report", str(out)])
    yield f"page    {file_of(out, STEM, PAGE)} (all tables; --details prints them)"
    yield f"report  {file_of(out, 'report', '.html')} (`{report}` writes it)"
    changes = _advice(plan, summaries, boards)
    if again is not None:
        yield f"next    {again(changes) if changes else report}"


def _advice(plan: "Plan", summaries: "Sequence[Summary]", boards: "Sequence[Board]") -> Mapping[str, object]:
    """The options with which the same command tells more; none where it told all."""
    from mtlbench.statistics import seeds_needed

    if any(summary.status == "failed" for summary in summaries):
        return {"overwrite": "failed"}
    changes: dict[str, object] = {}
    if len(plan.seeds) < seeds_needed() and any(board.tested for board in boards):
        changes["seeds"] = seeds_needed()
    if 2 * sum(summary.cut_off for summary in summaries) > sum(summary.status == "done" for summary in summaries):
        changes["epochs"] = MORE_EPOCHS * plan.training.epochs
    return changes


def retyped(context: typer.Context, changes: Mapping[str, object]) -> str:
    """The command of ``context`` as it was typed, with other values for some of its options."""
    words = context.command_path.split()
    for option in context.command.params:
        name = str(option.name)
        source = context.get_parameter_source(name)
        given = source is not None and source.name == "COMMANDLINE"
        value = changes.get(name, context.params[name] if given else None)
        for one in value if isinstance(value, list | tuple) else [value]:
            if one is not None and one is not False:
                words += [max(option.opts, key=len)] if one is True else [max(option.opts, key=len), str(one)]
    return shlex.join(words)
