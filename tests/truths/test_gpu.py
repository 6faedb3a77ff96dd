"""What the CPU's path computes, a GPU's computes: these tests run where there is one."""

import copy
import math
import warnings
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from wide_splits import BACKBONES, l2_of_what_is_read, plain_loop, small_backbone, wide_splits

from mtlbench.api import Backbone, Inputs, Splits
from mtlbench.cells import Cell, PluginSpec, Training
from mtlbench.config.settings import RunSettings
from mtlbench.config.study import Study
from mtlbench.discovery import discover
from mtlbench.experiments.job import Job
from mtlbench.experiments.run_cell import load_splits, run_cell
from mtlbench.notebook.running import run_study
from mtlbench.records import RecordStore
from mtlbench.training import BackboneTrainer, optimiser
from mtlbench.training.embeddings.algorithms import EMBEDDING_OPTIMISERS
from mtlbench.training.model import Model
from mtlbench.training.seeding import derive
from mtlbench.training.stage import Batches

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device here")

CATALOGUE = discover(())
GPU = torch.device("cuda")
BATCH, ROWS, STEPS = 16, 250, 50
"""The last batch of an epoch is smaller than the others."""
WITHOUT_WAITING = ["constant", "dwa", "uncertainty", "uw-so", "gls", "rlw", "stch", "igb-v1", "igb-v2", "famo", "focal"]


@pytest.fixture(autouse=True, scope="module")
def float32_products():
    torch.set_float32_matmul_precision("highest")


@pytest.fixture(params=["whole tables", "rows read"])
def tables(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How embedding tables are updated: whole, as a GPU does with small ones, or row by row."""
    monkeypatch.setattr(optimiser, "GPU_DENSE_ELEMENTS", 0 if request.param == "rows read" else 1 << 26)
    return str(request.param)


def splits_on(device: torch.device = GPU) -> Splits:
    return wide_splits(ROWS).to(device)


def batches_of(epoch: int) -> list[Tensor]:
    return Batches(ROWS, BATCH, 0, GPU).epoch("train", epoch)


def trained(
    backbone: Backbone, splits: Splits, weighting: str = "constant", graphs: bool = True, **settings: object
) -> BackboneTrainer:
    """Two epochs by the harness's own loop."""
    training = Training(batch_size=BATCH, epochs=2, patience=2, **settings)
    backbone.replayable &= graphs
    trainer = BackboneTrainer(backbone, splits, training, 0)
    trainer.train(CATALOGUE.create("weighting", PluginSpec(weighting, {})))
    return trainer


@pytest.mark.parametrize("decay", [0.0, 0.02])
@pytest.mark.parametrize("name", BACKBONES)
def test_training_curves_agree_with_a_plain_loop_over_fifty_steps(name: str, decay: float, tables: str):
    splits = splits_on()
    backbone = small_backbone(name, splits, dropout=0.0).to(GPU)
    plain = copy.deepcopy(backbone)
    model = Model(backbone, splits, Training(batch_size=BATCH, weight_decay=decay))
    batches = [rows for epoch in range(1, 5) for rows in batches_of(epoch)][:STEPS]
    assert len(batches) == STEPS
    found = []
    for rows in batches:
        loss = model.step(rows, single=True).losses.mean()
        model.descend(loss)
        found.append(loss.item())
    expected = plain_loop(plain, splits, batches, penalty=l2_of_what_is_read(decay) if decay > 0 else None)
    torch.testing.assert_close(torch.tensor(found), torch.tensor(expected), atol=1e-5, rtol=1e-5)
    model.infer(splits.validation)
    for (key, fast), slow in zip(backbone.named_parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(fast, slow, atol=2e-5, rtol=1e-4, msg=lambda text, key=key: f"{key}: {text}")


@pytest.mark.parametrize("name", BACKBONES)
def test_a_gpu_and_a_cpu_train_to_the_same_scores(name: str, tables: str):
    """Dropout off: each device draws masks of its own."""
    scores = []
    for device in (torch.device("cpu"), GPU):
        splits = splits_on(device)
        scores.append(trained(small_backbone(name, splits, dropout=0.0).to(device), splits).score)
    assert scores[0] == pytest.approx(scores[1], abs=1e-3)


@pytest.mark.parametrize("norm", ["none", "batch"])
@pytest.mark.parametrize("name", BACKBONES)
def test_graphs_change_no_number(name: str, norm: str, tables: str):
    """Dropout on, also of embeddings, and a schedule; normalisation's running statistics included."""
    splits = splits_on()
    results = []
    for graphs in (False, True):
        backbone = small_backbone(name, splits, dropout=0.2, norm=norm).to(GPU)
        trained(backbone, splits, graphs=graphs, embedding_dropout=0.2, schedule="linear")
        results.append(backbone.state_dict())
    for key, eager in results[0].items():
        torch.testing.assert_close(
            results[1][key], eager, atol=1e-6, rtol=1e-5, msg=lambda text, key=key: f"{key}: {text}"
        )


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["shared-bottom", "ple"])
@pytest.mark.parametrize("weighting", ["pcgrad", "gradnorm", "nash-mtl", "graddrop", "adatask"])
def test_replayed_passes_of_the_tasks_change_no_number(weighting: str, name: str, precision: str, tables: str):
    """Nor is there a warning: they are recorded here, and give what the plain ones give."""
    splits, results = splits_on(), []
    for graphs in (False, True):
        backbone = small_backbone(name, splits, dropout=0.2, norm="batch").to(GPU)
        with warnings.catch_warnings():
            warnings.filterwarnings("error", "the passes of")
            trained(backbone, splits, weighting, graphs, embedding_dropout=0.2, precision=precision)
        results.append(backbone.state_dict())
    near = {"atol": 1e-5, "rtol": 1e-4} if precision == "float32" else {"atol": 2e-2, "rtol": 2e-2}
    for key, plain in results[0].items():
        torch.testing.assert_close(results[1][key], plain, **near, msg=lambda text, key=key: f"{key}: {text}")


@pytest.mark.parametrize("stages", [("constant", "pcgrad"), ("pcgrad", "constant", "pcgrad")])
def test_passes_are_recorded_beside_those_of_other_stages(stages: tuple[str, ...]):
    splits, results = splits_on(), []
    for graphs in (False, True):
        backbone = small_backbone("shared-bottom", splits, dropout=0.2).to(GPU)
        backbone.replayable &= graphs
        trainer = BackboneTrainer(backbone, splits, Training(batch_size=BATCH, epochs=2, patience=2), 0)
        with warnings.catch_warnings():
            warnings.filterwarnings("error", "the passes of")
            for number, weighting in enumerate(stages):
                trainer.train(CATALOGUE.create("weighting", PluginSpec(weighting, {})), f"stage {number}")
        results.append(backbone.state_dict())
    for key, plain in results[0].items():
        torch.testing.assert_close(results[1][key], plain, atol=1e-5, rtol=1e-4)


def test_passes_that_cannot_be_recorded_are_taken_one_by_one():
    """A pass that waits for the device cannot be recorded; the training goes on after that."""

    class Looking(BACKBONES["shared-bottom"]):  # type: ignore[misc]
        def forward(self, inputs: Inputs) -> Tensor:
            logits = super().forward(inputs)
            return logits if logits.detach().max().item() < 1e6 else 0 * logits

    splits = splits_on()
    backbone = Looking(splits.schema, Looking.Params(embedding=8, bottom=(16, 8), tower=(4,)))
    with pytest.warns(RuntimeWarning, match="are not replayed here"):
        assert math.isfinite(trained(backbone.to(GPU), splits, "pcgrad").score)


@pytest.mark.parametrize("weighting", WITHOUT_WAITING)
def test_the_host_waits_for_the_device_at_no_step(weighting: str, tables: str):
    steps = []

    def watch(stage: str, epoch: int, epochs: int, done: int, total: int, rate: float) -> None:
        steps.append(done)
        if done == 3:  # the first ones record the graphs and grow the tables
            torch.cuda.synchronize()
            torch.cuda.set_sync_debug_mode("error")
        elif done == total:  # validation waits
            torch.cuda.set_sync_debug_mode("default")

    splits, training = splits_on(), Training(batch_size=BATCH, epochs=1)
    trainer = BackboneTrainer(small_backbone("mmoe", splits).to(GPU), splits, training, 0, progress=watch)
    try:
        trainer.train(CATALOGUE.create("weighting", PluginSpec(weighting, {})))
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert steps == list(range(1, math.ceil(ROWS / BATCH) + 1))


@pytest.mark.parametrize("name", sorted(EMBEDDING_OPTIMISERS))
def test_embedding_optimisers_agree_with_their_own_on_a_cpu(name: str):
    """Every row is read in some steps and unread in others."""
    tables = []
    for device in ("cpu", "cuda"):
        random = torch.Generator().manual_seed(3)
        start = 0.05 * torch.randn(300, 4, generator=random, dtype=torch.float64)
        table = nn.Parameter(start.to(device))
        ours = EMBEDDING_OPTIMISERS[name](table, 1e-2)
        for _ in range(60):
            index = torch.randint(300, (20, 3), generator=random).to(device)
            upstream = torch.randn(20, 3, 4, generator=random, dtype=torch.float64).to(device)
            rows = ours.prepare(index)
            (F.embedding(rows.position, rows.values) * upstream).sum().backward()
            ours.step()
        ours.catch_up_all()
        tables.append(table.detach().cpu())
    torch.testing.assert_close(tables[1], tables[0], atol=1e-12, rtol=1e-9)


@pytest.mark.parametrize("weighting", ["constant", "pcgrad"])
def test_a_cell_trains_and_names_the_device(weighting: str, tmp_path: Path, cache_dir: Path):
    dataset = PluginSpec("synthetic", {"rows": 2000})
    fingerprint = load_splits(discover(()), dataset, RunSettings(tmp_path, tmp_path)).fingerprint
    cell = Cell(dataset, fingerprint, PluginSpec("mmoe", {}), PluginSpec(weighting, {}), 0, Training(epochs=2))
    record = run_cell(Job(cell, RunSettings(tmp_path, tmp_path, device="cuda")), lambda progress: None)
    assert record.status == "done", record.failure
    assert record.environment["device"] == torch.cuda.get_device_name()


@pytest.mark.parametrize("weighting", ["constant", "pcgrad"])
def test_cells_on_other_gpus_have_the_scores_of_the_first(weighting: str, tmp_path: Path, cache_dir: Path):
    """In this process on the first, in workers on the last, and two at a time on each of all."""
    seeds = 2 * torch.cuda.device_count() + 2
    found = []
    last = torch.cuda.device_count() - 1
    for device, jobs in (("cuda", 1), (f"cuda:{last}", 2), ("cuda:all", 2)):
        study = Study(
            datasets=("synthetic[rows=2000]",),
            backbones=("mmoe",),
            weightings=(weighting,),
            seeds=seeds,
            epochs=2,
            device=device,
            jobs=jobs,
            out=tmp_path / device.replace(":", ""),
        )
        run_study(study, study.resolve(CATALOGUE), quiet=True)
        records = RecordStore(study.out).read_all()
        assert {record.environment["device"] for record in records} <= {
            torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())
        }
        found.append({record.cell: record.primary_scores("test") for record in records})
    assert len(found[0]) == seeds
    for of_one in found[1:]:
        assert of_one.keys() == found[0].keys()
        for cell, scores in found[0].items():
            assert of_one[cell] == pytest.approx(scores, abs=2e-3)


def test_a_backbone_that_looks_at_values_is_not_recorded():
    class Looking(BACKBONES["shared-bottom"]):  # type: ignore[misc]
        replayable = False

        def forward(self, inputs: Inputs) -> Tensor:
            logits = super().forward(inputs)
            return logits if logits.detach().max().item() < 1e6 else 0 * logits

    splits = splits_on()
    backbone = Looking(splits.schema, Looking.Params(embedding=8, bottom=(16, 8), tower=(4,)))
    assert math.isfinite(trained(backbone.to(GPU), splits).score)


def test_masks_depend_on_the_seed_alone():
    splits = splits_on()
    backbone = small_backbone("shared-bottom", splits, dropout=0.5).to(GPU)
    model = Model(backbone, splits, Training(batch_size=BATCH))
    rows = batches_of(1)[0]
    logits = []
    for seed in (1, 1, 2):
        torch.cuda.manual_seed(derive(seed))
        logits.append(model.step(rows, single=True).logits.detach())
    assert torch.equal(logits[0], logits[1])
    assert not torch.equal(logits[0], logits[2])
