"""Generated sessions whose Bayes-optimal predictions are known."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field
from scipy.optimize import brentq
from scipy.special import expit

from mtlbench import api

Vector = NDArray[np.float64]

START_MS = 1_704_067_200_000  # 2024-01-01, UTC
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
DAYS = 14
SESSIONS_PER_HOUR = 1 + 0.8 * np.cos(2 * np.pi * (np.arange(24) - 20) / 24)
SECONDS_BETWEEN_IMPRESSIONS = 20

LEVELS = {"segment": 5, "device": 3, "category": 8, "brand": 10, "daypart": 4}
SHARES = {
    "user_id": 0.03,
    "item_id": 0.03,
    "taste": 0.04,
    "category": 0.28,
    "brand": 0.12,
    "device": 0.17,
    "daypart": 0.05,
    "price": 0.28,
}
"""Share of the variance of a task's affinity that comes from each cause; ``taste`` is segment times category."""
INTRICATE = {"taste": 0.7, "device": 0.15, "price": 0.15}
"""The same for impressions whose difficulty is a signal. They depend mostly on an interaction, a new one."""
TASTE_RANK = 2
AFFINITY_SPREAD = 1.4

HIDDEN = 0.8
"""How far probabilities are moved to their mean where difficulty is noise, as a share of the distance."""

MOST_CLICKS, MOST_CONVERSIONS = 0.55, 0.5
"""P(click) and P(conversion | click) at sparsity 0."""


class Synthetic(api.Dataset):
    r"""Generated sessions of clicks and conversions whose Bayes-optimal pCTR and pCTCVR are known.

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

    Every cause is an input. So the probabilities are functions of the inputs, and the best predictions that are
    possible; they are the log's ``optimum``. A model can come close to them, but it cannot beat them, except by luck on
    a small test split. Sessions have geometric lengths. Users come back over 14 days, each with an activity of their
    own. Nothing but the causes above influences a label.

    Inputs: user_id, item_id, segment, device, category, brand, daypart (quarter of the day, UTC), price (standard
    normal), position (ln(1 + t), known at the impression). Left out: the true probabilities. Sessions: as generated.
    Tasks: click, conversion (a funnel).
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

    params: Params

    def load(self, root: Path) -> api.Log:
        """Generate the log; ``root`` is not read."""
        params = self.params
        random = np.random.default_rng(params.seed)
        frame = _impressions(params, random)
        wanted, other = _score(frame, params, random, SHARES), _score(frame, params, random, SHARES)
        hard = frame["position"].to_numpy() >= np.log1p(params.hard_from)
        if params.difficulty == "signal":
            wanted = np.where(hard, _score(frame, params, random, INTRICATE), wanted)
            other = np.where(hard, _score(frame, params, random, INTRICATE), other)
        angle = np.pi * params.conflict
        fatigue = params.drift * frame["position"].to_numpy()
        click = _with_mean(AFFINITY_SPREAD * wanted - fatigue, MOST_CLICKS * (1 - params.sparsity))
        convert = _with_mean(
            AFFINITY_SPREAD * (np.cos(angle) * wanted + np.sin(angle) * other) - fatigue,
            MOST_CONVERSIONS * (1 - params.sparsity),
            weights=click,
        )
        if params.difficulty == "noise":
            click, convert = (np.where(hard, _flattened(p), p) for p in (click, convert))
        frame["p_click"], frame["p_conversion"] = click, click * convert
        clicked = random.random(params.rows) < click
        frame["click"], frame["conversion"] = clicked, clicked & (random.random(params.rows) < convert)
        return api.Log(
            frame=frame,
            tasks=api.funnel("click", "conversion"),
            categorical=("user_id", "item_id", *LEVELS),
            numerical=("price", "position"),
            timestamp="time_ms",
            session="session",
            user="user_id",
            user_inputs=("user_id", "segment"),
            optimum=("p_click", "p_conversion"),
        )


def _impressions(params: Synthetic.Params, random: np.random.Generator) -> pd.DataFrame:
    """Who is shown what and when: every column but the labels."""
    rows = params.rows
    lengths = random.geometric(1 / params.session_length, size=rows)
    session = np.repeat(np.arange(rows), lengths)[:rows]
    sessions = int(session[-1]) + 1
    first = np.flatnonzero(np.diff(session, prepend=-1))

    activity = random.gamma(2.0, size=params.users)
    user = random.choice(params.users, size=sessions, p=activity / activity.sum())[session]
    popularity = 1 / np.sqrt(np.arange(1, params.items + 1))
    item = random.choice(params.items, size=rows, p=popularity / popularity.sum())

    hour = random.choice(24, size=sessions, p=SESSIONS_PER_HOUR / SESSIONS_PER_HOUR.sum())
    start = START_MS + random.integers(DAYS, size=sessions) * DAY_MS + hour * HOUR_MS
    start += random.integers(HOUR_MS, size=sessions)
    elapsed = np.cumsum(1 + random.exponential(1000 * SECONDS_BETWEEN_IMPRESSIONS, size=rows).astype(np.int64))
    time = start[session] + elapsed - elapsed[first][session]

    return pd.DataFrame(
        {
            "session": session,
            "time_ms": time,
            "user_id": user,
            "item_id": item,
            "segment": random.integers(LEVELS["segment"], size=params.users)[user],
            "device": random.integers(LEVELS["device"], size=sessions)[session],
            "category": random.integers(LEVELS["category"], size=params.items)[item],
            "brand": random.integers(LEVELS["brand"], size=params.items)[item],
            "daypart": time // HOUR_MS % 24 * LEVELS["daypart"] // 24,
            "price": random.normal(size=params.items)[item],
            "position": np.log1p(np.arange(rows) - first[session]),
        }
    )


def _score(
    frame: pd.DataFrame, params: Synthetic.Params, random: np.random.Generator, shares: Mapping[str, float]
) -> Vector:
    """One draw of the latent-factor score of each row, of variance about 1, made of its causes by their ``shares``."""
    sizes = {"user_id": params.users, "item_id": params.items, **LEVELS}
    causes = {name: _standard(random.normal(size=size))[frame[name]] for name, size in sizes.items() if name in shares}
    segments = random.normal(size=(LEVELS["segment"], TASTE_RANK))
    categories = random.normal(size=(LEVELS["category"], TASTE_RANK))
    taste = (segments - segments.mean(0)) @ (categories - categories.mean(0)).T
    causes["taste"] = _standard(taste)[frame["segment"], frame["category"]]
    causes["price"] = frame["price"].to_numpy()
    score: Vector = sum((np.sqrt(shares[name]) * value for name, value in causes.items()), np.zeros(len(frame)))
    return score


def _flattened(probabilities: Vector) -> Vector:
    """The probabilities moved towards their mean, by the share ``HIDDEN``."""
    flat: Vector = HIDDEN * probabilities.mean() + (1 - HIDDEN) * probabilities
    return flat


def _standard(effects: Vector) -> Vector:
    """The effects, shifted and scaled to mean 0 and variance 1; a single effect becomes 0."""
    spread = effects.std()
    return (effects - effects.mean()) / spread if spread else np.zeros_like(effects)


def _with_mean(logits: Vector, mean: float, weights: Vector | None = None) -> Vector:
    """Probabilities from the logits, all shifted by the same number so that their (weighted) mean is ``mean``."""
    shift = brentq(lambda shift: np.average(expit(logits + shift), weights=weights) - mean, -100, 100)
    probabilities: Vector = expit(logits + shift)
    return probabilities
