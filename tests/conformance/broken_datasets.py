"""A sound generated dataset, and one for each rule of the kit that breaks this rule and no other."""

import os
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from mtlbench import api

ROWS, USERS = 1500, 60
DAY = 86_400_000


class Sound(api.Dataset):
    r"""Clicks that depend on the price, and purchases among them.

    .. math:: p_{click} = \sigma(-x), \qquad p_{buy} = p_{click} / 2
    """

    name, label = "sound", "Sound"
    seed: ClassVar[int] = 3

    def load(self, root: Path) -> api.Log:
        random = np.random.default_rng(self.seed)
        frame = pd.DataFrame({"user": random.integers(USERS, size=ROWS), "item": random.integers(40, size=ROWS)})
        frame["time"] = np.sort(random.integers(30 * DAY, size=ROWS))
        frame["price"] = random.normal(size=ROWS)
        frame["visit"] = frame["user"] * 100 + frame["time"] // DAY
        frame["click"] = random.random(ROWS) < 1 / (1 + np.exp(frame["price"]))
        frame["buy"] = frame["click"] & (random.random(ROWS) < 0.5)
        settings: dict[str, Any] = {
            "tasks": api.funnel("click", "buy"),
            "categorical": ("user", "item"),
            "numerical": ("price",),
            "timestamp": "time",
            "session": "visit",
            "user": "user",
        }
        return api.Log(**{"frame": frame, **settings, **self.changes(frame, settings, random)})

    def changes(self, frame: pd.DataFrame, settings: dict[str, Any], random: np.random.Generator) -> dict[str, Any]:
        """What a broken dataset does otherwise; may add columns to ``frame``."""
        return {}


BROKEN: dict[str, list[type[Sound]]] = {}


def breaks(rule: str):
    def register(cls: type[Sound]) -> type[Sound]:
        cls.name, cls.label = f"breaks-{rule}", f"Breaks {rule}"
        cls.__doc__ = cls.__doc__ or Sound.__doc__
        BROKEN.setdefault(rule, []).append(cls)
        return cls

    return register


def with_number(values):
    """A ``changes`` that adds a numerical input."""

    def changes(self, frame, settings, random):
        frame["added"] = values(frame, random)
        return {"numerical": ("price", "added")}

    return changes


@breaks("documented")
class NoFormula(Sound):
    """Says nothing of how it is generated."""


@breaks("parameters-are-described")
class Undescribed(Sound):
    class Params(api.Params):
        rows: int = 7


@breaks("says-where-its-files-are-from")
class FilesUnchecked(Sound):
    """Reads https://example.org/sound.csv, and does not look whether it is there."""

    folder = "sound"

    def load(self, root: Path) -> api.Log:
        (root / "sound" / "log.csv").read_bytes()
        return super().load(root)


@breaks("splits-and-encodes")
class TasksInTheWrongOrder(Sound):
    def changes(self, frame, settings, random):
        return {"tasks": api.funnel("buy", "click")}


@breaks("deterministic")
class GlobalGenerator(Sound):
    def changes(self, frame, settings, random):
        state = np.random.get_state()  # noqa: NPY002
        frame["price"] += np.random.normal(scale=1e-6, size=ROWS)  # noqa: NPY002
        np.random.set_state(state)  # noqa: NPY002
        return {}


@breaks("leaves-global-state-alone")
class SetsAVariable(Sound):
    def load(self, root: Path) -> api.Log:
        os.environ["SOUND_LOADS"] = str(int(os.environ.get("SOUND_LOADS", "0")) + 1)
        return super().load(root)


@breaks("no-input-tells-a-label")
class FilledInAfterThePurchase(Sound):
    def changes(self, frame, settings, random):
        frame["order"] = pd.Series(np.arange(ROWS)).where(frame["buy"])
        return {"categorical": ("user", "item", "order")}


@breaks("no-input-tells-a-label")
class NoisyLabel(Sound):
    changes = with_number(lambda frame, random: frame["click"] + random.normal(scale=0.1, size=ROWS))


@breaks("no-input-tells-a-label")
class TellsThePurchaseOfAClick(Sound):
    changes = with_number(
        lambda frame, random: np.where(frame["click"], frame["buy"], random.integers(2, size=ROWS)).astype(float)
    )


class Amounts(Sound):
    r"""Clicks that depend on the price, and what is paid on some of them.

    .. math:: p_{click} = \sigma(-x)
    """

    def changes(self, frame, settings, random):
        frame["amount"] = np.where(frame["click"], random.gamma(2, size=ROWS) * random.integers(2, size=ROWS), np.nan)
        return {"tasks": ("click", api.Task("amount", "nonnegative", after="click", within=True))}


@breaks("no-input-tells-a-label")
class FilledInWithTheAmount(Amounts):
    def changes(self, frame, settings, random):
        changed = super().changes(frame, settings, random)
        frame["order"] = frame["amount"].fillna(0) + random.normal(scale=0.01, size=ROWS)
        return {**changed, "numerical": ("price", "order")}


@breaks("no-input-knows-the-future")
class MeanAmount(Amounts):
    def changes(self, frame, settings, random):
        changed = super().changes(frame, settings, random)
        frame["added"] = frame.groupby("user")["amount"].transform("mean")
        return {**changed, "numerical": ("price", "added")}


@breaks("no-input-knows-the-future")
class TargetEncoding(Sound):
    changes = with_number(lambda frame, random: frame.groupby("user")["click"].transform("mean"))


@breaks("no-input-knows-the-future")
class LengthOfTheVisit(Sound):
    changes = with_number(lambda frame, random: np.log1p(frame.groupby("visit")["item"].transform("size")))


@breaks("no-input-knows-the-future")
class DwellTime(Sound):
    changes = with_number(lambda frame, random: frame.groupby("user")["time"].shift(-1) - frame["time"])


class TrainingStatistics(Sound):
    """The mean click of a user over the training rows, and the rows of the user before this one: both are fair.

    .. math:: 1
    """

    name, label = "fair", "Fair"

    def changes(self, frame, settings, random):
        early = frame["click"].where(frame.index < 0.6 * ROWS)
        frame["rate"] = early.groupby(frame["user"]).transform("mean").astype(float)
        frame["before"] = np.log1p(frame.groupby("user").cumcount())
        return {"numerical": ("price", "rate", "before")}


@breaks("trains-with-every-backbone")
class Outliers(Sound):
    def changes(self, frame, settings, random):
        frame["price"] *= np.where(frame.index < 0.6 * ROWS, (frame.index % 50 == 0) * 1e-15, 1e20)
        return {}
