"""A sound weighting, and one for each rule of the kit that breaks this rule and no other."""

from itertools import pairwise
from typing import Annotated, ClassVar

import torch
from breaking import registry
from pydantic import Field
from torch import Tensor

from mtlbench import api


class Sound(api.Weighting):
    r"""The slower a task's loss falls, the more it weighs.

    .. math:: w_k = (L_k / L_k^{(0)})^\alpha

    S. Liu, Y. Liang and A. Gitter, "Loss-balanced task weighting", AAAI 2019,
    https://doi.org/10.1609/aaai.v33i01.33019977.
    """

    name, label = "sound", "Sound"

    class Params(api.Params):
        """Parameters."""

        alpha: float = Field(0.5, ge=0, description="exponent")

    params: Params

    def setup(self, setting: api.Setting) -> None:
        self.first: Tensor | None = None

    def weigh(self, step: api.Step) -> Tensor:
        losses = step.task_losses.detach().clamp(min=1e-8)
        if self.first is None:
            self.first = torch.full_like(losses, torch.nan)
        self.first = torch.where(step.seen & self.first.isnan(), losses, self.first)
        return torch.where(step.seen, (losses / self.first) ** self.params.alpha, 1.0)

    def state_dict(self) -> dict[str, Tensor]:
        return {} if self.first is None else {"first": self.first}

    def load_state_dict(self, state) -> None:
        self.first = state.get("first")


BROKEN, breaks = registry(Sound)


@breaks("documented")
class Undocumented(Sound):
    r"""Has a formula and no source.

    .. math:: w_k = 1
    """


@breaks("parameters-are-described")
class Undescribed(Sound):
    class Params(api.Params):
        alpha: float = 0.5


@breaks("search-space")
class SearchesBeyondItsBounds(Sound):
    class Params(api.Params):
        """Parameters."""

        alpha: Annotated[float, api.search.Linear(-1, 1)] = Field(0.5, ge=0, description="exponent")


@breaks("one-task")
class NoneAlone(Sound):
    def weigh(self, step):
        weights = super().weigh(step)
        return weights / (1 if len(weights) > 1 else 0)


@breaks("two-tasks")
class NotTwo(Sound):
    def weigh(self, step):
        weights = super().weigh(step)
        return weights if len(weights) != 2 else weights.sum()


@breaks("five-tasks")
class ThreeAtMost(Sound):
    def weigh(self, step):
        return super().weigh(step)[:3]


@breaks("parallel-tasks")
class FunnelOnly(Sound):
    def setup(self, setting):
        super().setup(setting)
        self.on = all(task.after == before.name for before, task in pairwise(setting.tasks))

    def weigh(self, step):
        return super().weigh(step) / (1 if self.on or len(step.rows) > 30 else 0)


@breaks("mixed-kinds")
class ZeroOrOneAssumed(Sound):
    def weigh(self, step):
        assert ((step.labels == 0) | (step.labels == 1) | step.labels.isnan() | (step.labels == 1e9)).all()
        return super().weigh(step)


@breaks("without-sessions")
class SessionsAssumed(Sound):
    def setup(self, setting):
        super().setup(setting)
        assert setting.train.position.any()


@breaks("zero-losses")
class DividesByTheLoss(Sound):
    def weigh(self, step):
        return super().weigh(step) + 0.01 / step.losses.detach().mean(0)


@breaks("huge-losses")
class MultipliesLosses(Sound):
    def weigh(self, step):
        product = step.task_losses.detach().prod()
        return super().weigh(step) + product / (1 + product)


@breaks("nan-losses")
class RefusesNaN(Sound):
    def weigh(self, step):
        if step.losses.isnan().any():
            raise ArithmeticError("array must not contain infs or NaNs")
        return super().weigh(step)


@breaks("deterministic")
class StateOnTheClass(Sound):
    seen: ClassVar[list[Tensor]] = []

    def weigh(self, step):
        weights = super().weigh(step)
        self.seen.append(step.losses.detach().mean())
        return weights * (1 + torch.tensor(len(self.seen) * 1e-7))


@breaks("leaves-global-state-alone")
class Reseeds(Sound):
    def weigh(self, step):
        torch.manual_seed(0)
        return super().weigh(step)


@breaks("leaves-the-network-alone")
class ClipsParameters(Sound):
    def fit(self, trainer):
        self.backbone = trainer.backbone
        super().fit(trainer)

    @torch.no_grad()
    def after_step(self, step):
        for parameter in self.backbone.parameters():
            parameter.clamp_(-0.5, 0.5)


@breaks("weights-are-detached")
class Attached(Sound):
    def weigh(self, step):
        return super().weigh(step) * (1 + 1e-3 * step.losses.mean(0))


@breaks("state-round-trip")
class Forgets(Sound):
    def state_dict(self):
        return {}


@breaks("resumes-after-a-kill")
class ForgetsWithinAnEpoch(Sound):
    def setup(self, setting):
        super().setup(setting)
        self.steps = self.saved = torch.zeros(())

    def weigh(self, step):
        self.steps = self.steps + 1
        return super().weigh(step) * (1 + 0.1 * self.steps)

    def end_epoch(self, epoch):
        self.saved = self.steps

    def state_dict(self):
        return {**super().state_dict(), "steps": self.saved}

    def load_state_dict(self, state):
        super().load_state_dict(state)
        self.steps = self.saved = state["steps"]


@breaks("permutation-equivariant")
class PrefersTheFirst(Sound):
    def weigh(self, step):
        weights = super().weigh(step)
        return weights * torch.linspace(1.2, 1, len(weights))


@breaks("identical-tasks")
class Climbs(Sound):
    def weigh(self, step):
        return -super().weigh(step)


@breaks("reaches-every-parameter")
class WorstAlone(Sound):
    def weigh(self, step):
        losses = step.task_losses.detach()
        return (losses == losses.max()).float()


@breaks("large-vocabulary")
class AveragesGradients(api.DirectionWeighting, Sound):
    def setup(self, setting):
        super().setup(setting)
        self.average = {}

    def direct(self, step):
        now = {name: torch.stack(gradients).mean(0) for name, gradients in step.jacobian.items()}
        self.average = {name: now[name] + 0.5 * self.average.get(name, torch.zeros_like(now[name])) for name in now}
        return self.average

    def state_dict(self):
        return dict(self.average)

    def load_state_dict(self, state):
        self.average = dict(state)


@breaks("trains-with-every-backbone")
class KnowsItsParameters(Sound):
    def fit(self, trainer):
        assert len(dict(trainer.backbone.named_parameters())) < 12
        super().fit(trainer)


@breaks("not-a-duplicate")
class TwiceTheAverage(Sound):
    def weigh(self, step):
        return 2 * api.ones(step)


@breaks("rows-without-labels")
class CountsAllRows(Sound):
    def weigh(self, step):
        return super().weigh(step) * step.observed.float().mean(0)


@breaks("placeholders")
class ReadsPlaceholders(Sound):
    def weigh(self, step):
        return super().weigh(step) * (1 + 1e-3 * step.labels.nan_to_num().sum())


@breaks("all-observed")
class LooksForTheMask(Sound):
    def weigh(self, step):
        return super().weigh(step) * (1.001 if step.mask is not None and step.mask.all() else 1.0)


@breaks("batch-without-a-task")
class ForgetsTheUnseen(Sound):
    def weigh(self, step):
        weights = super().weigh(step)
        self.first = torch.where(step.seen, self.first, 1.1 * self.first.nan_to_num(1.0))
        return weights


@breaks("sample-weights")
class ForgetsTheSampleWeights(Sound):
    def weigh(self, step):
        losses = step.losses.detach().mean(0).clamp(min=1e-8)
        self.first = losses if self.first is None else self.first
        return (losses / self.first) ** self.params.alpha
