"""What is timed: a training step of ours, one in the public style, and the products of matrices of a layer.

Each runs in a process of its own, as its users run it: ours with the settings of a cell, the public one with torch's
defaults. Each works for ever and calls ``pace()`` after every step, in which it may be made to wait for the others.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import torch

from mtlbench.api import Backbone, Schema, Splits
from mtlbench.benchmarking.peers import Peer
from mtlbench.benchmarking.public_style import in_public_style, public_losses
from mtlbench.benchmarking.workload import workload
from mtlbench.cells import PluginSpec, Training
from mtlbench.discovery import Catalogue, discover
from mtlbench.experiments.process import prepare_process
from mtlbench.training import BackboneTrainer
from mtlbench.training.gradients import PROBE_ROWS
from mtlbench.training.seeding import seeded

BATCHES = 40
"""Batches of an epoch."""
UNBOUNDED = 10**9
GPU_STEPS = 20
"""Steps that a GPU is timed over: the host runs ahead of it, and waiting for it at each step would slow both."""

Pace = Callable[[], None]


@dataclass(frozen=True)
class WorkerSettings:
    """All that the workers of one comparison share; it goes to their processes."""

    backbone: PluginSpec
    training: Training
    threads: int
    plugin_files: tuple[Path, ...] = ()
    device: str = "cpu"
    tasks: int = 2

    def catalogue(self) -> Catalogue:
        """The plugins."""
        return discover(self.plugin_files)

    def splits(self) -> Splits:
        """The data, on the CPU; few epochs of it end while steps are timed."""
        return workload(BATCHES * steps_per_pace(self.device) * self.training.batch_size, tasks=self.tasks)

    def network(self, catalogue: Catalogue, schema: Schema) -> Backbone:
        """The freshly initialised backbone on the CPU, the same for every worker."""
        with seeded(0, "initial parameters"):
            backbone: Backbone = catalogue.create("backbone", self.backbone, schema)
        return backbone


def our_training(setting: WorkerSettings, weighting: PluginSpec, pace: Pace) -> None:
    """Train by the harness's own loop, as :func:`mtlbench.experiments.run_cell.run_cell` does."""
    prepare_process(torch.device(setting.device))
    torch.set_num_threads(setting.threads)
    catalogue, splits = setting.catalogue(), setting.splits()
    method, done = catalogue.create("weighting", weighting), after_step(setting.device, pace)
    trainer = BackboneTrainer(
        setting.network(catalogue, splits.schema).to(setting.device),
        splits.to(torch.device(setting.device)),
        setting.training,
        0,
        dense="parameters" in method.needs,
        progress=lambda *_: done(),
    )
    with seeded(0, "weighting"):
        method.fit(trainer)


def public_training(setting: WorkerSettings, pace: Pace) -> None:
    """Train by the loop in the public style: the plain average, float32, torch's defaults."""
    torch.set_num_threads(setting.threads)
    splits, done = setting.splits(), after_step(setting.device, pace)
    network = in_public_style(setting.network(setting.catalogue(), splits.schema)).to(setting.device)
    for _ in public_losses(network, splits.train, setting.training.batch_size, setting.device):
        done()


def peer_training(setting: WorkerSettings, peer: Peer, pace: Pace) -> None:
    """Train by the loop in the public style, with a method of another library in place of the plain average."""
    torch.set_num_threads(setting.threads)
    splits, done = setting.splits(), after_step(setting.device, pace)
    network = in_public_style(setting.network(setting.catalogue(), splits.schema)).to(setting.device)
    method = peer.of(network, splits.train.inputs[:PROBE_ROWS].to(torch.device(setting.device)))
    for _ in public_losses(network, splits.train, setting.training.batch_size, setting.device, method):
        done()


def products(sizes: tuple[int, int, int], threads: int, device: str, pace: Pace) -> None:
    """The three products of a layer, forwards and backwards, as a cell multiplies float32 matrices.

    Args:
        sizes: samples, inputs and outputs.
        threads: of the processor.
        device: that multiplies.
        pace: called after each round of three, or after ``GPU_STEPS`` of them.
    """
    prepare_process(torch.device(device))
    torch.set_num_threads(threads)
    samples, inputs, outputs = sizes
    x, weight, gradient = (
        torch.randn(*shape, device=device) for shape in ((samples, inputs), (outputs, inputs), (samples, outputs))
    )
    results = torch.empty_like(gradient), torch.empty_like(x), torch.empty_like(weight)
    done = after_step(device, pace)
    while True:
        torch.mm(x, weight.t(), out=results[0])
        torch.mm(gradient, weight, out=results[1])
        torch.mm(gradient.t(), x, out=results[2])
        done()


def steps_per_pace(device: str) -> int:
    """Steps between two calls of ``pace``."""
    return 1 if device == "cpu" else GPU_STEPS


def after_step(device: str, pace: Pace) -> Pace:
    """To be called after every step: calls ``pace`` at the due ones, when the device has done them."""
    if device == "cpu":
        return pace
    steps = count(1)

    def done() -> None:
        if next(steps) % GPU_STEPS == 0:
            torch.cuda.synchronize(device)
            pace()

    return done


def flop_of_products(sizes: tuple[int, int, int]) -> int:
    """Floating-point operations of a round of :func:`products`."""
    samples, inputs, outputs = sizes
    return 3 * 2 * samples * inputs * outputs
