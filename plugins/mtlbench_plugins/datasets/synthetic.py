"""Generated sessions whose Bayes-optimal predictions are known."""

from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from mtlbench import api
from mtlbench_plugins.datasets._synthetic_causes import (
    AFFINITY_SPREAD,
    LEVELS,
    SHARES,
    Sizes,
    Vector,
    impressions,
    score,
    with_mean,
)
from mtlbench_plugins.datasets._synthetic_tasks import ManyTasks

INTRICATE = {"taste": 0.7, "device": 0.15, "price": 0.15}
"""The same for impressions whose difficulty is a signal. They depend mostly on an interaction, a new one."""
HIDDEN = 0.8
"""How far probabilities are moved to their mean where difficulty is noise, as a share of the distance."""

MOST_CLICKS, MOST_CONVERSIONS = 0.55, 0.5
"""P(click) and P(conversion | click) at sparsity 0."""


FUNNEL, MIXED = "funnel", "mixed"


class Synthetic(api.Dataset):
    r"""Generated sessions whose Bayes-optimal predictions are known: clicks and conversions, or many tasks.

    This is our own generator; there are no raw files and no licence. A row is an impression of an item to a user, at
    place t of a session:

    .. math::
        p_{click} = \sigma(b_1 + z_1 - d \ln(1 + t)), \qquad
        p_{conversion} = p_{click} \, \sigma(b_2 + z_2 - d \ln(1 + t))

        z_1 = s u, \qquad z_2 = s (\cos(\pi c) \, u + \sin(\pi c) \, v)

    u and v are independent draws of one latent-factor score: effects of user, item, category, brand, device, time of
    day and price, and a rank-2 interaction of the user's segment with the item's category. c is ``conflict``: with 0
    both tasks want the same, with 0.5 unrelated things, with 1 opposite things. d is ``drift``, t the ``position`` in
    the session, and s = 1.4. b_1 and b_2 are set so that the mean of the probabilities is 0.55 (1 - ``sparsity``) and,
    among clicks, 0.5 (1 - ``sparsity``).

    ``difficulty`` makes impressions hard from place ``hard_from`` of a session on, in one of two ways. ``noise`` hides
    the causes: both probabilities are moved 80 % of the way to their mean. Much of the loss there is chance, which no
    model can learn. ``signal`` gives these impressions their own causes: u and v are drawn anew there, mostly from the
    interaction. Much of the loss there is what a model has not learnt yet.

    **Many tasks.** With ``tasks`` from 3 to 16, or another ``kinds`` than ``funnel``, the tasks are parallel. ``mixed``
    are binary, real and nonnegative in turn. Task k has an affinity :math:`a_k = s z_k - d \ln(1 + t)`; the scores
    :math:`z_k` have variance 1, and two tasks' scores correlate by :math:`r = \cos(\pi c)`, exactly. If r is negative,
    every second task wants the opposite, and tasks that want the same correlate by \|r\|. The label of a task is

    ``binary``
        1 with probability :math:`\sigma(b_k + a_k)`. The base rates fall from 0.4 to ``rarest``, by equal factors.
    ``real``
        :math:`\sqrt{1 - n_k} \, a'_k + \sqrt{n_k} \, e`, where a' is the standardised affinity and e standard normal.
    ``nonnegative``
        :math:`\mu_k` times a sum of m exponential draws over the mean of m, which is Poisson, so that some labels are
        0. :math:`\mu_k` is :math:`\exp(0.7 a'_k)`, scaled to a mean of 30. The mean of m is set so that the share
        :math:`n_k` of the label's variance is chance.

    The share of chance :math:`n_k` falls over the number tasks from 0.5 to 0.5 / ``scale``, by equal factors. So R2 of
    the optimum is :math:`1 - n_k`, and the squared loss of a real task, which the harness standardises, cannot fall
    below :math:`n_k`: ``scale`` is the ratio of the losses that remain. Of each task but the first the share
    ``unobserved`` of the labels, drawn independently of all else, is missing. ``sparsity`` and ``difficulty`` are of
    the funnel alone.

    Every cause is an input. So the true means, the probabilities of binary tasks, are functions of the inputs, and the
    best predictions that are possible; they are the log's ``optimum``. A model can come close to them, but it cannot
    beat them, except by luck on a small test split. Sessions have geometric lengths. Users come back over 14 days, each
    with an activity of their own. Nothing but the causes above influences a label.

    Inputs: user_id, item_id, segment, device, category, brand, daypart (quarter of the day, UTC), price (standard
    normal), position (ln(1 + t), known at the impression). Left out: the true means. Sessions: as generated. Tasks:
    click, conversion (a funnel); of many tasks kind and number, such as ``real_2``.
    """

    name, label = "synthetic", "Synthetic"

    class Params(api.Params):
        """Parameters of ``synthetic``."""

        rows: int = Field(50_000, ge=100, le=100_000_000, description="impressions")
        users: int = Field(200, ge=1, le=10_000_000, description="users")
        items: int = Field(100, ge=1, le=10_000_000, description="items")
        sparsity: float = Field(
            0.5, ge=0, lt=1, description="how rare labels are: 0.5 gives 27 % clicks, 7 % conversions"
        )
        conflict: float = Field(0.3, ge=0, le=1, description="0: both tasks want the same; 0.5: unrelated; 1: opposite")
        drift: float = Field(0.3, ge=-2, le=2, description="fatigue along the session; negative: growing interest")
        session_length: float = Field(6.0, ge=1, le=1000, description="mean impressions of a session")
        difficulty: Literal["none", "noise", "signal"] = Field(
            "none", description="what makes late impressions hard: nothing, chance, or causes of their own"
        )
        hard_from: int = Field(3, ge=0, description="place in the session, from 0, at which impressions become hard")
        seed: int = Field(0, ge=0, description="seed of the generator, not of the training")
        tasks: int = api.added_later(2, ge=2, le=16, description="number of tasks")
        kinds: Literal["funnel", "mixed", "binary", "real", "nonnegative"] = api.added_later(
            FUNNEL, description="of the tasks; funnel is of 2 tasks, and mixed stands for it where tasks is more"
        )
        rarest: float = api.added_later(0.05, gt=0, le=0.4, description="base rate of the last binary task")
        scale: float = api.added_later(1.0, ge=1, le=100, description="chance in the first number task over the last")
        unobserved: float = api.added_later(
            0.0, ge=0, lt=1, description="share of labels missing, but of the first task"
        )

        @model_validator(mode="before")
        @classmethod
        def _many_are_mixed(cls, given: Any) -> Any:
            if isinstance(given, dict) and "kinds" not in given and str(given.get("tasks", 2)) != "2":
                return {**given, "kinds": MIXED}
            return given

        @model_validator(mode="after")
        def _all_are_used(self) -> Self:
            funnel = self.kinds == FUNNEL
            if funnel and self.tasks != 2:
                raise ValueError(f"kinds=funnel is of 2 tasks, not of {self.tasks}: choose another")
            others = ("rarest", "scale", "unobserved") if funnel else ("sparsity", "difficulty", "hard_from")
            for name in others:
                if getattr(self, name) != type(self).model_fields[name].default:
                    raise ValueError(
                        f"{name} is no parameter of kinds={self.kinds}: leave it out, or give "
                        f"{'tasks=3 or more' if funnel else 'kinds=funnel'}"
                    )
            return self

    params: Params

    def load(self, root: Path) -> api.Log:
        """Generate the log; ``root`` is not read."""
        params = self.params
        random = np.random.default_rng(params.seed)
        sizes = Sizes(params.rows, params.users, params.items, params.session_length)
        frame = impressions(sizes, random)
        tasks: list[api.Task] | tuple[api.Task, ...]
        if params.kinds == FUNNEL:
            tasks, labels = api.funnel("click", "conversion"), self._funnel(frame, sizes, random)
        else:
            chosen = ("rarest", "scale", "unobserved", "conflict", "drift")
            many = ManyTasks.of(params.kinds, params.tasks, **{name: getattr(params, name) for name in chosen})
            tasks, labels = many.tasks, many.labels(frame, sizes, random)
        return api.Log(
            frame=pd.concat([frame, labels], axis="columns"),
            tasks=tasks,
            categorical=("user_id", "item_id", *LEVELS),
            numerical=("price", "position"),
            timestamp="time_ms",
            session="session",
            user="user_id",
            user_inputs=("user_id", "segment"),
            optimum=[str(name) for name in labels if name not in {task.name for task in tasks}],
        )

    def _funnel(self, frame: pd.DataFrame, sizes: Sizes, random: np.random.Generator) -> pd.DataFrame:
        """Click and conversion, and their probabilities."""
        params = self.params
        wanted, other = score(frame, sizes, random, SHARES), score(frame, sizes, random, SHARES)
        hard = frame["position"].to_numpy() >= np.log1p(params.hard_from)
        if params.difficulty == "signal":
            wanted = np.where(hard, score(frame, sizes, random, INTRICATE), wanted)
            other = np.where(hard, score(frame, sizes, random, INTRICATE), other)
        angle = np.pi * params.conflict
        fatigue = params.drift * frame["position"].to_numpy()
        click = with_mean(AFFINITY_SPREAD * wanted - fatigue, MOST_CLICKS * (1 - params.sparsity))
        convert = with_mean(
            AFFINITY_SPREAD * (np.cos(angle) * wanted + np.sin(angle) * other) - fatigue,
            MOST_CONVERSIONS * (1 - params.sparsity),
            weights=click,
        )
        if params.difficulty == "noise":
            click, convert = (np.where(hard, _flattened(p), p) for p in (click, convert))
        clicked = random.random(params.rows) < click
        converted = clicked & (random.random(params.rows) < convert)
        return pd.DataFrame(
            {"p_click": click, "p_conversion": click * convert, "click": clicked, "conversion": converted}
        )


def _flattened(probabilities: Vector) -> Vector:
    """The probabilities moved towards their mean, by the share ``HIDDEN``."""
    flat: Vector = HIDDEN * probabilities.mean() + (1 - HIDDEN) * probabilities
    return flat
