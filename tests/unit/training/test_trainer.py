"""The train loop: early stopping, budget, determinism, and what a weighting can and cannot do to it."""

import math
from dataclasses import replace

import pytest
import torch
from bit_flips import REGIONS, flip_in
from linear_backbone import LinearBackbone
from small_splits import small_splits

from mtlbench import api
from mtlbench.cells import Training
from mtlbench.evaluation import auc
from mtlbench.training import BackboneTrainer
from mtlbench.training.budget import Budget
from mtlbench.training.checkpoint import Checkpoint, usable
from mtlbench.training.seeding import seeded
from mtlbench.training.stage import Batches

TRAINING = Training(epochs=4, patience=2, batch_size=64)


class Plain(api.Weighting):
    """Ones, with a hook for the tests."""

    name, label = "plain", "Plain"

    def __init__(self, spoil=None):
        super().__init__(api.NoParams())
        self.spoil = spoil
        self.steps = []

    def weigh(self, step):
        self.steps.append(step)
        return api.ones(step) if self.spoil is None else self.spoil(step)


def make_trainer(training: Training = TRAINING, seed: int = 0, **options) -> BackboneTrainer:
    splits = small_splits()
    with seeded(seed, "initial parameters"):
        backbone = LinearBackbone(splits.schema)
    return BackboneTrainer(backbone, splits, training, seed, **options)


def test_keeps_the_parameters_of_the_best_validation_epoch():
    trainer = make_trainer(Training(epochs=12, patience=12, batch_size=16, learning_rate=0.05))
    Plain().fit(trainer)
    scores = [sum(point.validation.values()) / 2 for point in trainer.curve]
    assert trainer.best_epoch["train"] == 1 + scores.index(max(scores))
    assert trainer.best.score == max(scores)
    validation = small_splits().validation
    logits, labels = trainer.infer(validation), validation.labels
    assert sum(auc(logits[:, k], labels[:, k]) for k in range(2)) / 2 == max(scores)


def test_stops_after_patience_epochs_without_a_better_score():
    trainer = make_trainer(Training(epochs=50, patience=3, batch_size=16, learning_rate=0.3))
    Plain().fit(trainer)
    assert len(trainer.curve) == trainer.best_epoch["train"] + 3 < 50


def test_counts_steps_and_rows_of_every_stage():
    trainer = make_trainer(Training(epochs=2, patience=2, batch_size=64))
    Plain().fit(trainer)
    (spend,) = trainer.spend
    assert (spend.stage, spend.steps, spend.rows) == ("train", 2 * math.ceil(240 / 64), 2 * 240)
    assert spend.seconds > 0
    assert spend.peak_memory_mib > 0


def test_every_training_row_is_read_once_per_epoch_in_an_order_of_its_own():
    trainer = make_trainer()
    first, second = trainer.minibatches("train", 1), trainer.minibatches("train", 2)
    assert torch.equal(torch.cat(first).sort().values, torch.arange(240))
    assert not torch.equal(torch.cat(first), torch.cat(second))


def test_minibatches_are_on_the_device_of_the_data_in_the_order_of_the_cpu():
    on_cpu, elsewhere = (Batches(240, 64, 0, torch.device(device)).epoch("train", 1) for device in ("cpu", "meta"))
    assert all(map(torch.equal, on_cpu, make_trainer().minibatches("train", 1)))
    assert {rows.device.type for rows in elsewhere} == {"meta"}
    assert [rows.shape for rows in elsewhere] == [rows.shape for rows in on_cpu]


def test_a_last_batch_of_one_row_joins_the_one_before():
    assert [len(rows) for rows in make_trainer(replace(TRAINING, batch_size=239)).minibatches("train", 1)] == [240]


def test_one_seed_gives_one_result_and_another_seed_another():
    first, again, other = make_trainer(), make_trainer(), make_trainer(seed=1)
    for trainer in (first, again, other):
        Plain().fit(trainer)
    assert first.curve == again.curve
    assert first.curve != other.curve


def test_random_numbers_that_a_weighting_draws_change_no_batch_and_no_dropout_mask():
    plain, drawing = make_trainer(), make_trainer()
    Plain().fit(plain)
    Plain(lambda step: api.ones(step) + 0 * torch.rand(2)).fit(drawing)
    assert plain.curve == drawing.curve


def test_leaves_the_global_generator_as_it_was():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    Plain().fit(make_trainer())
    assert torch.equal(before, torch.get_rng_state())


def test_weights_multiply_the_losses_before_the_average():
    doubled, plain = make_trainer(), make_trainer()
    Plain(lambda step: 2 * api.ones(step)).fit(doubled)
    Plain().fit(plain)
    assert doubled.curve[0].train_loss.keys() == plain.curve[0].train_loss.keys()
    assert doubled.curve[0].weights["click"] == dict.fromkeys(("mean", "min", "q05", "q50", "q95", "max"), 2.0)


def test_weights_of_a_wrong_shape_fail_with_the_shape_expected():
    with pytest.raises(api.TrainingError, match=r"shape \(3,\); expected \(2,\) per task or \(64, 2\)"):
        Plain(lambda step: torch.ones(3)).fit(make_trainer())


def test_a_diverged_loss_fails_with_a_remedy():
    with pytest.raises(api.TrainingError, match="diverged"):
        Plain(lambda step: step.losses.mean(0) * math.inf).fit(make_trainer())


def test_checkpoint_survives_the_disk_and_continues(tmp_path):
    trainer = make_trainer()
    Plain().fit(trainer)
    trainer.checkpoint("a" * 64).save(tmp_path / "a.pt")
    loaded = Checkpoint.load(tmp_path / "a.pt", "a" * 64)
    from_disk, from_memory = make_trainer(warm_start=loaded), make_trainer(warm_start=trainer.checkpoint("a" * 64))
    for further in (from_disk, from_memory):
        further.restore()
        further.train(Plain(), "continue")
    assert from_disk.curve == from_memory.curve
    assert [stage.stage for stage in from_disk.spend] == ["train", "continue"]


def test_a_checkpoint_of_another_cell_is_refused(tmp_path):
    trainer = make_trainer()
    Plain().fit(trainer)
    trainer.checkpoint("a" * 64).save(tmp_path / "a.pt")
    with pytest.raises(api.UsageError, match="holds cell aaaaaaaaaaaa, not bbbbbbbbbbbb"):
        Checkpoint.load(tmp_path / "a.pt", "b" * 64)


def test_a_damaged_checkpoint_is_named(tmp_path):
    (tmp_path / "a.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(api.UsageError, match=r"a\.pt: not a readable checkpoint .*--overwrite failed"):
        Checkpoint.load(tmp_path / "a.pt", "a" * 64)


@pytest.mark.parametrize("region", REGIONS)
def test_a_checkpoint_with_one_changed_bit_is_not_read(tmp_path, region):
    trainer, path = make_trainer(), tmp_path / "a.pt"
    Plain().fit(trainer)
    trainer.checkpoint("a" * 64).save(path)
    assert usable(path)
    flip_in(path, region)
    with pytest.raises(api.UsageError, match=r"a\.pt: not a readable checkpoint .*sha256.*--overwrite failed"):
        Checkpoint.load(path, "a" * 64)
    with pytest.warns(RuntimeWarning, match=r"a\.pt is damaged and not used"):
        assert not usable(path)


def test_a_checkpoint_that_is_not_there_is_no_damage(tmp_path, recwarn):
    assert not usable(tmp_path / "a.pt")
    assert not recwarn.list


def fixed(*weights: float) -> Plain:
    return Plain(lambda step: torch.tensor(weights))


def test_selects_the_candidate_of_the_best_validation_score_and_of_equals_the_first():
    candidates = {"one": (1.0, 0.01), "same": (1.0, 0.01), "other": (0.01, 1.0), "both": (1.0, 1.0)}
    scores = {}
    for name, weights in candidates.items():
        trainer = make_trainer()
        fixed(*weights).fit(trainer)
        scores[name] = trainer.best.score
    trainer = make_trainer()
    chosen = trainer.select({name: fixed(*weights) for name, weights in candidates.items()})
    assert chosen == max(scores, key=scores.__getitem__)
    assert trainer.best.score == scores[chosen] == scores["same" if chosen == "one" else chosen]
    again = make_trainer()
    assert again.select({"first": fixed(1.0, 1.0), "second": fixed(1.0, 1.0)}) == "first"


def test_a_choice_among_no_candidates_is_refused():
    with pytest.raises(api.TrainingError, match=r"give trainer\.select at least one"):
        make_trainer().select({})


def test_candidates_that_do_not_improve_on_the_start_cell_leave_its_parameters():
    first = make_trainer()
    Plain().fit(first)
    start = replace(first.checkpoint("a" * 64), score=1.0)
    trainer = make_trainer(warm_start=start)
    trainer.restore()
    trainer.select({"first": fixed(1.0, 1.0), "second": fixed(2.0, 0.5)}, "continue")
    assert trainer.best_epoch == {"continue first": 0, "continue second": 0}
    for name, value in trainer.backbone.state_dict().items():
        assert torch.equal(value, start.backbone[name]), name


def test_a_candidate_that_diverges_is_named():
    with pytest.raises(api.TrainingError, match="stage 'train second'"):
        make_trainer().select({"first": fixed(1.0, 1.0), "second": fixed(math.nan, 1.0)})


def test_the_step_shows_the_weighting_aligned_tensors():
    weighting = Plain()
    trainer = make_trainer(Training(epochs=1, patience=1, batch_size=64))
    weighting.fit(trainer)
    step = weighting.steps[1]
    assert step.number == 1
    assert torch.equal(step.labels, trainer.data.labels[step.rows])
    expected = torch.nn.functional.binary_cross_entropy_with_logits(step.logits, step.labels, reduction="none")
    torch.testing.assert_close(step.losses, expected)


def test_looking_at_the_losses_after_a_step_changes_nothing():
    trainer = make_trainer()
    trainer.backbone.dropout = torch.nn.Sequential(torch.nn.BatchNorm1d(4), torch.nn.Dropout(0.3))
    trainer.backbone.train()
    step = trainer.step(torch.arange(64))
    before = {name: value.clone() for name, value in trainer.backbone.state_dict().items()}
    first, second = trainer.losses(step), trainer.losses(step)
    assert torch.equal(first, second)
    for name, value in trainer.backbone.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_bfloat16_trains_close_to_float32_and_scores_in_float32():
    full, reduced = make_trainer(), make_trainer(replace(TRAINING, precision="bfloat16"))
    Plain().fit(full)
    Plain().fit(reduced)
    assert full.curve != reduced.curve
    assert reduced.infer(small_splits().test).dtype == torch.float32
    for a, b in zip(full.curve, reduced.curve, strict=True):
        assert a.train_loss["click"] == pytest.approx(b.train_loss["click"], abs=0.02)


def test_a_budget_left_over_is_used_by_the_last_stage_from_its_best_epoch():
    trainer = make_trainer(Training(epochs=2, patience=2, batch_size=64))
    Plain().fit(trainer)
    score, points = trainer.best.score, len(trainer.curve)
    trainer.train_until_spent(Budget("steps", 4 * 3 + 2))
    assert [(stage.stage, stage.steps) for stage in trainer.spend] == [("train", 8), ("train", 6)]
    assert [point.epoch for point in trainer.curve[points:]] == [3, 4]
    assert trainer.best.score >= score
    trainer.train_until_spent(Budget("steps", 14))
    assert sum(stage.steps for stage in trainer.spend) == 14


def test_a_budget_of_seconds_counts_every_stage():
    trainer = make_trainer(Training(epochs=1, patience=1, batch_size=64))
    Plain().fit(trainer)
    amount = trainer.spend[0].seconds + 0.2
    trainer.train_until_spent(Budget("seconds", amount))
    assert amount <= sum(stage.seconds for stage in trainer.spend) < amount + 5
