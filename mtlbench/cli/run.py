"""``mtlbench run``."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mtlbench.cli.leaderboard_build import publish
from mtlbench.cli.output import PluginFiles, aligned, warn_of_broken
from mtlbench.errors import UsageError

if TYPE_CHECKING:
    from mtlbench.config.study import Plan, Study
    from mtlbench.discovery import Catalogue

SOME_CELL_FAILED = 1
INTERRUPTED = 130

Specs = list[str] | None


def _option(**settings: Any) -> Any:
    return typer.Option(show_default=False, **settings)


def run(
    dataset: Annotated[Specs, _option(metavar="SPEC", help="Datasets. [default: synthetic]")] = None,
    backbone: Annotated[Specs, _option(metavar="SPEC", help="Backbones. [default: all]")] = None,
    weighting: Annotated[Specs, _option(metavar="SPEC", help="Weightings. [default: rmtl]")] = None,
    seeds: Annotated[int | None, _option(metavar="N", help="Seeds 0 to N-1. [default: 3]")] = None,
    preset: Annotated[
        str | None,
        _option(metavar="quick|compact|paper", help="Network sizes and training. [default: quick]"),
    ] = None,
    epochs: Annotated[int | None, _option(metavar="N", help="Most epochs of a stage.")] = None,
    patience: Annotated[
        int | None, _option(metavar="N", help="Epochs without a better validation AUC that end a stage.")
    ] = None,
    batch_size: Annotated[int | None, _option(metavar="N", help="Training rows per step.")] = None,
    learning_rate: Annotated[float | None, _option(metavar="X", help="Adam's learning rate.")] = None,
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
    controls: Annotated[
        bool, typer.Option("--controls", help="Also run the control rows that the weightings name.")
    ] = False,
    budget: Annotated[
        str | None,
        _option(
            metavar="steps|seconds",
            help="Then run all cells again, each with the steps or seconds of the costliest method on its backbone.",
        ),
    ] = None,
    device: Annotated[str | None, _option(metavar="cpu|cuda|cuda:N", help="Where cells train. [default: cpu]")] = None,
    data_dir: Annotated[
        Path | None,
        _option(metavar="DIR", envvar="MTLBENCH_DATA", help="Folder of raw data. [default: ./data]"),
    ] = None,
    out: Annotated[Path | None, _option(metavar="DIR", help="Results folder. [default: ./results]")] = None,
    jobs: Annotated[int | None, _option(metavar="N", help="Cells trained at once. [default: number of cores]")] = None,
    executor: Annotated[
        str | None,
        _option(metavar="local|dask", help="Where: processes of this machine, or a Dask cluster. [default: local]"),
    ] = None,
    scheduler: Annotated[
        str | None, _option(metavar="ADDRESS", help="Address or scheduler file of the Dask cluster.")
    ] = None,
    checkpoint_every: Annotated[
        float | None,
        _option(
            metavar="SECONDS",
            help="How often a running cell is saved, to go on from there when it was killed. [default: 300]",
        ),
    ] = None,
    overwrite: Annotated[
        str | None,
        _option(metavar="never|failed|always", help="Recorded cells to run again. [default: never]"),
    ] = None,
    layout: Annotated[
        str | None, _option(metavar="methods|paper", help="Shape of the tables. [default: methods]")
    ] = None,
    plugin: PluginFiles = None,
    config: Annotated[Path | None, _option(metavar="FILE", help="Study as TOML; flags override its values.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the cells and train nothing.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress on stderr.")] = False,
) -> None:
    """Train every combination once and print the leaderboard.

    SPEC is NAME or NAME[PARAMETER=VALUE,...]. A|B crosses the values of a parameter, and hyphens join several numbers.
    SPEC options are repeatable and take comma-separated lists and `all`. What is recorded already does not run again.

    \b
    mtlbench run --weighting rmtl --backbone all
    mtlbench run --weighting 'constant,rmtl[lambda=0.5|0.7,gamma=0.9]' --backbone ple,mmoe --seeds 5
    mtlbench run --dataset kuairand --data-dir data --backbone 'ple[bottom=512-256]' --preset compact
    mtlbench run --weighting rmtl --backbone mmoe --controls --seeds 10
    mtlbench run --config study.toml --executor dask --scheduler tcp://head:8786 --out /shared/results
    mtlbench run --config study.toml --dry-run

    Exit codes: 0 ok, 1 some cell failed, 2 wrong use.
    """
    from mtlbench.config.study import Study
    from mtlbench.discovery import discover

    flags = {
        "datasets": dataset,
        "backbones": backbone,
        "weightings": weighting,
        "seeds": seeds,
        "preset": preset,
        "epochs": epochs,
        "patience": patience,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "precision": precision,
        "embedding_optimiser": embedding_optimiser,
        "controls": controls or None,
        "budget": budget,
        "device": device,
        "data_dir": data_dir,
        "out": out,
        "jobs": jobs,
        "executor": executor,
        "scheduler": scheduler,
        "checkpoint_every": checkpoint_every,
        "overwrite": overwrite,
        "layout": layout,
        "plugins": plugin,
    }
    study = Study.load(config, {name: value for name, value in flags.items() if value not in (None, [])})
    catalogue = discover(study.files())
    plan = study.resolve(catalogue)
    require_writable(study.out)
    warn_of_broken(catalogue.broken)
    if dry_run:
        _print_cells(study, plan, catalogue)
    else:
        _run(study, plan, quiet)


def _run(study: "Study", plan: "Plan", quiet: bool) -> None:
    from mtlbench import experiments
    from mtlbench.cli.progress import progress
    from mtlbench.experiments.executors import Where

    try:
        with progress(quiet) as listener:
            outcome = experiments.run(
                plan,
                out=study.out,
                overwrite=study.overwrite,
                listener=listener,
                where=Where(study.jobs, study.scheduler),
                checkpoint_every=study.checkpoint_every,
            )
    except KeyboardInterrupt:
        typer.echo("interrupted; the same command goes on with the cells that are left", err=True)
        raise typer.Exit(INTERRUPTED) from None
    publish(study.out, study.layout)
    if outcome.failed:
        typer.echo(f"{outcome.failed} of {len(outcome.heads)} cells failed; {study.out}/records has why", err=True)
        raise typer.Exit(SOME_CELL_FAILED)


def _print_cells(study: "Study", plan: "Plan", catalogue: "Catalogue") -> None:
    from mtlbench.config.parameters import spec_text
    from mtlbench.discovery import KINDS
    from mtlbench.experiments.expand import expand
    from mtlbench.records import RecordStore

    recorded = RecordStore(study.out).heads()
    rows = []
    for job in expand(plan, catalogue, study.out / "checkpoints"):
        cell = job.cell
        specs = {"dataset": cell.dataset, "backbone": cell.backbone, "weighting": cell.weighting}
        names = [spec_text(spec.name, job.changed.get(kind, {})) for kind, spec in specs.items()]
        state = f"not applicable: {job.not_applicable}" if job.not_applicable else ""
        rows.append([*names, str(cell.seed), "recorded" if cell.id in recorded else state])
    typer.echo(aligned([*KINDS, "seed", "state"], rows))
    typer.echo(f"{len(rows)} cells, {sum(row[-1] == 'recorded' for row in rows)} of them recorded already")


def require_writable(out: Path) -> None:
    """Make sure that results can be written to ``out``, without leaving a trace.

    Raises:
        UsageError: they cannot.
    """
    place = out.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise UsageError(
            f"cannot write to the results folder {out}: {place}: {error.strerror}; choose another folder with --out"
        ) from error
