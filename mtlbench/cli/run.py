"""``mtlbench run``."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mtlbench.cli import completion
from mtlbench.cli.ending import Again, ending, retyped
from mtlbench.cli.output import PluginFiles, aligned, print_leaderboard, say, warn_of_broken
from mtlbench.text import counted

if TYPE_CHECKING:
    from mtlbench.config.plan import Plan
    from mtlbench.config.study import Study
    from mtlbench.discovery import Catalogue

SOME_CELL_FAILED = 1
INTERRUPTED = 130

Specs = list[str] | None


def _option(*names: str, **settings: Any) -> Any:
    return typer.Option(*names, show_default=False, **settings)


def _specs(kind: str, help: str) -> Any:
    return _option(f"--{kind}", metavar="SPEC", help=help, autocompletion=completion.specs(kind))


def run(
    context: typer.Context,
    datasets: Annotated[Specs, _specs("dataset", help="Datasets. [default: synthetic]")] = None,
    backbones: Annotated[Specs, _specs("backbone", help="Backbones. [default: all]")] = None,
    weightings: Annotated[Specs, _specs("weighting", help="Weightings. [default: rmtl]")] = None,
    seeds: Annotated[int | None, _option(metavar="N", help="Seeds 0 to N-1. [default: 3]")] = None,
    preset: Annotated[
        str | None,
        _option(metavar="quick|compact|paper", help="Network sizes and training. [default: quick]"),
    ] = None,
    epochs: Annotated[int | None, _option(metavar="N", help="Most epochs of a stage. [default: the preset's]")] = None,
    patience: Annotated[
        int | None,
        _option(metavar="N", help="A stage ends after N validations without a better score. [default: the preset's]"),
    ] = None,
    batch_size: Annotated[int | None, _option(metavar="N", help="Rows per step. [default: the preset's]")] = None,
    learning_rate: Annotated[float | None, _option(metavar="X", help="Adam's learning rate. [default: 0.001]")] = None,
    schedule: Annotated[
        str | None,
        _option(metavar="constant|linear|cosine", help="How the learning rate falls over a stage. [default: constant]"),
    ] = None,
    weight_decay: Annotated[
        float | None, _option(metavar="X", help="L2 penalty on layers and on the embedding rows read. [default: 0]")
    ] = None,
    dropout: Annotated[
        float | None, _option(metavar="P", help="Dropout after every hidden layer. [default: 0.2]")
    ] = None,
    embedding_dropout: Annotated[
        float | None, _option(metavar="P", help="Dropout of the embedded inputs. [default: 0]")
    ] = None,
    embedding: Annotated[
        int | None, _option(metavar="N", help="Width of each field's embedding. [default: the preset's]")
    ] = None,
    min_count: Annotated[
        int | None, _option(metavar="N", help="Ids in fewer than N training rows count as unknown. [default: 1]")
    ] = None,
    precision: Annotated[
        str | None, _option(metavar="float32|bfloat16", help="Precision of the networks. [default: float32]")
    ] = None,
    embedding_optimiser: Annotated[
        str | None,
        _option(
            metavar="adam|sparse-adam|rowwise-adagrad",
            help="Update of embedding tables; adam is exact. [default: adam]",
        ),
    ] = None,
    objective: Annotated[
        str | None,
        _option(
            metavar="mean|delta-m|TASK=WEIGHT,...",
            help="What chooses epochs on validation: the mean over tasks, the gain over single-task networks, or a "
            "weighted mean. [default: mean]",
        ),
    ] = None,
    validate_every: Annotated[
        str | None,
        _option(metavar="N [epochs|steps]", help="Epochs or steps between two validations. [default: 1 epoch]"),
    ] = None,
    controls: Annotated[
        bool | None, _option("--controls", help="Also run control rows, such as a method without one of its parts.")
    ] = None,
    budget: Annotated[
        str | None,
        _option(
            metavar="steps|seconds",
            help="Afterwards run all cells again, each with the steps or seconds of its backbone's costliest method.",
        ),
    ] = None,
    trials: Annotated[
        int | None,
        _option(
            metavar="N",
            help="Tune every method on validation over N settings, and report it beside its defaults. [default: 0]",
        ),
    ] = None,
    searches: Annotated[
        int | None, _option(metavar="R", help="Do the whole search R times, with other settings. [default: 1]")
    ] = None,
    halving: Annotated[
        bool | None,
        _option(
            "--halving",
            help="Train all trials for a fifth of the epochs, and only the best quarter of them to the end.",
        ),
    ] = None,
    space: Annotated[
        Path | None, _option(metavar="FILE", help="TOML file of ranges to search, which replace those declared.")
    ] = None,
    device: Annotated[
        str | None,
        _option(metavar="cpu|cuda|cuda:N|cuda:all", help="Where cells train; all: on every GPU. [default: cpu]"),
    ] = None,
    data_dir: Annotated[
        Path | None,
        _option(metavar="DIR", envvar="MTLBENCH_DATA", help="Folder of raw data. [default: ./data]"),
    ] = None,
    out: Annotated[Path | None, _option(metavar="DIR", help="Results folder. [default: ./results]")] = None,
    jobs: Annotated[
        int | None,
        _option(metavar="N", help="Cells trained at once; of cuda:all, on each GPU. [default: number of cores]"),
    ] = None,
    executor: Annotated[
        str | None,
        _option(metavar="local|dask", help="Run on this machine or on a Dask cluster. [default: local]"),
    ] = None,
    scheduler: Annotated[
        str | None, _option(metavar="ADDRESS", help="Address or scheduler file of the Dask cluster.")
    ] = None,
    checkpoint_every: Annotated[
        float | None,
        _option(
            metavar="SECONDS",
            help="How often a running cell is saved; if it is killed, it goes on from there. [default: 300]",
        ),
    ] = None,
    overwrite: Annotated[
        str | None,
        _option(
            metavar="never|failed|always", help="Recorded cells to run again: always after new code. [default: never]"
        ),
    ] = None,
    layout: Annotated[
        str | None, _option(metavar="methods|paper", help="Shape of the tables. [default: methods]")
    ] = None,
    trackers: Annotated[
        Specs, _specs("tracker", help="Also show each trained cell in this tool, such as mlflow.")
    ] = None,
    plugins: PluginFiles = None,
    config: Annotated[Path | None, _option(metavar="FILE", help="Study as TOML; flags override its values.")] = None,
    details: Annotated[
        bool, typer.Option("--details", help="Print all tables of the page, not only the main ones.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the cells and train nothing.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress on stderr.")] = False,
) -> None:
    """Train every combination once, print the leaderboard and say what it shows.

    SPEC is NAME or NAME[PARAMETER=VALUE,...]. A|B runs both values of a parameter; 512-256 is one value, a list of
    numbers. SPEC options are repeatable and take comma-separated lists and `all`. Cells that have a record do not run
    again.

    \b
    mtlbench run --weighting rmtl --backbone all
    mtlbench run --weighting 'constant,rmtl[lambda=0.5|0.7,gamma=0.9]' --backbone ple,mmoe --seeds 5
    mtlbench run --dataset kuairand --data-dir data --backbone 'ple[bottom=512-256]' --preset compact
    mtlbench run --backbone mmoe --weight-decay 1e-6 --schedule cosine --dropout 0.3 --embedding 32
    mtlbench run --weighting rmtl --backbone mmoe --controls --seeds 10
    mtlbench run --weighting constant,scalarization,rmtl --backbone mmoe --trials 20 --seeds 10
    mtlbench run --config study.toml --executor dask --scheduler tcp://head:8786 --out /shared/results
    mtlbench run --config study.toml --device cuda:all --jobs 2
    mtlbench run --config study.toml --dry-run

    Exit codes: 0 ok, 1 some cell failed, 2 wrong use.
    """
    given = locals()
    from mtlbench.config.study import Study
    from mtlbench.discovery import discover

    # An option of the command is a key of a study file, of the same name.
    flags = {name: value for name, value in given.items() if name in Study.model_fields and value not in (None, [])}
    study = Study.load(config, flags)
    catalogue = discover(study.files())
    plan = study.resolve(catalogue)
    warn_of_broken(catalogue.broken)
    if dry_run:
        _print_cells(plan, catalogue)
    else:
        run_study_and_show(study, plan, quiet, details, partial(retyped, context))


def run_study_and_show(
    study: "Study", plan: "Plan", quiet: bool, details: bool = False, again: Again | None = None
) -> None:
    """Run ``study``, print its leaderboard, and say how it ended and, where ``again`` types a command, what is next.

    Raises:
        typer.Exit: it was interrupted, or a cell failed.
    """
    from mtlbench.leaderboards.publishing import PageOptions, publish
    from mtlbench.notebook.running import run_study

    try:
        summaries = run_study(study, plan, quiet)
    except KeyboardInterrupt:
        say("interrupted; the same command goes on with the cells that are left", err=True)
        raise typer.Exit(INTERRUPTED) from None
    tables = publish(study.out, PageOptions(study.layout))
    print_leaderboard(tables, details)
    failed = any(summary.status == "failed" for summary in summaries)
    if failed or not quiet:
        boards = [board for table in tables for board in table.boards]
        for line in ending(plan, study.out, summaries, boards, again):
            say(line, err=True)
    if failed:
        raise typer.Exit(SOME_CELL_FAILED)


def _print_cells(plan: "Plan", catalogue: "Catalogue") -> None:
    from mtlbench.experiments.preview import preview
    from mtlbench.notebook.progress import later

    found = preview(plan, catalogue)
    cells = found.cells
    rows = [
        [one.dataset, one.backbone, one.weighting, str(one.seed), "recorded" if one.recorded else one.remark]
        for one in cells
    ]
    say(aligned(["dataset", "backbone", "weighting", "seed", "state"], rows))
    recorded = sum(cell.recorded for cell in cells)
    say(f"{counted(len(cells), 'cell')}, {recorded} of them recorded already{later(found.later)}")
