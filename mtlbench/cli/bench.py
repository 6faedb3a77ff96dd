"""``mtlbench bench``."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from mtlbench.cli.output import PluginFiles, say, stdout, table, warn_of_broken
from mtlbench.text import counted, one_line

if TYPE_CHECKING:
    from mtlbench.benchmarking import Measurement

Specs = Annotated[list[str], typer.Option(metavar="SPEC", help="Repeatable; comma-separated lists and `all`.")]


def bench(
    backbone: Specs = ["all"],  # noqa: B006 (typer copies defaults)
    weighting: Specs = ["constant"],  # noqa: B006
    preset: Annotated[str, typer.Option(metavar="quick|compact|paper", help="Sizes of the networks.")] = "paper",
    batch_size: Annotated[int, typer.Option(metavar="N", help="Rows per step.")] = 2048,
    precision: Annotated[
        str, typer.Option(metavar="float32|bfloat16", help="Precision of our training; the reference is in float32.")
    ] = "float32",
    threads: Annotated[
        int, typer.Option(metavar="N", min=1, help="Threads of a process; a cell of `run` has one.")
    ] = 1,
    jobs: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            help="Processes of ours at once, as `run --jobs`; the reference has N times the threads.",
        ),
    ] = 1,
    steps: Annotated[
        int, typer.Option(metavar="N", min=1, help="Steps timed of each training; on a GPU, 20 steps each.")
    ] = 30,
    tasks: Annotated[int, typer.Option(metavar="K", min=2, help="Binary tasks of the generated rows.")] = 2,
    device: Annotated[str, typer.Option(metavar="cpu|cuda", help="Where all programs train.")] = "cpu",
    processor_time: Annotated[
        bool,
        typer.Option(
            "--processor-time", help="Time the processor's work, not the clock: for a machine that is not idle."
        ),
    ] = False,
    plugin: PluginFiles = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON with all that was measured.")] = False,
) -> None:
    """Compare the speed of a training step on this machine with that of public code.

    Trains each backbone on generated rows (7 fields with 83,000 ids, 1 number, 2 tasks or --tasks) three ways, in
    turns: by the harness's own loop; by a reference loop, our own code in the style of public repositories, which
    trains the same network by the plain average of the losses; and, for the limit, bare float32 products of matrices.
    Figures are medians.

    Columns: training rows per second of ours; the reference and its rows per second; their ratio; the share of the
    limit, counted in the operations of the public style, so that it may exceed 100 % where ours needs fewer; its
    operations per row; peak memory of ours and of the reference. Methods that continue from a trained cell, such as
    rmtl, are left out.

    Methods of task gradients have a further row for each of the libraries TorchJD and LibMTL that Python can import and
    that has a method of the same name: the reference loop, with that library's backward pass.

    \b
    mtlbench bench
    mtlbench bench --backbone mmoe,ple --precision bfloat16
    mtlbench bench --backbone shared-bottom --weighting constant,pcgrad,mgda --json
    mtlbench bench --backbone shared-bottom --weighting pcgrad,upgrad --tasks 6 --processor-time
    mtlbench bench --jobs 2
    mtlbench bench --device cuda --steps 10
    """
    from mtlbench.benchmarking import Measurement, Unmeasured, measure
    from mtlbench.config.devices import EVERY_GPU
    from mtlbench.config.study import Study
    from mtlbench.discovery import discover
    from mtlbench.errors import UsageError

    flags = {
        "backbones": backbone,
        "weightings": weighting,
        "preset": preset,
        "batch_size": batch_size,
        "precision": precision,
        "device": device,
        "plugins": plugin or [],
    }
    if device == EVERY_GPU:
        raise UsageError(f"device {EVERY_GPU} spreads the cells of a study, and bench times one device; give cuda")
    study = Study.load(flags=flags)
    catalogue = discover(study.files())
    plan = study.resolve(catalogue)
    warn_of_broken(catalogue.broken)
    ((backbones, weightings),) = plan.grids
    found: list[Measurement] = []
    refused: list[Unmeasured] = []
    for outcome in measure(
        backbones,
        weightings,
        plan.training,
        threads=threads,
        jobs=jobs,
        steps=steps,
        plugin_files=plan.settings.plugin_files,
        device=plan.settings.device,
        tasks=tasks,
        processor_time=processor_time,
    ):
        if isinstance(outcome, Measurement):
            found.append(outcome)
            figures = f"{outcome.rows_per_second:,.0f} rows/s, {outcome.ratio:.2f} times {outcome.reference}"
            say(f"{outcome.backbone} {outcome.weighting}: {figures}", err=True)
        else:
            refused.append(outcome)
            say(f"left out {outcome.backbone} {outcome.weighting}: {one_line(outcome.reason)}", err=True)
    if not found:
        raise UsageError("there is nothing to measure: " + "; ".join(dict.fromkeys(each.reason for each in refused)))
    if as_json:
        say(json.dumps([asdict(each) for each in found], indent=2))
    else:
        _print(found, threads, jobs, plan.settings.device)


def _print(found: "Iterable[Measurement]", threads: int, jobs: int, device: str) -> None:
    import torch

    heads = ["backbone", "weighting", "rows/s", "beside", "rows/s", "ratio", "limit", "MFLOP", "MiB", "MiB"]
    rows = [
        [
            each.backbone,
            each.weighting,
            f"{each.rows_per_second:,.0f}",
            each.reference.partition(" ")[0],
            f"{each.reference_rows_per_second:,.0f}",
            f"{each.ratio:.2f}",
            f"{each.fraction_of_limit:.0%}",
            f"{each.megaflop_per_row:.1f}",
            f"{each.peak_memory_mib:,.0f}",
            f"{each.reference_peak_memory_mib:,.0f}",
        ]
        for each in found
    ]
    console = stdout()
    console.print(table(heads, rows))
    rates = sorted({round(each.limit_gigaflops) for each in found})
    limits = " to ".join(f"{rate:,.0f}" for rate in dict.fromkeys((rates[0], rates[-1])))
    name = "" if device == "cpu" else f", {torch.cuda.get_device_name(device)}"
    ours = (
        counted(threads, "thread")
        if jobs == 1
        else f"{jobs} processes of {counted(threads, 'thread')}, reference {counted(jobs * threads, 'thread')}"
    )
    console.print(f"\ntorch {torch.__version__}{name}, {ours}; float32 products: {limits} GFLOP/s")
