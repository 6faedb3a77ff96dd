"""The fast training path computes what a plain torch loop computes, for every backbone."""

import copy
from dataclasses import replace

import pytest
import torch
from linear_backbone import LinearBackbone
from small_splits import small_splits
from wide_splits import BACKBONES, l2_of_what_is_read, plain_loop, small_backbone, wide_splits

from mtlbench.api import Splits, Step, TrainingError
from mtlbench.cells import Training
from mtlbench.nn import FieldEmbedding, embedding
from mtlbench.nn.activation import Dropout
from mtlbench.training import BackboneTrainer
from mtlbench.training.checkpoint import Checkpoint
from mtlbench.training.model import Model
from mtlbench.training.seeding import derive
from mtlbench.training.stage import Batches
from mtlbench_plugins.weightings.constant import Constant

STEPS = 50
BATCH = 16
DECAY = 0.02


def fast_loop(trainer: BackboneTrainer | Model, batches: list[torch.Tensor]) -> list[float]:
    losses = []
    for number, rows in enumerate(batches):
        torch.manual_seed(derive(0, number))
        loss = trainer.step(rows).losses.mean()
        trainer.descend(loss)
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("factored", [False, True], ids=["each place", "distinct vectors"])
@pytest.mark.parametrize("name", BACKBONES)
def test_training_curves_and_parameters_agree_over_fifty_steps(
    name: str, factored: bool, monkeypatch: pytest.MonkeyPatch
):
    """For both ways to compute a first layer; ``plain_loop`` always multiplies the vector of each place."""
    splits = wide_splits()
    backbone = small_backbone(name, splits)
    plain = copy.deepcopy(backbone)
    trainer = BackboneTrainer(backbone, splits, Training(batch_size=BATCH), 0)
    batches = [rows for epoch in (1, 2, 3, 4) for rows in trainer.minibatches("train", epoch)][:STEPS]
    assert len(batches) == STEPS
    expected = plain_loop(plain, splits, batches)
    monkeypatch.setattr(embedding, "SUM_COST", -(10**9) if factored else 10**9)
    torch.testing.assert_close(
        torch.tensor(fast_loop(trainer, batches)),
        torch.tensor(expected),
        atol=1e-5,
        rtol=1e-5,
    )
    trainer.infer(splits.validation)
    for (key, fast), slow in zip(backbone.named_parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(fast, slow, atol=2e-5, rtol=1e-4, msg=lambda text, key=key: f"{key}: {text}")


def test_large_tables_take_the_row_wise_path_and_small_ones_the_dense():
    wide, small = wide_splits(), small_splits()
    for splits, expected in ((wide, 1), (small, 0)):
        backbone = small_backbone("mmoe", splits)
        model = Model(backbone, splits, Training(batch_size=BATCH))
        model.step(torch.arange(BATCH))
        parameters = dict(backbone.named_parameters())
        by_row = [name for name, leaf in model.leaves().items() if leaf is not parameters[name]]
        assert len(by_row) == expected


def batches(splits: Splits, epoch: int) -> list[torch.Tensor]:
    return Batches(len(splits.train), BATCH, 0, torch.device("cpu")).epoch("train", epoch)


def checkpoint(model: Model) -> Checkpoint:
    return Checkpoint("cell", *model.state(), score=0.5, spend=[], weighting={})


def test_dense_and_row_wise_training_agree_and_exchange_checkpoints():
    splits, training = wide_splits(), Training(batch_size=BATCH)
    results = []
    for dense in (False, True):
        first = Model(small_backbone("mmoe", splits), splits, training, dense=dense)
        fast_loop(first, batches(splits, 1))
        second = BackboneTrainer(
            small_backbone("mmoe", splits), splits, training, 0, dense=not dense, warm_start=checkpoint(first)
        )
        second.restore()
        fast_loop(second, batches(splits, 2))
        results.append(second.infer(splits.validation))
    torch.testing.assert_close(results[0], results[1], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("bags", [False, True], ids=["fields", "bags"])
@pytest.mark.parametrize("name", ["mmoe", "metaheac"])
def test_embedding_dropout_is_that_of_the_embedded_inputs_put_together(
    name: str, bags: bool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(embedding, "SUM_COST", -(10**9))  # distinct vectors once, wherever that is allowed
    splits = wide_splits(bags=bags)
    backbone = small_backbone(name, splits, dropout=0.0)
    (table,) = (module for module in backbone.modules() if isinstance(module, FieldEmbedding))
    table.weight.data.mul_(50)  # large enough for the masks to show
    plain, without = copy.deepcopy(backbone), copy.deepcopy(backbone)
    (table,) = (module for module in plain.modules() if isinstance(module, FieldEmbedding))
    table.forward = lambda inputs, embed=table.forward: Dropout(0.4).train(table.training)(embed(inputs))
    model = Model(backbone, splits, Training(batch_size=BATCH, embedding_dropout=0.4))
    rows = (batches(splits, 1) + batches(splits, 2))[:STEPS]
    expected = plain_loop(plain, splits, rows)
    torch.testing.assert_close(torch.tensor(fast_loop(model, rows)), torch.tensor(expected), atol=1e-5, rtol=1e-5)
    undropped = fast_loop(Model(without, splits, Training(batch_size=BATCH)), rows)
    assert max(abs(one - other) for one, other in zip(undropped, expected, strict=True)) > 1e-3
    torch.testing.assert_close(model.infer(splits.test), plain.eval()(splits.test.inputs), atol=1e-4, rtol=1e-4)


def test_embedding_dropout_without_an_embedding_is_refused():
    splits = wide_splits()
    with pytest.raises(TrainingError, match="--embedding-dropout"):
        Model(LinearBackbone(splits.schema), splits, Training(embedding_dropout=0.1))


def test_embedding_dropout_has_the_masks_of_seed_stage_and_epoch_under_every_weighting():
    splits, training = wide_splits(), Training(epochs=2, batch_size=BATCH, embedding_dropout=0.4)
    curves = []
    for weighting in (Constant(Constant.Params()), DrawingConstant(Constant.Params())):
        trainer = BackboneTrainer(small_backbone("mmoe", splits), splits, training, 0)
        weighting.fit(trainer)
        curves.append(trainer.curve)
    assert curves[0] == curves[1]


class DrawingConstant(Constant):
    """Draws random numbers of its own in each step."""

    def weigh(self, step: Step) -> torch.Tensor:
        return super().weigh(step) + 0 * torch.rand(2)


@pytest.mark.parametrize("bags", [False, True], ids=["fields", "bags"])
@pytest.mark.parametrize("dense", [False, True], ids=["row by row", "dense"])
@pytest.mark.parametrize("name", ["mmoe", "single-task"])
def test_weight_decay_is_that_of_an_l2_term_over_layers_and_the_rows_read(name: str, dense: bool, bags: bool):
    splits = wide_splits(bags=bags)
    backbone = small_backbone(name, splits)
    plain = copy.deepcopy(backbone)
    model = Model(backbone, splits, Training(batch_size=BATCH, weight_decay=DECAY), dense=dense)
    rows = (batches(splits, 1) + batches(splits, 2))[:STEPS]
    expected = plain_loop(plain, splits, rows, penalty=l2_of_what_is_read(DECAY))
    torch.testing.assert_close(torch.tensor(fast_loop(model, rows)), torch.tensor(expected), atol=1e-5, rtol=1e-5)
    model.infer(splits.validation)
    for (key, fast), slow in zip(backbone.named_parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(fast, slow, atol=2e-5, rtol=1e-4, msg=lambda text, key=key: f"{key}: {text}")


@pytest.mark.parametrize("algorithm", ["sparse-adam", "rowwise-adagrad"])
def test_weight_decay_of_other_embedding_optimisers_is_that_of_an_l2_term(algorithm: str):
    splits = wide_splits()
    backbones = [small_backbone("mmoe", splits) for _ in range(2)]
    settings = Training(batch_size=BATCH, embedding_optimiser=algorithm)
    decayed = Model(backbones[0], splits, replace(settings, weight_decay=DECAY))
    penalised = Model(backbones[1], splits, settings)
    for number, rows in enumerate(batches(splits, 1)):
        for model, backbone in ((decayed, None), (penalised, backbones[1])):
            torch.manual_seed(derive(0, number))
            loss = model.step(rows).losses.mean()
            layers = [leaf for name, leaf in model.leaves().items() if backbone is not None]
            model.descend(loss + DECAY / 2 * sum(leaf.square().sum() for leaf in layers))
    for decayed_one, expected in zip(*(backbone.parameters() for backbone in backbones), strict=True):
        torch.testing.assert_close(decayed_one, expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("algorithm", ["sparse-adam", "rowwise-adagrad"])
def test_other_embedding_optimisers_train_and_leave_unread_rows_alone(algorithm: str):
    splits = wide_splits()
    backbone, training = small_backbone("mmoe", splits), Training(batch_size=BATCH, embedding_optimiser=algorithm)
    model = Model(backbone, splits, training)
    (table,) = (module for module in backbone.modules() if isinstance(module, FieldEmbedding))
    first, second, *_ = batches(splits, 1)
    before = table.weight.detach().clone()
    fast_loop(model, [first])
    moved = (table.weight != before).any(dim=1)
    read = torch.zeros_like(moved)
    read[table.index(splits.train.inputs[first]).long().flatten()] = True
    assert torch.equal(moved, read)
    again = BackboneTrainer(small_backbone("mmoe", splits), splits, training, 0, warm_start=checkpoint(model))
    again.restore()
    assert fast_loop(again, [second]) == fast_loop(model, [second])


def test_an_embedding_optimiser_without_dense_update_is_refused_where_one_is_needed():
    splits = wide_splits()
    training = Training(embedding_optimiser="sparse-adam")
    with pytest.raises(TrainingError, match="use --embedding-optimiser adam"):
        BackboneTrainer(small_backbone("mmoe", splits), splits, training, 0, dense=True)


@pytest.mark.parametrize("algorithm", ["adam", "sparse-adam", "rowwise-adagrad"])
def test_a_frozen_table_stays_as_it_is_however_large(algorithm: str):
    splits = wide_splits()
    backbone = small_backbone("mmoe", splits)
    (table,) = (module for module in backbone.modules() if isinstance(module, FieldEmbedding))
    table.weight.requires_grad_(False)
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    frozen = next(name for name, value in backbone.named_parameters() if value is table.weight)
    trainer = BackboneTrainer(backbone, splits, Training(batch_size=BATCH, epochs=1, embedding_optimiser=algorithm), 0)
    trainer.train(Constant(Constant.Params()))
    after = backbone.state_dict()
    assert torch.equal(after[frozen], before[frozen])
    assert any(not torch.equal(value, before[name]) for name, value in after.items())
