"""What is said of the budget: the plan before it is spent, and what a larger one would tell."""

import textwrap

from mtlbench.advice.budget import Budget
from mtlbench.advice.planning import Pace, Plan, whole_minutes
from mtlbench.text import counted


def announcement(plan: Plan | None, pace: Pace, budget: Budget, baseline: str) -> str:
    """The plan, in lines."""
    spent = f"{budget.spent / 60:.1f} of {budget.seconds / 60:g} min are spent."
    first = f"One training under constant weights takes {pace.cell:.1f} s. {spent}"
    if plan is None:
        return f"{first} The rest has no room for a comparison."
    how = f"each tuned over {counted(plan.trials, 'trial')}" if plan.trials else "at their defaults"
    more = "more trainings" if plan.done else "trainings"
    width = max(len(name) for name in (baseline, *(one.name for one in plan.rivals)))
    lines = [
        first,
        f"Plan: {baseline} and {counted(len(plan.rivals), 'other weighting')}, {how}, "
        f"{counted(plan.seeds, 'paired seed')}: at most {plan.cells} {more}, {plan.pace.jobs} at a time, "
        f"about {whole_minutes(plan.seconds)} min.",
        f"  {baseline.ljust(width)}  what the others are measured against",
        *(
            f"  {one.name.ljust(width)}  {one.why} (a training takes about {one.cost:.1f} times as long)"
            for one in plan.rivals
        ),
    ]
    if plan.left_out:
        lines.append(f"No room for {', '.join(one.name for one in plan.left_out)}.")
    return "\n".join(textwrap.fill(line, 100, subsequent_indent=" " * (width + 4)) for line in lines)


def shortage(first: Plan | None, pace: Pace, budget: Budget) -> str:
    """Why there is no comparison, and which budget has room for one."""
    if first is None:
        return "No weighting that is installed fits this log and backbone, so there is nothing to compare."
    needed = Plan(first.rivals, first.trials, first.seeds, Pace(pace.cell, pace.start, first.pace.jobs))
    enough = whole_minutes(max(budget.spent, budget.seconds) + needed.seconds)
    return (
        f"{budget.seconds / 60:g} min cannot tell: {first.seeds} paired seeds, which a test needs, of "
        f"{counted(len(first.rivals) + 1, 'weighting')} do not fit. The same command with --minutes {enough} goes on "
        "from here."
    )
