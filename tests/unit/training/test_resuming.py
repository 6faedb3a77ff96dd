"""A training that is killed at any step and resumed ends, bit for bit, as one that was left alone."""

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from bit_flips import REGIONS, flip_in
from continued import SMALL_CRITICS, make
from small_splits import small_schema, small_splits
from tiny_backbones import Embedded

from mtlbench import api
from mtlbench.api import Field
from mtlbench.cells import Training
from mtlbench.training import BackboneTrainer, journal, schedule, tensor_files
from mtlbench.training.budget import Budget
from mtlbench.training.checkpoint import Checkpoint
from mtlbench.training.journal import Journal, reached
from mtlbench.training.seeding import seeded
from mtlbench_plugins.weightings.adatask import AdaTask
from mtlbench_plugins.weightings.constant import Constant
from mtlbench_plugins.weightings.db_mtl import DBMTL
from mtlbench_plugins.weightings.ddpg import DDPG
from mtlbench_plugins.weightings.decay import Decay
from mtlbench_plugins.weightings.dwa import DWA
from mtlbench_plugins.weightings.famo import FAMO
from mtlbench_plugins.weightings.forkmerge import ForkMerge
from mtlbench_plugins.weightings.gradnorm import GradNorm
from mtlbench_plugins.weightings.gradvac import GradVac
from mtlbench_plugins.weightings.igb_v2 import IGBv2
from mtlbench_plugins.weightings.rlw import RLW
from mtlbench_plugins.weightings.rmtl import RMTL
from mtlbench_plugins.weightings.scalarization import Scalarization

TRAINING = Training(epochs=4, patience=2, batch_size=32, learning_rate=0.02)
WIDE = small_schema(("click", "conversion"), categorical=(Field("user", 900), Field("item", 7)))


class KilledError(Exception):
    pass


class Twice(api.Weighting):
    """Two stages; what lies between them reads the backbone and the global generator."""

    name, label = "twice", "Twice"

    def setup(self, setting: api.Setting) -> None:
        self._drawn = torch.zeros(2)

    def fit(self, trainer: api.Trainer) -> None:
        self.share = torch.ones(2)
        trainer.train(self, "first")
        trainer.log_scalar("between", float(torch.rand(())))
        self.share = trainer.predict().sigmoid().mean(0) + torch.rand(2)
        trainer.train(self, "second")

    def weigh(self, step: api.Step) -> torch.Tensor:
        return self.share + self._drawn

    def end_epoch(self, epoch: int) -> None:
        self._drawn = torch.rand(2)  # from the generator that is the weighting's own

    def state_dict(self) -> dict[str, torch.Tensor]:
        return {"drawn": self._drawn}

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        self._drawn = state["drawn"].clone()


METHODS: dict[str, Callable[[], api.Weighting]] = {
    "constant": lambda: make(Constant),
    "decay by epochs": lambda: make(Decay, clock="epoch", rates=(0.5,)),
    "decay by steps": lambda: make(Decay, clock="step"),
    "dwa": lambda: make(DWA),
    "famo": lambda: make(FAMO),
    "rlw": lambda: make(RLW),
    "gradnorm": lambda: make(GradNorm),
    "gradvac": lambda: make(GradVac),
    "igb-v2": lambda: make(IGBv2, base_epoch=1, start_epoch=1, update_every=2),
    "adatask": lambda: make(AdaTask),
    "db-mtl": lambda: make(DBMTL),
    "rmtl": lambda: make(RMTL, **SMALL_CRITICS),
    "rmtl afresh": lambda: make(RMTL, **SMALL_CRITICS, control="untrained", stage3="afresh", noisy_weights=True),
    "ddpg": lambda: make(DDPG, **SMALL_CRITICS),
    "scalarization": lambda: make(Scalarization, grid=(0.2, 0.8)),
    "forkmerge": lambda: make(ForkMerge, interval=2),
    "two stages": lambda: Twice(api.NoParams()),
}


@pytest.fixture(scope="module")
def start() -> Checkpoint:
    trainer = trained(make(Constant))
    return trainer.checkpoint("constant-cell")


def trained(
    weighting: api.Weighting,
    start: Checkpoint | None = None,
    saved: Journal | None = None,
    die_at: int = 10**9,
    budget: Budget | None = None,
    training: Training = TRAINING,
) -> BackboneTrainer:
    """The trainer after ``weighting``; raises at the step numbered ``die_at`` of this process."""
    splits = small_splits(WIDE)
    with seeded(0, "initial parameters"):
        backbone = Embedded(WIDE)
    steps = itertools.count(1)

    def progress(*told: Any) -> None:
        if next(steps) == die_at:
            raise KilledError

    trainer = BackboneTrainer(
        backbone,
        splits,
        training,
        0,
        warm_start=start,
        dense="parameters" in weighting.needs,
        progress=progress,
        journal=saved,
    )
    with seeded(0, "weighting"):
        weighting.fit(trainer)
    if budget is not None:
        trainer.train_until_spent(budget)
    trainer.steps = next(steps) - 1
    return trainer


def outcome(trainer: BackboneTrainer) -> dict[str, Any]:
    """All that a record says, timings aside, and all that another cell could continue from."""
    kept = trainer.checkpoint("this")
    return {
        "backbone": {name: value.tolist() for name, value in kept.backbone.items()},
        "optimiser": {name: {k: v.tolist() for k, v in state.items()} for name, state in kept.optimiser.items()},
        "curve": trainer.curve,
        "best": (trainer.best.score, trainer.best.loss, trainer.best_epoch, trainer.best_passes),
        "reports": (trainer.diagnostics, trainer.curves),
        "spend": [(spend.stage, spend.steps, spend.rows, spend.reused_from) for spend in trainer.spend],
        "test": trainer.infer(small_splits(WIDE).test).tolist(),
    }


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A clock of the journal's that advances by one second each time that it is asked: about once per step."""
    seconds = itertools.count()
    monkeypatch.setattr(journal.time, "monotonic", lambda: float(next(seconds)))


def killed_three_times(
    folder: Path, every: float, run: Callable[..., BackboneTrainer], random: random.Random
) -> tuple[BackboneTrainer, Journal]:
    """The trainer that came to the end, after three that died after a few steps of their own."""
    for _ in range(3):
        with pytest.raises(KilledError):
            run(saved=Journal(folder, every, "test"), die_at=random.randrange(3, 6))
    saved = Journal(folder, every, "test")
    return run(saved=saved), saved


@pytest.mark.parametrize("every", [0, 2])
@pytest.mark.parametrize("method", METHODS)
def test_a_training_that_is_killed_at_random_steps_ends_as_one_that_is_not(
    method: str, every: float, start: Checkpoint, tmp_path: Path, clock: None
):
    expected = outcome(trained(METHODS[method](), start))

    def run(**options: Any) -> BackboneTrainer:
        return trained(METHODS[method](), start, **options)

    trainer, saved = killed_three_times(tmp_path, every, run, random.Random(f"{method} {every}"))
    assert outcome(trainer) == expected
    assert saved.resumptions >= 1


@pytest.mark.parametrize("method", ["dwa", "two stages", "scalarization"])
@pytest.mark.parametrize("validate_every", ["2 epochs", "3 steps", "11 steps"])
def test_validations_at_other_times_than_after_each_epoch_are_the_same_after_a_kill(
    validate_every: str, method: str, tmp_path: Path, clock: None
):
    training = replace(TRAINING, validate_every=validate_every)
    expected = outcome(trained(METHODS[method](), training=training))

    def run(**options: Any) -> BackboneTrainer:
        return trained(METHODS[method](), training=training, **options)

    trainer, saved = killed_three_times(tmp_path, 0, run, random.Random(f"{method} {validate_every}"))
    assert outcome(trainer) == expected
    assert saved.resumptions >= 1


def test_what_is_saved_is_not_trained_again(start: Checkpoint, tmp_path: Path):
    whole = trained(make(RMTL, **SMALL_CRITICS), start, Journal(tmp_path, 0, "test"))
    again = trained(make(RMTL, **SMALL_CRITICS), start, Journal(tmp_path, 0, "test"))
    assert whole.steps > 10
    assert again.steps == 0
    assert outcome(again) == outcome(whole)


def test_how_far_a_cell_is_saved_only_grows_and_damaged_files_do_not_count(tmp_path: Path, clock: None):
    assert reached(tmp_path) == (0, 0)
    found = []
    for _ in range(3):
        with pytest.raises(KilledError):
            trained(make(DWA), saved=Journal(tmp_path, 0, "test"), die_at=4)
        found.append(reached(tmp_path))
    assert found == sorted(set(found))
    assert found[0][0] == 0
    flip_in(tmp_path / "running.pt", "pickle")
    assert reached(tmp_path) == (0, 0)
    trained(make(DWA), saved=Journal(tmp_path, 0, "test"))
    assert reached(tmp_path) == (1, 0)


def test_saving_changes_nothing(tmp_path: Path):
    assert outcome(trained(make(FAMO), saved=Journal(tmp_path, 0, "test"))) == outcome(trained(make(FAMO)))


def test_a_budget_of_steps_is_spent_to_the_same_end(tmp_path: Path, clock: None):
    budget = Budget("steps", 55)
    expected = outcome(trained(make(DWA), budget=budget))

    def run(**options: Any) -> BackboneTrainer:
        return trained(make(DWA), budget=budget, **options)

    trainer, _ = killed_three_times(tmp_path, 2, run, random.Random(1))
    assert outcome(trainer) == expected
    assert sum(spend.steps for spend in trainer.spend) == 55


@pytest.mark.parametrize("method", ["constant", "ddpg", "scalarization"])
def test_under_a_schedule_and_weight_decay_it_ends_the_same(
    method: str, start: Checkpoint, tmp_path: Path, clock: None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(schedule, "PARTS", 8)  # parts of several steps: rows are behind at another rate than the first
    training = replace(TRAINING, schedule="linear", weight_decay=1e-3)
    expected = outcome(trained(METHODS[method](), start, training=training))

    def run(**options: Any) -> BackboneTrainer:
        return trained(METHODS[method](), start, training=training, **options)

    trainer, saved = killed_three_times(tmp_path, 2, run, random.Random(method))
    assert outcome(trainer) == expected
    assert saved.resumptions >= 1


def test_of_candidates_only_the_best_so_far_is_kept_whole(tmp_path: Path):
    trainer = trained(make(Scalarization, grid=(0.2, 0.8)), saved=Journal(tmp_path, 0, "test"))
    contents = [torch.load(path, weights_only=True) for path in sorted(tmp_path.glob("[0-9]*.pt"))]
    assert len(contents) == 3
    kept = [content["name"] for content in contents if "best" in content["tensors"]]
    assert kept == [f"train {'-'.join(map(str, trainer.diagnostics['weights']))}"]


def test_a_short_cell_leaves_no_trace(tmp_path: Path):
    trained(make(Constant), saved=Journal(tmp_path, 3600, "test"))
    assert list(tmp_path.iterdir()) == []


def interrupted(folder: Path, origin: str = "test") -> None:
    with pytest.raises(KilledError):
        trained(make(Constant), saved=Journal(folder, 0, origin), die_at=9)


def test_other_code_begins_again(tmp_path: Path):
    interrupted(tmp_path, "yesterday's code")
    assert trained(make(Constant), saved=Journal(tmp_path, 0, "test")).steps == trained(make(Constant)).steps


@pytest.fixture(scope="module")
def undisturbed() -> BackboneTrainer:
    return trained(make(Constant))


def assert_begins_again(folder: Path, undisturbed: BackboneTrainer) -> None:
    with pytest.warns(RuntimeWarning, match=r"running\.pt is damaged"):
        trainer = trained(make(Constant), saved=Journal(folder, 0, "test"))
    assert trainer.steps == undisturbed.steps
    assert outcome(trainer) == outcome(undisturbed)


@pytest.mark.parametrize("damage", [lambda content: b"", lambda content: content[: len(content) // 2]])
def test_a_damaged_file_costs_the_work_and_not_the_result(
    tmp_path: Path, damage: Callable[[bytes], bytes], undisturbed: BackboneTrainer
):
    interrupted(tmp_path)
    path = tmp_path / "running.pt"
    path.write_bytes(damage(path.read_bytes()))
    assert_begins_again(tmp_path, undisturbed)


@pytest.mark.parametrize("region", REGIONS)
def test_a_save_with_one_changed_bit_is_never_trained_on(tmp_path: Path, region: str, undisturbed: BackboneTrainer):
    interrupted(tmp_path)
    flip_in(tmp_path / "running.pt", region)
    assert_begins_again(tmp_path, undisturbed)


def test_a_call_that_was_over_and_is_damaged_runs_again(start: Checkpoint, tmp_path: Path):
    whole = trained(METHODS["two stages"](), start, Journal(tmp_path, 0, "test"))
    flip_in(tmp_path / "1.pt", "last tensor")
    with pytest.warns(RuntimeWarning, match=r"1\.pt is damaged"):
        again = trained(METHODS["two stages"](), start, Journal(tmp_path, 0, "test"))
    assert 0 < again.steps < whole.steps
    assert outcome(again) == outcome(whole)


def test_a_save_of_an_older_version_has_no_digest_and_is_not_used(tmp_path: Path, undisturbed: BackboneTrainer):
    interrupted(tmp_path)
    path = tmp_path / "running.pt"
    torch.save(torch.load(path, weights_only=True), path)
    assert_begins_again(tmp_path, undisturbed)


def test_a_file_that_would_run_code_is_not_obeyed(tmp_path: Path):
    class Hostile:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path(tmp_path, "obeyed").touch, ())

    tensor_files.save({"origin": "test", "call": 1, "payload": Hostile()}, tmp_path / "running.pt")
    with pytest.warns(RuntimeWarning, match="damaged"):
        trained(make(Constant), saved=Journal(tmp_path, 0, "test"))
    assert not (tmp_path / "obeyed").exists()


def test_a_full_disk_ends_saving_and_not_the_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mtlbench.files.os.fsync", full)
    with pytest.warns(RuntimeWarning, match="No space left on device"):
        trainer = trained(make(Constant), saved=Journal(tmp_path, 0, "test"))
    assert list(tmp_path.iterdir()) == []
    assert outcome(trainer) == outcome(trained(make(Constant)))


def test_a_loop_of_unknown_state_begins_again(tmp_path: Path):
    class Own(api.Weighting):
        """Carries a number that nobody knows of."""

        name, label = "own", "Own"

        def fit(self, trainer: api.Trainer) -> None:
            factor = 1.0

            def update(rows: torch.Tensor) -> None:
                nonlocal factor
                factor *= 0.9
                trainer.descend(trainer.step(rows).losses.mean() * factor)

            trainer.loop(update, "own")

        def weigh(self, step: api.Step) -> torch.Tensor:
            raise NotImplementedError

    with pytest.raises(KilledError):
        trained(Own(api.NoParams()), saved=Journal(tmp_path, 0, "test"), die_at=9)
    again = trained(Own(api.NoParams()), saved=Journal(tmp_path, 0, "test"))
    assert outcome(again) == outcome(trained(Own(api.NoParams())))


def test_a_slow_disk_is_written_to_less_often(tmp_path: Path, clock: None, monkeypatch: pytest.MonkeyPatch):
    seconds = itertools.count()
    monkeypatch.setattr(journal.time, "perf_counter", lambda: float(next(seconds)))  # a save takes one second
    saved = Journal(tmp_path, 5, "test")
    entry = journal.Entry("stage", {}, {}, over=False)

    def asked_until_due() -> int:
        return next(number for number in itertools.count(1) if saved.due)

    assert asked_until_due() == 5
    saved.save(1, entry)
    assert asked_until_due() == 50
