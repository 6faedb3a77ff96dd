"""Training steps of ours, of the public style, and of bare products, timed in turns."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mtlbench.api import Split, Weighting
from mtlbench.benchmarking.interleaved import InterleavedWorker, SimultaneousWorkers, Turn
from mtlbench.benchmarking.public_style import in_public_style
from mtlbench.benchmarking.timed_work import (
    UNBOUNDED,
    WorkerSettings,
    flop_of_products,
    our_training,
    products,
    public_training,
    steps_per_pace,
)
from mtlbench.benchmarking.workload import workload
from mtlbench.cells import Training
from mtlbench.config.parameters import spec_text
from mtlbench.config.specs import Resolved
from mtlbench.experiments.applicability import Applicability

TURN_STEPS = 3
"""Steps of a training before the next worker takes its turn: the machine's load changes from second to second."""
WARM_UP = 20
"""Steps of ours before the first that counts: rows of an embedding table then have missed as many steps as ever."""
PUBLIC_WARM_UP = 3
COUNTED_ROWS = 64
"""Rows of the batch whose floating-point operations are counted: the count per row is the same for any batch."""


@dataclass(frozen=True)
class Measurement:
    """Medians over the turns of one backbone and weighting."""

    backbone: str
    weighting: str
    rows_per_second: float
    """Of our training, all its processes together."""
    ratio: float
    """Ours over the public style's, which trains the same backbone by the plain average of the losses."""
    fraction_of_limit: float
    """Floating-point operations per second that the public style would need for our rows, over those of bare float32
    products. Above 1 where ours gets by with fewer operations."""
    reference_rows_per_second: float
    limit_gigaflops: float
    """10^9 operations per second of bare products, in the shapes of the backbone's largest layer."""
    megaflop_per_row: float
    """10^6 operations, forwards and backwards."""
    peak_memory_mib: float
    """Of the processes that train, together."""
    reference_peak_memory_mib: float


@dataclass(frozen=True)
class Unmeasured:
    """A backbone and a weighting that cannot be measured."""

    backbone: str
    weighting: str
    reason: str


def measure(
    backbones: Sequence[Resolved],
    weightings: Sequence[Resolved],
    training: Training,
    *,
    threads: int = 1,
    jobs: int = 1,
    steps: int = 30,
    plugin_files: tuple[Path, ...] = (),
    device: str = "cpu",
    tasks: int = 2,
) -> Iterator[Measurement | Unmeasured]:
    """Measure every pair, one after the other.

    Args:
        backbones: in the order of the result.
        weightings: for each backbone.
        training: batch size, precision and embedding optimiser are read; epochs are not.
        threads: of the processor, for each process of ours.
        jobs: processes of ours that train at the same time, a cell each, as under ``run --jobs``. The reference and the
            bare products are one process, of ``jobs`` times as many threads.
        steps: of each training that count, in turns of ``TURN_STEPS``.
        plugin_files: where the plugins come from, beside the installed ones.
        device: of every worker; on a GPU each of ``steps`` is ``GPU_STEPS`` training steps.
        tasks: of the rows.
    """
    schema, applicability = workload(1, tasks=tasks).schema, Applicability()
    training = replace(training, epochs=UNBOUNDED, patience=UNBOUNDED)
    for backbone in backbones:
        fitting: list[Resolved] = []
        for weighting in weightings:
            reason = applicability.remark(schema, backbone, weighting) or _needs_a_cell(weighting.create())
            if reason is None:
                fitting.append(weighting)
            else:
                yield Unmeasured(_text(backbone), _text(weighting), reason)
        if fitting:
            setting = WorkerSettings(backbone.spec, training, threads, plugin_files, device, tasks)
            yield from _measure(setting, jobs, backbone, fitting, -(-steps // TURN_STEPS))


def _needs_a_cell(weighting: Weighting) -> str | None:
    start = weighting.warm_start()
    if start is None:
        return None
    return (
        f"{weighting.label} continues from a trained cell of {start.weighting}, which `mtlbench run` trains; a "
        "benchmark starts afresh"
    )


def _measure(
    setting: WorkerSettings, jobs: int, backbone: Resolved, weightings: Sequence[Resolved], turns: int
) -> Iterator[Measurement]:
    rows = workload(COUNTED_ROWS, tasks=setting.tasks)
    network = in_public_style(setting.network(setting.catalogue(), rows.schema))
    sizes = (setting.training.batch_size, *_largest_layer(network))
    flop, threads = flop_per_row(network, rows.train), jobs * setting.threads
    with ExitStack() as stack:
        public = stack.enter_context(InterleavedWorker(public_training, replace(setting, threads=threads)))
        bare = stack.enter_context(InterleavedWorker(products, sizes, threads, setting.device))
        public.take_turn(PUBLIC_WARM_UP)
        bare.take_turn(TURN_STEPS)
        for weighting in weightings:
            with SimultaneousWorkers(jobs, our_training, setting, weighting.spec) as ours:
                ours.take_turn(WARM_UP)
                rounds = [
                    (ours.take_turn(TURN_STEPS), public.take_turn(TURN_STEPS), bare.take_turn(TURN_STEPS))
                    for _ in range(turns)
                ]
            steps = steps_per_pace(setting.device)
            rates = [
                (
                    steps * setting.training.batch_size * sum(1 / _step(each) for each in own),
                    steps * setting.training.batch_size / _step(theirs),
                    steps * flop_of_products(sizes) / _step(limit),
                )
                for own, theirs, limit in rounds
            ]
            yield Measurement(
                backbone=_text(backbone),
                weighting=_text(weighting),
                rows_per_second=median(own for own, _, _ in rates),
                ratio=median(own / theirs for own, theirs, _ in rates),
                fraction_of_limit=median(own * flop / limit for own, _, limit in rates),
                reference_rows_per_second=median(theirs for _, theirs, _ in rates),
                limit_gigaflops=median(limit for _, _, limit in rates) / 1e9,
                megaflop_per_row=flop / 1e6,
                peak_memory_mib=sum(each.peak_memory_mib for each in rounds[-1][0]),
                reference_peak_memory_mib=rounds[-1][1].peak_memory_mib,
            )


def flop_per_row(network: nn.Module, split: Split) -> float:
    """Floating-point operations of the matrix products of a training step, forwards and backwards, for each row."""
    network.train()
    with FlopCounterMode(display=False) as counter:
        network(split.inputs).sum().backward()
    network.zero_grad()
    return counter.get_total_flops() / len(split.labels)


def _largest_layer(network: nn.Module) -> tuple[int, int]:
    """Inputs and outputs of the linear layer with the most parameters; of a network without any, those of one."""
    layers = [module for module in network.modules() if isinstance(module, nn.Linear)]
    largest = max(layers, key=lambda layer: layer.weight.numel(), default=None)
    return (1, 1) if largest is None else (largest.in_features, largest.out_features)


def _step(turn: Turn) -> float:
    return median(turn.seconds)


def _text(plugin: Resolved) -> str:
    return spec_text(plugin.entry.name, plugin.changed)
