"""What a weigher does in a loop of one's own, and what it says when it cannot."""

import copy
import pickle

import pytest
import torch
from torch import Tensor, nn

import mtlbench
from mtlbench import api


class Towers(nn.Module):
    """A bottom that all tasks share, and a tower for each."""

    def __init__(self, tasks: int) -> None:
        super().__init__()
        torch.manual_seed(7)
        self.bottom = nn.Linear(5, 4)
        self.towers = nn.ModuleList(nn.Linear(4, 1) for _ in range(tasks))

    def forward(self, inputs: Tensor) -> list[Tensor]:
        features = self.bottom(inputs).tanh()
        return [tower(features).squeeze(1) for tower in self.towers]


def inputs(rows: int = 16, seed: int = 0) -> Tensor:
    return torch.randn(rows, 5, generator=torch.Generator().manual_seed(seed))


def losses(model: nn.Module, batch: Tensor) -> list[Tensor]:
    """Of each task the squared distance from its number."""
    return [(k - prediction).square().mean() for k, prediction in enumerate(model(batch))]


def gradients(model: nn.Module) -> list[Tensor]:
    return [parameter.grad for parameter in model.parameters()]


def assert_same(ones: list[Tensor], others: list[Tensor]) -> None:
    for one, other in zip(ones, others, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-8)


# -- which weighting -------------------------------------------------------------------------------------------------


class Halves(api.Weighting):
    """Weights of one half."""

    name, label = "halves", "Halves"

    class Params(api.Params):
        half: float = 0.5

    def weigh(self, step: api.Step) -> Tensor:
        return self.params.half * api.ones(step)


def test_a_spec_a_class_and_an_instance_name_the_same_method():
    given = [
        mtlbench.Weigher("cagrad[c=0.25]", 2),
        mtlbench.Weigher("cagrad", ["click", "buy"], c=0.25),
        mtlbench.Weigher(mtlbench.Weigher("cagrad", 2, c=0.25).weighting, 2),
    ]
    assert {weigher.weighting.params.c for weigher in given} == {0.25}
    assert [task.name for task in given[1].tasks] == ["click", "buy"]
    assert [task.name for task in given[0].tasks] == ["task1", "task2"]
    assert mtlbench.Weigher(Halves, 2, half=0.2).weighting.params.half == 0.2


def test_the_learning_rate_is_the_methods_parameter_where_it_has_one():
    assert mtlbench.Weigher("famo", 2, learning_rate=0.5).weighting.params.learning_rate == 0.5
    assert mtlbench.Weigher("famo", 2).weighting.params.learning_rate == 0.025
    weigher = mtlbench.Weigher("imtl-l", 2, learning_rate=0.5)
    weigher.backward(losses(Towers(2), inputs()))
    assert weigher.backward(losses(Towers(2), inputs())).log().abs().tolist() == pytest.approx([0.5, 0.5], rel=1e-3)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("nash", 2), "unknown weighting 'nash': did you mean 'nash-mtl'"),
        (("mgda,upgrad", 2), "names 2 weightings; a weigher has one"),
        (("cagrad[c=2]", 2), "cagrad.* c .*less than 1"),
        (("constant[weights=1-2-3]", 2), "3 weights were given for 2 tasks"),
        (("mgda", 0), "give the number of tasks, at least 1"),
        (("mgda", ["a", "a"]), "a name stands twice"),
        (("rmtl", 2), "critics on the sessions of a log; train with mtlbench.run, and take its critics by Weigher"),
        (("ddpg", 2), "ddpg cannot weigh here: it trains critics on the sessions of a log"),
        (("scalarization", 2), r"train under constant\[weights=\.\.\.\] at each"),
        (("constant[seconds_of=rmtl]", 2), "training schedule of its own; train with mtlbench.run"),
        (("decay", 2), "use clock=step"),
        (("ips", 2), "reads the training split, and a loop of one's own has none: train with mtlbench.run"),
        ((Halves(Halves.Params()), 2, 0.1), "has its parameters already"),
        (("mgda", 2.0), r"tasks = 2\.0: give the number of tasks"),
        ((None, 2), "None is no weighting: give a spec such as 'mgda'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_is_refused_with_a_remedy(arguments: tuple, reason: str):
    given, tasks, *half = arguments
    with pytest.raises(api.UsageError, match=reason):
        mtlbench.Weigher(given, tasks, **({"half": half[0]} if half else {}))


def test_other_arguments_are_checked():
    for wrong, reason in {
        "kinds": "unknown task kind 'counts'",
        "reduction": "reduction = 'counts': expected 'mean' or 'sum'",
        "device": "device = 'counts' is not to be had",
    }.items():
        with pytest.raises(api.UsageError, match=reason):
            mtlbench.Weigher("mgda", 2, **{wrong: "counts"})
    with pytest.raises(api.UsageError, match=r"'cuda:all' is not to be had: .*; give the device of the losses"):
        mtlbench.Weigher("mgda", 2, device="cuda:all")
    with pytest.raises(api.UsageError, match="learning_rate = -1: give a number greater than 0"):
        mtlbench.Weigher("uncertainty", 2, learning_rate=-1)
    with pytest.raises(api.UsageError, match="takes binary tasks alone, and 'task2' is real"):
        mtlbench.Weigher("focal", 2, kinds=["binary", "real"])
    with pytest.raises(api.UsageError, match="both set c"):
        mtlbench.Weigher("cagrad[c=0.5]", 2, c=0.4)


@pytest.mark.parametrize("wrong", [3, None, 1.5, b"x", [], ["x", 3], {1: 1}, int, float("nan")], ids=repr)
def test_nothing_that_is_given_to_a_weigher_ends_in_an_error_of_python(wrong: object):
    parameter = torch.nn.Parameter(torch.ones(2))
    for given in ("weighting", "tasks", "kinds", "reduction", "learning_rate"):
        if (given, str(wrong)) not in {("tasks", "3"), *(("learning_rate", one) for one in ("3", "1.5", "None"))}:
            with pytest.raises(api.UsageError):
                mtlbench.Weigher(**{"weighting": "uncertainty", "tasks": 2, given: wrong})
    with pytest.raises(api.UsageError):
        mtlbench.Weigher.from_record(wrong)
    if wrong is None:
        return
    with pytest.raises(api.UsageError):
        mtlbench.Weigher("uncertainty", 2).backward(wrong)
    with pytest.raises(api.UsageError):
        mtlbench.Weigher("mgda", 2).backward(parameter * torch.ones(3, 2), shared=wrong if wrong else [3])
    with pytest.raises(api.UsageError):
        mtlbench.Weigher("uncertainty", 2).load_state_dict(wrong)
    for given in ("logits", "labels", "observed", "sample_weights"):
        with pytest.raises(api.UsageError):
            mtlbench.Weigher("mgda", 2).backward(parameter * torch.ones(3, 2), **{given: wrong})


# -- losses ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "given", "reason"),
    [
        ("mgda", torch.ones(3, requires_grad=True), r"shape \(3,\); expected \(2,\) or \(B, 2\)"),
        ("mgda", torch.ones(2), "have no gradient"),
        ("mgda", [torch.ones(3, requires_grad=True), torch.ones(2)], r"shapes \[\(2,\), \(3,\)\]"),
        ("mgda", torch.ones(2, device="meta", requires_grad=True), "give device='meta'"),
        (
            "mgda",
            {"click": torch.ones(2)},
            r"have a str among them; give one tensor per task, such as list\(losses\.val",
        ),
        ("focal", torch.ones(4, 2, requires_grad=True), r"reads step\.labels, the labels: give backward"),
        ("loss-aware", torch.ones(2, requires_grad=True), r"weighs each sample: give losses \(B, K\)"),
    ],
    ids=["tasks", "no gradient", "shapes", "device", "mapping", "labels", "per sample"],
)
def test_losses_that_cannot_be_weighed_are_refused(name: str, given: Tensor | list[Tensor], reason: str):
    with pytest.raises(api.UsageError, match=reason):
        mtlbench.Weigher(name, 2).backward(given)


def test_an_unobserved_loss_that_is_nan_is_refused_because_its_gradient_would_be_nan():
    values = torch.tensor([[1.0, torch.nan]], requires_grad=True)
    with pytest.raises(api.UsageError, match=r"labels\.nan_to_num\(\)"):
        mtlbench.Weigher("uncertainty", 2).backward(2 * values, observed=~values.isnan())


@pytest.mark.parametrize("name", ["uncertainty", "famo", "mgda"])
def test_a_loss_that_is_no_finite_number_is_named_and_leaves_the_weighting_as_it_was(name: str):
    model, weigher = Towers(2), mtlbench.Weigher(name, 2)
    state = copy.deepcopy(weigher.state_dict())
    one, other = losses(model, inputs())
    with pytest.raises(api.TrainingError, match=r"'task2': nan.*, not all finite: .* by labels= or observed="):
        weigher.backward([one, other * torch.nan])
    assert all(torch.equal(value, state[part]) for part, value in weigher.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


class Compiled(torch.autograd.Function):
    """Goes backward as a compiled network that gives its buffers away, which takes seconds to compile."""

    @staticmethod
    def forward(ctx, values: Tensor) -> Tensor:
        return values.clone()

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        raise RuntimeError("This backward function was compiled with non-empty donated buffers which requires ...")


def test_a_compiled_network_that_forbids_two_passes_is_refused_with_the_setting():
    model = Towers(2)
    shared = Compiled.apply(model.bottom(inputs()))
    with pytest.raises(api.UsageError, match=r"_functorch\.config\.donated_buffer = False before the first step"):
        mtlbench.Weigher("mgda", 2).backward([tower(shared).mean() for tower in model.towers])


def test_what_is_no_parameter_is_refused_as_shared():
    model = Towers(2)
    frozen = nn.Linear(1, 1).requires_grad_(requires_grad=False)
    for given, reason in {
        model: "one is a Linear",
        frozen: "all are frozen, or of another network",
    }.items():
        shared = [model.bottom] if given is model else frozen.parameters()
        with pytest.raises(api.UsageError, match=reason):
            mtlbench.Weigher("mgda", 2).backward(losses(model, inputs()), shared)


def test_networks_that_share_nothing_are_refused():
    one, other = nn.Linear(5, 1), nn.Linear(5, 1)
    with pytest.raises(api.UsageError, match="no parameter is reached by the gradients of two tasks"):
        mtlbench.Weigher("mgda", 2).backward([one(inputs()).mean(), other(inputs()).mean()])


def test_sparse_gradients_are_refused():
    table = nn.Embedding(9, 2, sparse=True)
    looked_up = table(torch.arange(4))
    with pytest.raises(api.UsageError, match="make embeddings with sparse=False"):
        mtlbench.Weigher("mgda", 2).backward([looked_up.sum(), looked_up.square().sum()])


def test_a_head_that_starts_at_zero_asks_for_the_shared_parameters():
    model = Towers(2)
    nn.init.zeros_(model.towers[1].weight)
    weigher = mtlbench.Weigher("mgda", 2)
    with pytest.raises(api.UsageError, match="where the head of a task starts at 0, give shared="):
        weigher.backward(losses(model, inputs()))
    assert weigher.backward(losses(model, inputs()), shared=model.bottom.parameters()).sum() == pytest.approx(2)


def test_a_parameter_that_is_thawed_later_gets_its_gradient():
    model = Towers(2)
    model.bottom.bias.requires_grad_(False)
    weigher = mtlbench.Weigher("mgda", 2)
    weigher.backward(losses(model, inputs()))
    assert model.bottom.bias.grad is None
    model.bottom.bias.requires_grad_(True)
    weigher.backward(losses(model, inputs()))
    assert model.bottom.bias.grad is not None


def test_only_the_given_parameters_are_weighed():
    model, plain = Towers(2), Towers(2)
    mtlbench.Weigher("mgda", 2).backward(losses(model, inputs()), shared=[model.bottom.weight])
    torch.stack(losses(plain, inputs())).mean().backward()
    names = [name for name, _ in model.named_parameters()]
    for name, one, other in zip(names, gradients(model), gradients(plain), strict=True):
        assert torch.allclose(one, other) == (name != "bottom.weight")


# -- steps -----------------------------------------------------------------------------------------------------------


def test_famo_looks_again_and_says_so_when_it_cannot():
    model, weigher = Towers(2), mtlbench.Weigher("famo", 2)
    optimiser = torch.optim.SGD(model.parameters(), 0.05)
    assert weigher.reads_losses_after_step
    weigher.backward(losses(model, inputs()))
    weigher.backward(losses(model, inputs()))  # gradients are accumulated: no step was taken yet
    optimiser.step()
    with pytest.raises(api.UsageError, match=r"call weigher\.after_step\(losses\)"):
        weigher.backward(losses(model, inputs()))
    with pytest.raises(api.UsageError, match="compute them again"):
        weigher.after_step()
    with torch.no_grad():
        weigher.after_step(losses(model, inputs()))
    assert weigher.backward(losses(model, inputs())).sum() == pytest.approx(2)


def test_after_step_is_nothing_to_other_methods():
    weigher = mtlbench.Weigher("uncertainty", 2)
    weigher.after_step()
    assert not weigher.reads_losses_after_step


@pytest.mark.parametrize("name", ["dwa", "stch", "gradnorm", "metabalance", "adatask", "uncertainty"])
def test_a_weigher_goes_on_from_its_state(name: str):
    model, weigher = Towers(3), mtlbench.Weigher(name, 3)
    for epoch in range(3):
        for step in range(2):
            weigher.backward(losses(model, inputs(seed=10 * epoch + step)))
        weigher.end_epoch()
    resumed = mtlbench.Weigher(name, 3)
    resumed.load_state_dict(copy.deepcopy(weigher.state_dict()))
    other = copy.deepcopy(model)
    for _ in range(2):
        for subject, own in ((weigher, model), (resumed, other)):
            own.zero_grad()
            subject.backward(losses(own, inputs(seed=99)))
            subject.end_epoch()
        assert_same(gradients(model), gradients(other))


@pytest.mark.parametrize("name", ["db-mtl", "metabalance", "adatask", "famo"])
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda weigher: pickle.loads(pickle.dumps(weigher))])
def test_a_copied_weigher_goes_on_beside_a_copied_network(name: str, copied):
    model, weigher = Towers(3), mtlbench.Weigher(name, 3)
    for step in range(3):
        weigher.backward(losses(model, inputs(seed=step)))
        weigher.after_step(losses(model, inputs(seed=step)))
    other, own = copy.deepcopy(model), copied(weigher)
    for _ in range(2):
        for subject, network in ((weigher, model), (own, other)):
            network.zero_grad()
            subject.backward(losses(network, inputs(seed=9)))
            subject.after_step(losses(network, inputs(seed=9)))
        assert_same(gradients(model), gradients(other))


def test_a_state_of_another_method_or_of_other_tasks_is_refused():
    for state in ({}, mtlbench.Weigher("mgda", 2).state_dict(), mtlbench.Weigher("famo", 3).state_dict()):
        with pytest.raises(api.UsageError, match="the state is none of uncertainty with 2 tasks"):
            mtlbench.Weigher("uncertainty", 2).load_state_dict(state)


def test_random_methods_draw_from_torchs_generator_or_from_their_own():
    model = Towers(2)

    def weights(seed: int | None, outside: int) -> list[float]:
        torch.manual_seed(outside)
        return mtlbench.Weigher("rlw", 2, seed=seed).backward(losses(model, inputs())).tolist()

    assert weights(None, 1) == weights(None, 1) != weights(None, 2)
    assert weights(5, 1) == weights(5, 2) != weights(6, 1)
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    mtlbench.Weigher("rlw", 2, seed=5).backward(losses(model, inputs()))
    assert torch.equal(torch.rand(2), expected)


# -- mixed precision ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mgda", "uncertainty", "graddrop"])
def test_under_a_grad_scaler_a_step_is_that_of_full_precision(name: str):
    scaled, plain = Towers(2), Towers(2)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    weights = []
    for model, of_step in ((scaled, scaler), (plain, None)):
        optimiser = torch.optim.SGD(model.parameters(), 0.1)
        torch.manual_seed(0)
        weights.append(mtlbench.Weigher(name, 2).backward(losses(model, inputs()), scaler=of_step))
        if of_step is None:
            optimiser.step()
        else:
            of_step.step(optimiser)
            of_step.update()
    torch.testing.assert_close(*weights)
    assert_same(list(scaled.parameters()), list(plain.parameters()))


def test_a_step_that_overflows_is_left_out_by_the_scaler_and_forgotten_by_the_weighting():
    model, weigher = Towers(2), mtlbench.Weigher("gradnorm", 2)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**126)
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    before, state = copy.deepcopy(model.state_dict()), copy.deepcopy(weigher.state_dict())
    weights = weigher.backward([1e5 * loss for loss in losses(model, inputs())], scaler=scaler)
    scaler.step(optimiser)
    scaler.update()
    assert weights.isnan().all()
    assert scaler.get_scale() == 2.0**125
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(torch.allclose(value, state[name], equal_nan=True) for name, value in weigher.state_dict().items())


def test_a_loss_that_overflows_is_left_out_by_the_scaler_and_forgotten_by_a_method_of_losses():
    model, weigher = Towers(2), mtlbench.Weigher("uncertainty", 2)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0)
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    before, state = copy.deepcopy(model.state_dict()), copy.deepcopy(weigher.state_dict())
    weights = weigher.backward([loss * torch.inf for loss in losses(model, inputs())], scaler=scaler)
    scaler.step(optimiser)
    scaler.update()
    assert weights.isnan().all()
    assert scaler.get_scale() == 1
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(torch.equal(value, state[name]) for name, value in weigher.state_dict().items())


def test_losses_of_half_precision_are_weighed():
    model = Towers(2).to(torch.bfloat16)
    weights = mtlbench.Weigher("upgrad", 2).backward(losses(model, inputs().to(torch.bfloat16)))
    assert weights.dtype == torch.float32
    assert all(gradient.dtype == torch.bfloat16 for gradient in gradients(model))


# -- optimisers ------------------------------------------------------------------------------------------------------


def test_several_optimisers_each_take_their_parameters():
    model = Towers(2)
    optimisers = [torch.optim.SGD(model.bottom.parameters(), 0.1), torch.optim.Adam(model.towers.parameters())]
    before = copy.deepcopy(model.state_dict())
    mtlbench.Weigher("imtl-g", 2).backward(losses(model, inputs()))
    for optimiser in optimisers:
        optimiser.step()
    assert not any(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_manual_optimisation_of_lightning():
    lightning = pytest.importorskip("lightning.pytorch", reason="the loop of Lightning: pip install lightning")

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.automatic_optimization = False
            self.model, self.weigher = Towers(2), mtlbench.Weigher("mgda", 2)

        def training_step(self, batch: list[Tensor], _: int) -> None:
            optimiser = self.optimizers()
            optimiser.zero_grad()
            self.weigher.backward(losses(self.model, batch[0]), self.model.bottom.parameters())
            optimiser.step()

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), 0.1)

    module, plain = Module(), Towers(2)
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(inputs(32)), batch_size=8)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    lightning.Trainer(max_epochs=1, accelerator="cpu", enable_model_summary=False, **quiet).fit(module, data)
    weigher, optimiser = mtlbench.Weigher("mgda", 2), torch.optim.SGD(plain.parameters(), 0.1)
    for (batch,) in data:
        optimiser.zero_grad()
        weigher.backward(losses(plain, batch), plain.bottom.parameters())
        optimiser.step()
    assert_same(list(module.model.parameters()), list(plain.parameters()))
