"""``mtlbench init``."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtlbench.cli.data.common import OwnFile, Tasks, description_of, print_profile
from mtlbench.cli.output import PluginFiles, find_plugins, say, warn_of_broken
from mtlbench.cli.report import report
from mtlbench.cli.run import INTERRUPTED, run_study_and_show
from mtlbench.errors import DataError, UsageError
from mtlbench.scaffold import project
from mtlbench.text import counted

if TYPE_CHECKING:
    from mtlbench.api import Description

FEWEST_TASKS = 2
RESULT = "--seeds 10 --epochs 40 --patience 5"
"""What a study needs besides, for a result."""


def _with_default(what: str, specs: Sequence[str]) -> str:
    return f"{what}. [default: {','.join(specs)}]"


def init(
    file: OwnFile,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the project: a new or an empty one.")],
    task: Tasks = None,
    backbones: Annotated[
        list[str] | None,
        typer.Option(
            "--backbone", metavar="SPEC", show_default=False, help=_with_default("Backbones", project.BACKBONES)
        ),
    ] = None,
    weightings: Annotated[
        list[str] | None,
        typer.Option(
            "--weighting", metavar="SPEC", show_default=False, help=_with_default("Weightings", project.WEIGHTINGS)
        ),
    ] = None,
    no_run: Annotated[bool, typer.Option("--no-run", help="Write the files and train nothing.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Write into a folder with files: log.toml and study.toml are replaced.")
    ] = False,
    plugins: PluginFiles = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress on stderr.")] = False,
) -> None:
    """Make a project of your own log: describe it, compare a few methods, and write the page.

    DIR gets log.toml (what each column means), study.toml (what is run) and results/ (records, leaderboard, report).
    FILE stays where it is. All of its rows are used; a larger log has fewer epochs. The command prints the tasks that
    it finds, and the use of each column, or why it is left out. If it finds fewer than two tasks, nothing is written.

    \b
    mtlbench init my_log.csv --out my_study
    mtlbench init my_log.csv --out my_study --task click --task 'rating>=4' --task 'plan==gold'
    mtlbench init logs/ --out my_study --weighting constant,scalarization,rmtl --backbone mmoe
    mtlbench init my_log.csv --out my_study --no-run

    Exit codes: 0 ok, 1 some cell failed, 2 wrong use.
    """
    from mtlbench.config.study import Study

    study_file = out / project.STUDY
    command = f"mtlbench run --config {shlex.quote(str(study_file))}"
    command += "".join(f" --plugin {shlex.quote(str(plugin))}" for plugin in plugins or ())
    project.require_apart(out, file)
    if not force:
        project.require_free(out, command)
    catalogue = find_plugins(plugins)
    description = description_of(file, out, task or (), catalogue)
    print_profile(description)
    _require_study(description, file, out)
    spec = description.spec.format(path=project.DESCRIPTION)
    study = project.first_study(spec, description.rows, backbones or (), weightings or ())
    Study.load(None, study).resolve(catalogue)
    project.write_project(out, description.draft, project.study_text(study, command, description.rows))
    say(f"wrote {out / project.DESCRIPTION}, what each column means, and {study_file}, what is run", err=True)
    if no_run or description.rows > project.LARGEST:
        if not no_run:
            say(f"{description.rows:,} rows take long even for one epoch, so nothing is run yet", err=True)
        say(f"next: check {out / project.DESCRIPTION}, then {command}", err=True)
        return
    try:
        code = _run(study_file, plugins, quiet)
    except DataError as error:
        raise DataError(f"{error}; then: {command}") from error
    if code == INTERRUPTED:
        say(f"here that is: {command}", err=True)
        raise typer.Exit(code)
    report(out / project.RESULTS, title=file.name)
    say(f"next: check {out / project.DESCRIPTION}: each input must be known before the outcome is; then", err=True)
    say(f"  {command} {RESULT}", err=True)
    raise typer.Exit(code)


def _run(study: Path, plugins: list[Path] | None, quiet: bool) -> int:
    """Do what ``mtlbench run --config`` does; its exit code."""
    from mtlbench.config.study import Study

    read, catalogue = Study.load(study, {"plugins": tuple(plugins or ())}), find_plugins(plugins)
    warn_of_broken(catalogue.broken)
    try:
        run_study_and_show(read, read.resolve(catalogue), quiet)
    except typer.Exit as end:
        return end.exit_code
    return 0


def _require_study(description: "Description", file: Path, out: Path) -> None:
    """Refuse a file on which no study can be run as it is described."""
    if description.obstacles:
        shown = f"mtlbench data describe {shlex.quote(str(file))}"
        raise UsageError(f"{'; '.join(description.obstacles)}. `{shown}` shows the draft")
    found = list(description.tasks)
    if len(found) >= FEWEST_TASKS:
        return
    known = f": {', '.join(found)}" if found else ""
    more = f" These may be tasks: {', '.join(description.candidates)}." if description.candidates else ""
    raise UsageError(
        f"{file}: {counted(len(found), 'task')} found{known}; a weighting needs two or more.{more} Name all tasks, "
        f"each a column or a rule over one, such as: {_example(file, out, [*found, *description.candidates])}"
    )


def _example(file: Path, out: Path, names: Sequence[str]) -> str:
    missing = ["COLUMN", "COLUMN>=NUMBER"][len(names) :]
    tasks = [f"--task {shlex.quote(name)}" for name in (*names, *missing)]
    return f"mtlbench init {shlex.quote(str(file))} --out {shlex.quote(str(out))} {' '.join(tasks)}"
