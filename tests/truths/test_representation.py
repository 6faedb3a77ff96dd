"""Gradients at the shared representation (SPEC-METHODS 1.9): what is compared, what is applied, what is refused."""

import copy
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from gradient_methods import started, weights
from linear_backbone import LinearBackbone
from small_splits import small_schema, small_split, small_splits
from torch import Tensor, nn
from torch.nn import functional as F
from wide_splits import BACKBONES, small_backbone

from mtlbench import api
from mtlbench.cells import Training
from mtlbench.config.specs import resolve
from mtlbench.discovery import Catalogue, Entry, discover
from mtlbench.experiments.applicability import KINDS_OF_DATASET, Applicability
from mtlbench.training.gradients import TASK_GRADIENTS
from mtlbench.training.model import Model
from mtlbench.training.representation import RepresentationBackward
from mtlbench.training.seeding import derive
from mtlbench.training.update import WeightedUpdate

WEIGHTINGS = {name: entry.cls for name, entry in discover(()).weightings.items()}
OF_GRADIENTS = {name: cls for name, cls in WEIGHTINGS.items() if cls.needs & TASK_GRADIENTS}
RepNorm = WEIGHTINGS["rep-norm"]
BATCH, STEPS = 16, 50
WIDER = {"bottom": (16, 12), "tower": (8,)}
ROWS = torch.arange(BATCH)


def splits_of(tasks: int) -> api.Splits:
    """A table larger than what a batch reads, and tasks of different rates that do not follow from each other."""
    fields = (api.Field("user", 400), api.Field("item", 50))
    schema = small_schema(tuple(f"task{k}" for k in range(tasks)), parallel=True, categorical=fields)
    parts = []
    for seed in (1, 2, 3):
        split, drawn = small_split(schema, 240, seed), torch.rand(240, tasks, generator=torch.manual_seed(seed))
        signal = split.numerical @ torch.linspace(-1, 1, 2 * tasks).view(2, tasks).sin()
        parts.append(replace(split, labels=(drawn < (signal - torch.linspace(0, 1, tasks)).sigmoid()).float()))
    return api.Splits(schema, *parts, fingerprint="wide", facts={})


def model(name: str, splits: api.Splits, **training: object) -> Model:
    return Model(small_backbone(name, splits, **WIDER), splits, Training(**{"batch_size": BATCH, **training}))


def method(name: str, **params: object) -> api.Weighting:
    cls = WEIGHTINGS[name]
    return cls(cls.Params(**({} if cls is RepNorm else {"at": "representation"}), **params))


class Fixed(api.Weighting):
    """Fixed weights; keeps the inner products that it saw."""

    name, label = "fixed", "Fixed"
    needs = frozenset({"gram"})
    at = "representation"

    def __init__(self, weights: Tensor) -> None:
        super().__init__(api.NoParams())
        self.weights = weights
        self.grams: list[Tensor] = []

    def weigh(self, step: api.Step) -> Tensor:
        self.grams.append(step.gram)
        return self.weights


# -- against a plain torch loop ---------------------------------------------------------------------------------------


def named_parts(backbone: api.Backbone, inputs: api.Inputs) -> tuple[list[Tensor], Tensor]:
    """The parts of H, and the logits, written out for two backbones."""
    if isinstance(backbone, BACKBONES["shared-bottom"]):
        h = backbone.bottom.mlp(backbone.bottom.embedding(inputs))
        return [h], torch.cat([tower(h) for tower in backbone.towers], dim=1)
    embedded = backbone.embedding(inputs)
    outputs, of_gates = [expert(embedded) for expert in backbone.experts], embedded.clone()
    features = [
        sum(share.unsqueeze(1) * one for share, one in zip(gate(of_gates).unbind(1), outputs, strict=True))
        for gate in backbone.gates
    ]
    logits = [tower(own) for tower, own in zip(backbone.towers, features, strict=True)]
    return [*outputs, of_gates], torch.cat(logits, dim=1)


def plain_loop(backbone: api.Backbone, splits: api.Splits, weighting: api.Weighting) -> None:
    """Dense Adam; R_k by one backward pass for each task, all that lies below H by another."""
    parameters = dict(backbone.named_parameters())
    adam = torch.optim.Adam(backbone.parameters(), lr=1e-3)
    weighting.setup(api.Setting(splits.schema.tasks))
    for number in range(STEPS):
        torch.manual_seed(derive(0, number))
        data = splits.train.inputs[rows_of(number)], splits.train.labels[rows_of(number)]
        h, logits = named_parts(backbone, data[0])
        losses = F.binary_cross_entropy_with_logits(logits, data[1], reduction="none")
        of_tasks = [
            torch.cat([g.flatten() for g in torch.autograd.grad(loss, h, retain_graph=True)]) for loss in losses.mean(0)
        ]
        step = api.Step(
            rows_of(number), data[0], data[1], logits, losses, number, api.SharedGradients({"H": tuple(of_tasks)})
        )
        combined = weighting.weigh(step).double() @ torch.stack(of_tasks).double() / len(of_tasks)
        carried = [
            part.view_as(one) for part, one in zip(combined.float().split([x.numel() for x in h]), h, strict=True)
        ]
        below = torch.autograd.grad(h, list(parameters.values()), carried, allow_unused=True, retain_graph=True)
        own = torch.autograd.grad(losses.mean(), list(parameters.values()))
        for parameter, of_h, of_loss in zip(parameters.values(), below, own, strict=True):
            parameter.grad = of_loss if of_h is None else of_h
        adam.step()


def rows_of(number: int) -> Tensor:
    return (torch.arange(BATCH) * 7 + number * BATCH) % 240


@pytest.mark.parametrize("tasks", [2, 6])
@pytest.mark.parametrize("backbone", ["shared-bottom", "mmoe"])
@pytest.mark.parametrize("name", ["mgda", "cagrad", "pcgrad", "rep-norm"])
def test_fifty_steps_are_those_of_a_plain_loop(name: str, backbone: str, tasks: int):
    splits = splits_of(tasks)
    subject = model(backbone, splits)
    plain = copy.deepcopy(subject.backbone)
    plain_loop(plain, splits, method(name))
    update = WeightedUpdate(method(name), api.Setting(splits.schema.tasks), subject)
    for number in range(STEPS):
        torch.manual_seed(derive(0, number))
        update.step(rows_of(number))
    subject.infer(splits.validation)
    for (key, fast), slow in zip(subject.backbone.named_parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(fast, slow, atol=2e-5, rtol=1e-4, msg=lambda text, key=key: f"{key}: {text}")


# -- what is applied ------------------------------------------------------------------------------------------------


def applied(subject: Model, weighting: api.Weighting, rows: Tensor = ROWS) -> tuple[dict[str, Tensor], api.Step]:
    """The gradients that one step descends, by name, and the step."""
    found: dict[str, Tensor] = {}
    subject.apply = lambda gradients, final=None: found.update(gradients)
    backward = RepresentationBackward(weighting, subject)
    torch.manual_seed(3)
    step = backward.forward(rows, 0)
    backward(step)
    return found, step


def task_gradients(subject: Model, rows: Tensor = ROWS) -> dict[str, list[Tensor]]:
    """The whole gradient of each task in each parameter, by plain autograd."""
    torch.manual_seed(3)
    step = subject.step(rows)
    leaves = subject.leaves()
    of_task = [
        torch.autograd.grad(loss, list(leaves.values()), retain_graph=True, materialize_grads=True)
        for loss in step.task_losses
    ]
    return {name: list(gradients) for name, gradients in zip(leaves, zip(*of_task, strict=True), strict=True)}


def below(backbone: api.Backbone, inputs: api.Inputs) -> set[str]:
    """The parameters that the representation was computed from."""
    with backbone.represented() as cut:
        backbone(inputs)
    ones = {name: torch.ones_like(leaf) for name, leaf in cut.leaves.items()}
    return set(cut.gradients(ones, dict(backbone.named_parameters())))


def assert_combined(subject: Model, found: dict[str, Tensor], weights: Tensor, rows: Tensor = ROWS) -> set[str]:
    """Below H the weighted sum of the whole task gradients, above it the plain average; gives what lies below."""
    under = below(copy.deepcopy(subject.backbone), subject._data.inputs[rows])
    for key, gradients in task_gradients(subject, rows).items():
        factors = weights if key in under else torch.ones_like(weights)
        expected = sum(w * g for w, g in zip(factors, gradients, strict=True)) / len(weights)
        torch.testing.assert_close(found[key], expected, atol=1e-6, rtol=1e-4)
    return under


@pytest.mark.parametrize("name", sorted(set(BACKBONES) - {"single-task", "escm2"}))  # escm2 has a penalty: below
def test_all_that_lies_below_follows_the_weighted_sum_and_all_above_the_plain_average(name: str):
    chosen = torch.tensor([0.25, 1.5])
    subject = model(name, small_splits())
    found, _ = applied(subject, Fixed(chosen))
    under = assert_combined(subject, found, chosen)
    assert any("embedding" in one for one in under)
    assert not any(one.startswith("towers") for one in under)


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("shared-bottom", "bottom.", "towers."),
        ("omoe", "gate.", "towers."),
        ("mmoe", "experts.", "gates."),
        ("snr-trans", "first.", "routes."),
        ("stem", "shared.", "own."),
        ("metaheac", "experts.", "critics."),
        ("ple", "embedding.", "levels."),
        ("esmm", "embedding.", "branches."),
    ],
)
def test_what_lies_below_is_what_the_backbone_says(name: str, inside: str, outside: str):
    splits = small_splits()
    under = below(small_backbone(name, splits), splits.train.inputs)
    names = {one for one, _ in small_backbone(name, splits).named_parameters()}
    assert {one for one in names if one.startswith(inside)} <= under
    assert not {one for one in under if one.startswith(outside)}


def test_unobserved_labels_and_sample_weights_are_those_of_the_task_losses():
    splits = small_splits()
    labels = splits.train.labels.clone()
    labels[::3, 0] = torch.nan
    weighted = replace(splits.train, labels=labels, weight=torch.linspace(0.5, 2, len(labels)))
    subject, chosen = model("mmoe", replace(splits, train=weighted)), torch.tensor([0.25, 1.5])
    found, step = applied(subject, Fixed(chosen))
    assert not step.observed.all()
    assert_combined(subject, found, chosen)


def test_a_row_of_weight_three_is_compared_as_three_rows():
    """A mean loss over 1 + 3 rows, whose gradient in H is 1/4 of a row's, or 3/4 where the row stands once.

    Weights count relative to their mean, here 2.
    """
    rows = torch.tensor([[[1.0, 2.0], [3.0, -1.0]], [[0.5, 1.0], [-2.0, 4.0]]])
    once = (rows * torch.tensor([1.0, 3.0]).view(2, 1) / 4).unbind(0)
    copied = (rows[:, [0, 1, 1, 1]] / 4).unbind(0)
    weighted = api.RepresentationGradients({"H": once}, sample_weights=torch.tensor([1.0, 3.0]))
    torch.testing.assert_close(weighted.gram, 2 * api.RepresentationGradients({"H": copied}).gram, rtol=1e-6, atol=0)
    zeros = {"H": (torch.zeros(2, 2), torch.zeros(2, 2))}
    nothing = api.RepresentationGradients(zeros, sample_weights=torch.tensor([0.0, 3.0]))
    assert torch.equal(nothing.gram, torch.zeros(2, 2).double())


def test_a_task_without_a_label_in_the_batch_leaves_a_finite_step():
    splits = small_splits()
    labels = splits.train.labels.clone()
    labels[:BATCH, 1] = torch.nan
    for name in ("mgda", "rep-norm", "cagrad"):
        weighting = method(name)
        weighting.setup(api.Setting(splits.schema.tasks))
        subject = model("shared-bottom", replace(splits, train=replace(splits.train, labels=labels)))
        found, _ = applied(subject, weighting)
        assert all(gradient.isfinite().all() for gradient in found.values())


def test_a_penalty_is_descended_once_on_both_sides():
    splits = small_splits()
    backbone = BACKBONES["escm2"](
        splits.schema, BACKBONES["escm2"].Params(embedding=8, bottom=(16,), tower=(4,), dropout=0.0)
    )
    subject = Model(backbone, splits, Training(batch_size=BATCH))
    found, _ = applied(subject, Fixed(torch.ones(2)))
    step = subject.step(ROWS)
    whole = step.losses.mean() + backbone.penalty(step)
    leaves = subject.leaves()
    for (name, _), gradient in zip(leaves.items(), torch.autograd.grad(whole, list(leaves.values())), strict=True):
        torch.testing.assert_close(found[name], gradient, atol=1e-6, rtol=1e-4)


def test_in_bfloat16_the_inner_products_are_of_single_precision_and_near_those_of_float32():
    grams = []
    for precision in ("float32", "bfloat16"):
        weighting = Fixed(torch.ones(2))
        applied(model("mmoe", small_splits(), precision=precision, batch_size=64), weighting, torch.arange(64))
        grams.append(weighting.grams[0])
    torch.testing.assert_close(grams[1], grams[0], rtol=0.1, atol=1e-7)


def test_gradients_of_a_direction_are_carried_down():
    splits = small_splits()
    for name in ("graddrop", "metabalance"):
        weighting = method(name, **({"leak": 1.0} if name == "graddrop" else {"r": 0.0}))
        weighting.setup(api.Setting(splits.schema.tasks))
        subject = model("mmoe", splits)
        found, _ = applied(subject, weighting)
        assert_combined(subject, found, torch.ones(2))


# -- truths of SPEC-METHODS 1.9 ---------------------------------------------------------------------------------------


def test_a_short_sum_at_the_representation_bounds_the_sum_in_parameters_below():
    """|sum_k a_k g_k| <= |dH/dtheta| |sum_k a_k R_k| for any a."""
    splits = splits_of(3)
    backbone = small_backbone("shared-bottom", splits).eval()
    theta = [value for name, value in backbone.named_parameters() if name.startswith("bottom.mlp")]
    h, logits = named_parts(backbone, splits.train.inputs[:6])
    losses = F.binary_cross_entropy_with_logits(logits, splits.train.labels[:6], reduction="none").mean(0)

    def flat(of: Tensor, by: list[Tensor], given: Tensor | None = None) -> Tensor:
        return torch.cat([g.flatten() for g in torch.autograd.grad(of, by, given, retain_graph=True)])

    g, r = (torch.stack([flat(loss, by) for loss in losses]) for by in (theta, h))
    jacobian = torch.stack([flat(h[0], theta, unit.view_as(h[0])) for unit in torch.eye(h[0].numel())])
    norm = torch.linalg.matrix_norm(jacobian, 2)
    for seed in range(20):
        a = torch.randn(3, generator=torch.Generator().manual_seed(seed))
        assert (a @ g).norm() <= norm * (a @ r).norm() * (1 + 1e-4)
    alpha = WEIGHTINGS["mgda"](WEIGHTINGS["mgda"].Params(at="representation"))
    least = weights(alpha, r).float() / 3
    assert (least @ g).norm() <= norm * (least @ r).norm() * (1 + 1e-4)


def norms(*values: float) -> Tensor:
    """Orthogonal gradients of these norms."""
    return torch.diag(torch.tensor(values, dtype=torch.float64))


def test_rep_norm_sums_to_the_number_of_tasks_and_equals_its_formula():
    found = weights(started(RepNorm, 3, r=1.0, beta=0.5), norms(0.1, 0.4, 2.0))
    inverse = 1 / torch.tensor([0.1, 0.4, 2.0], dtype=torch.float64)
    torch.testing.assert_close(found, 3 * inverse / inverse.sum())
    relaxed = weights(started(RepNorm, 3, r=0.25), norms(0.1, 0.4, 2.0))
    torch.testing.assert_close(relaxed, 0.25 * found + 0.75)
    assert float(relaxed.sum()) == pytest.approx(3)


def test_rep_norm_with_r_0_is_constant_and_of_identical_tasks_ones():
    assert torch.equal(weights(started(RepNorm, 3, r=0.0), norms(0.1, 0.4, 2.0)), torch.ones(3).double())
    same = torch.ones(4, 5).double()
    torch.testing.assert_close(weights(started(RepNorm, 4, r=1.0), same), torch.ones(4).double())


def test_rep_norm_gives_a_task_without_gradient_weight_one():
    found = weights(started(RepNorm, 3, r=1.0), norms(0.0, 1.0, 3.0))
    torch.testing.assert_close(found, torch.tensor([1, 1.5, 0.5]).double())
    assert torch.equal(weights(started(RepNorm, 2), norms(0.0, 0.0)), torch.ones(2).double())
    assert torch.equal(weights(started(RepNorm, 1), norms(5.0)), torch.ones(1).double())


def test_rep_norm_keeps_a_running_mean():
    method = started(RepNorm, 2, r=1.0, beta=0.9)
    weights(method, norms(1.0, 1.0))
    found = weights(method, norms(1.0, 3.0))
    means = torch.tensor([0.9 * 0.1 + 0.1, 0.9 * 0.1 + 0.3]).double()
    torch.testing.assert_close(found, 2 / means / (1 / means).sum())


# -- who has it, and who is refused -----------------------------------------------------------------------------------


def test_every_method_of_gradients_has_the_option_unless_it_says_why_not():
    without = {name for name, cls in OF_GRADIENTS.items() if "at" not in cls.Params.model_fields}
    elsewhere = {name for name, cls in OF_GRADIENTS.items() if cls.needs & {"parameters", "cross gram"}}
    assert without == elsewhere | {"rep-norm"}
    assert all("no option ``at``" in (WEIGHTINGS[name].__doc__ or "") for name in elsewhere)


@pytest.mark.parametrize("name", sorted(name for name, cls in OF_GRADIENTS.items() if "at" in cls.Params.model_fields))
def test_every_method_trains_at_the_representation(name: str):
    splits = splits_of(3)
    subject = model("mmoe", splits)
    update = WeightedUpdate(method(name), api.Setting(splits.schema.tasks), subject)
    for number in range(3):
        update.step(rows_of(number))
    assert all(value.isfinite().all() for value in subject.backbone.parameters())


def test_at_parameters_no_cell_is_another():
    for name, cls in OF_GRADIENTS.items():
        assert "at" not in api.identifying(cls.Params()), name
    assert api.identifying(WEIGHTINGS["mgda"].Params(at="representation")) == {"at": "representation"}


class Unmarked(LinearBackbone):
    def represent(self, shared: Tensor) -> Tensor:
        return shared


class Marked(LinearBackbone):
    """Marks what the tests say."""

    name, label = "marked", "Marked"
    read: Callable[["Marked", Tensor], Tensor]

    def __init__(self, schema: api.Schema, params: object = None) -> None:
        super().__init__(schema, params)
        self.towers = nn.ModuleList(nn.Linear(4, 1) for _ in schema.tasks)
        del self.logits

    def forward(self, inputs: api.Inputs) -> Tensor:
        looked_up = [field(inputs.categorical[:, f]) for f, field in enumerate(self.fields)]
        return self.read(torch.stack([*looked_up, self.numerical(inputs.numerical)]).sum(0))


class OfOneTask(Marked):
    def read(self, features: Tensor) -> Tensor:
        return torch.cat([tower(self.represent(features)) for tower in self.towers], dim=1)


class Around(Marked):
    def read(self, features: Tensor) -> Tensor:
        marked = self.represent(features)
        return torch.cat([tower(marked + features) for tower in self.towers], dim=1)


@pytest.mark.parametrize(
    ("backbone", "reason"),
    [
        (Unmarked, "names none"),
        (OfOneTask, "a part that fewer than two tasks read"),
        (Around, "not all that the tasks share: fields.0.weight reaches logits around it"),
    ],
)
def test_a_backbone_without_a_whole_representation_is_not_applicable(backbone: type[api.Backbone], reason: str):
    catalogue = Catalogue(backbones={"it": Entry(backbone, "backbone", "here")}, weightings=discover(()).weightings)
    schema = KINDS_OF_DATASET["funnel"]
    given = resolve(catalogue, "backbone", "it", {}, "quick")
    for name, at, refused in (
        ("mgda", "representation", True),
        ("mgda", "parameters", False),
        ("rep-norm", None, True),
    ):
        weighting = resolve(catalogue, "weighting", name, {} if at is None else {"at": at}, "quick")
        found = Applicability().reason(schema, given, weighting.create())
        assert (found is not None) == refused
        assert found is None or reason in found
    splits = small_splits()
    with pytest.raises(api.TrainingError, match=f"compares gradients of the shared representation here.*{reason}"):
        RepresentationBackward(Fixed(torch.ones(2)), Model(backbone(splits.schema), splits, Training(batch_size=BATCH)))


def test_without_such_a_method_a_mark_changes_nothing():
    splits = small_splits()
    backbone = small_backbone("mmoe", splits)
    features = torch.ones(2, 3, requires_grad=True)
    assert backbone.represent(features) is features
    with backbone.represented() as cut, torch.no_grad():
        assert backbone.represent(features) is not features
    assert list(cut.leaves) == ["representation 1"]
    assert backbone.represent(features) is features
