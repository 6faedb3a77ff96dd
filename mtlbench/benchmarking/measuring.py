"""Training steps of ours, of the public style, of other libraries and of bare products, timed in turns."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from statistics import median

from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mtlbench.api import Split, Weighting
from mtlbench.benchmarking.interleaved import InterleavedWorker, SimultaneousWorkers, Turn
from mtlbench.benchmarking.measurement import PUBLIC, Measurement, Unmeasured
from mtlbench.benchmarking.peers import libraries, peer
from mtlbench.benchmarking.public_style import in_public_style
from mtlbench.benchmarking.timed_work import (
    UNBOUNDED,
    WorkerSettings,
    flop_of_products,
    our_training,
    peer_training,
    products,
    public_training,
    steps_per_pace,
)
from mtlbench.benchmarking.workload import workload
from mtlbench.cells import Training
from mtlbench.config.parameters import spec_text
from mtlbench.config.specs import Resolved
from mtlbench.errors import MtlbenchError, TrainingError, UsageError, said_of
from mtlbench.experiments.applicability import Applicability

TURN_STEPS = 3
"""Steps of a training before the next worker takes its turn: the machine's load changes from second to second."""
WARM_UP = 20
"""Steps of ours before the first that counts: rows of an embedding table then have missed as many steps as ever."""
PUBLIC_WARM_UP = 3
COUNTED_ROWS = 64
"""Rows of the batch whose floating-point operations are counted: the count per row is the same for any batch."""


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
    processor_time: bool = False,
) -> Iterator[Measurement | Unmeasured]:
    """Measure every pair, one after the other, also beside each installed library that has the same weighting.

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
        processor_time: time the processor's work for each training, in place of the clock.

    Raises:
        UsageError: processor time is asked for of what is not one thread on a CPU.
    """
    if processor_time and (device != "cpu" or threads * jobs > 1):
        raise UsageError("processor time compares trainings on a CPU, of one thread and one job each")
    clock = attrgetter("processor_seconds" if processor_time else "seconds")
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
            yield from _measure(setting, jobs, backbone, fitting, -(-steps // TURN_STEPS), clock)


def _needs_a_cell(weighting: Weighting) -> str | None:
    start = weighting.warm_start()
    if start is None:
        return None
    return (
        f"{weighting.label} continues from a trained cell of {start.weighting}, which `mtlbench run` trains; a "
        "benchmark starts afresh"
    )


def _measure(
    setting: WorkerSettings,
    jobs: int,
    backbone: Resolved,
    weightings: Sequence[Resolved],
    turns: int,
    clock: Callable[[Turn], Sequence[float]],
) -> Iterator[Measurement | Unmeasured]:
    rows = workload(COUNTED_ROWS, tasks=setting.tasks)
    try:
        network = in_public_style(setting.network(setting.catalogue(), rows.schema))
        flop = flop_per_row(network, rows.train)
    except Exception as error:  # of a plugin: the other backbones are measured
        yield from (Unmeasured(_text(backbone), _text(each), said_of(error)) for each in weightings)
        return
    sizes = (setting.training.batch_size, *_largest_layer(network))
    single, steps = replace(setting, threads=jobs * setting.threads), steps_per_pace(setting.device)

    def rates(amount: float, turns: Sequence[Sequence[Turn]]) -> list[float]:
        """Of each turn, with ``amount`` done in each step of each process."""
        return [sum(steps * amount / median(clock(process)) for process in turn) for turn in turns]

    with ExitStack() as stack:
        public = stack.enter_context(InterleavedWorker(public_training, single))
        bare = stack.enter_context(InterleavedWorker(products, sizes, single.threads, setting.device))
        public.take_turn(PUBLIC_WARM_UP)
        bare.take_turn(TURN_STEPS)
        for weighting in weightings:
            try:
                with SimultaneousWorkers(jobs, our_training, setting, weighting.spec) as ours, ExitStack() as peers:
                    ours.take_turn(WARM_UP)
                    others, refused = _other_libraries(peers, single, backbone, weighting)
                    yield from refused
                    references = {PUBLIC: public, **others}
                    rounds = [
                        (
                            ours.take_turn(TURN_STEPS),
                            *([each.take_turn(TURN_STEPS)] for each in (bare, *references.values())),
                        )
                        for _ in range(turns)
                    ]
            except TrainingError as error:
                yield Unmeasured(_text(backbone), _text(weighting), str(error))
                continue
            of_ours, of_bare, *of_references = zip(*rounds, strict=True)
            own, limit = rates(setting.training.batch_size, of_ours), rates(flop_of_products(sizes), of_bare)
            for name, of_reference in zip(references, of_references, strict=True):
                theirs = rates(setting.training.batch_size, of_reference)
                yield Measurement(
                    backbone=_text(backbone),
                    weighting=_text(weighting),
                    rows_per_second=median(own),
                    ratio=median(one / other for one, other in zip(own, theirs, strict=True)),
                    fraction_of_limit=median(one * flop / most for one, most in zip(own, limit, strict=True)),
                    reference_rows_per_second=median(theirs),
                    limit_gigaflops=median(limit) / 1e9,
                    megaflop_per_row=flop / 1e6,
                    peak_memory_mib=sum(each.peak_memory_mib for each in of_ours[-1]),
                    reference_peak_memory_mib=of_reference[-1][0].peak_memory_mib,
                    reference=name,
                )


def _other_libraries(
    stack: ExitStack, setting: WorkerSettings, backbone: Resolved, weighting: Resolved
) -> tuple[dict[str, InterleavedWorker], list[Unmeasured]]:
    """Trainings by the same weighting of other libraries, ready for their turns, and why some are not."""
    ready: dict[str, InterleavedWorker] = {}
    refused: list[Unmeasured] = []
    method = weighting.create()
    for package in libraries(method):
        try:
            if (found := peer(package, method, setting.tasks)) is not None:
                worker = stack.enter_context(InterleavedWorker(peer_training, setting, found))
                worker.take_turn(PUBLIC_WARM_UP)
                ready[found.label] = worker
        except MtlbenchError as error:
            refused.append(Unmeasured(_text(backbone), f"{_text(weighting)} beside {package}", str(error)))
    return ready, refused


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


def _text(plugin: Resolved) -> str:
    return spec_text(plugin.entry.name, plugin.changed)
