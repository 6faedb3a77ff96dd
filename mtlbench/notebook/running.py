"""Run a study from Python, and load results."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mtlbench.config.given import path_of, paths_of
from mtlbench.config.plan import Plan
from mtlbench.config.study import Study
from mtlbench.discovery import discover
from mtlbench.errors import UsageError
from mtlbench.experiments import runner
from mtlbench.experiments.executors import Where
from mtlbench.leaderboards import verdicts
from mtlbench.leaderboards.publishing import PageOptions, publish
from mtlbench.notebook.own import specs
from mtlbench.notebook.progress import progress, remark
from mtlbench.notebook.results import Results
from mtlbench.records import Summary


def run(
    datasets: Any = None,
    backbones: Any = None,
    weightings: Any = None,
    *,
    trackers: Any = None,
    config: Path | str | None = None,
    plugins: Path | str | Sequence[Path | str] = (),
    quiet: bool = False,
    **keys: Any,
) -> Results:
    """Train every combination once and give the results; what is recorded already does not run again.

    The same as ``mtlbench run``: it writes the same records and the same page.

    Example::

        results = mtlbench.run(weightings=["constant", "rmtl[lambda=0.5]"], backbones="mmoe", seeds=10, out="results")
        results.leaderboard()

    Args:
        datasets: specs such as ``"synthetic"`` or ``"kuairand[tasks=feedback]"``, classes, or a list of them; a data
            frame through :func:`mtlbench.table`.
        backbones: the same; ``"all"`` for all.
        weightings: the same.
        trackers: the same: tools that each cell which is trained is shown in, such as ``"mlflow[experiment=mine]"``.
        config: a study as TOML; what else is given overrides it.
        plugins: a file with plugins, or a list of them.
        quiet: show no progress.
        **keys: every other key of a study: ``seeds``, ``epochs``, ``out``, ``jobs``, ``preset``, ``trials``,
            ``objective``, ``learning_rate``, ``data_dir``, ...

    Raises:
        UsageError: a name, a key or a value is not valid; the message gives the remedy.
    """
    flags = {name: value for name, value in keys.items() if value is not None}
    files = paths_of("plugins", plugins, "the path of a .py file, or a list of them")
    named = {"datasets": datasets, "backbones": backbones, "weightings": weightings, "trackers": trackers}
    for kind, given in named.items():
        if given is not None:
            flags[kind], more = specs(kind, given)
            files += more
    file = None if config is None else path_of("config", config, "the path of a study file")
    study = Study.load(file, {**flags, "plugins": tuple(dict.fromkeys(files))})
    run_study(study, study.resolve(discover(study.files())), quiet)
    tables = publish(study.out, PageOptions(study.layout))
    for text in [] if quiet else verdicts([board for table in tables for board in table.boards]):
        remark(text)
    return load(study.out)


def run_study(study: Study, plan: Plan, quiet: bool = False) -> list[Summary]:
    """Run every cell of ``plan``, with progress; what became of each."""
    with progress(quiet) as listener:
        return runner.run(plan, overwrite=study.overwrite, listener=listener, where=Where.of(study))


def load(path: Path | str | Sequence[Path | str]) -> Results:
    """The results in a results folder, beside a leaderboard page, or in a list of them.

    Raises:
        UsageError: there are none, or one is unreadable.
    """
    paths = paths_of("path", path, "a results folder or a leaderboard page, or a list of them")
    if not paths:
        raise UsageError("no results are named; give a results folder or a leaderboard page")
    return Results.read(*paths)
