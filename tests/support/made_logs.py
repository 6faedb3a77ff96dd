"""Boards of made-up logs on which it is known what each weighting gains, without training."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from record_factory import plugin, runs

from mtlbench.leaderboards.boards.board import Board
from mtlbench.leaderboards.boards.grouping import boards
from mtlbench.leaderboards.boards.over_logs import OverLogs, over_logs
from mtlbench.records import Record

NOISE = 0.0005
"""Standard deviation over seeds of a weighting's lead."""
NAMES = ("Shop", "Hotel", "News", "Films", "Books", "Music", "Jobs", "Maps", "Games", "Trips", "Food", "Cars")
BASE = 0.7


def log_records(
    name: str, leads: Mapping[str, float], seeds: int = 10, trials: int = 0, noise: float = NOISE, **settings: Any
) -> list[Record]:
    """Records of constant weights and of the weightings in ``leads`` on one backbone.

    Args:
        name: of the log; another one has other noise.
        leads: weighting -> its AUC minus that of constant weights, before noise.
        seeds: how many.
        trials: over which all were tuned; 0 for defaults.
        noise: of a lead.
        settings: of :func:`record_factory.record`.
    """
    random = np.random.default_rng(list(name.encode()))
    base = BASE + random.normal(0, 0.002, seeds)
    data: dict[str, Any] = {
        "dataset": name.lower(),
        "dataset_label": name,
        "fingerprint": name.ljust(64, "f"),
        **settings,
    }
    found = _runs("Constant", base, trials, data)
    for weighting, lead in leads.items():
        found += _runs(weighting, base + lead + random.normal(0, noise, seeds), trials, data)
    return found


def _runs(weighting: str, aucs: Sequence[float], trials: int, data: Mapping[str, Any]) -> list[Record]:
    plain = weighting == "Constant"
    more = {"trials": trials} if trials else {}
    use = plugin(weighting.lower(), weighting, **more)
    if trials:
        use = use.model_copy(update={"params": {**use.params, "space": f"{data['dataset']}-{weighting}"}})
    return runs(
        "PLE" if plain else f"{weighting}-PLE",
        list(map(float, aucs)),
        weighting=use,
        baseline=plain and not trials,
        tuned_baseline=plain and bool(trials),
        **data,
    )


def log_boards(name: str, leads: Mapping[str, float], seeds: int = 10, **settings: Any) -> list[Board]:
    """The board of :func:`log_records`."""
    return boards(log_records(name, leads, seeds, **settings))


def over(leads: Sequence[Mapping[str, float]], seeds: int = 10, **settings: Any) -> OverLogs:
    """A log per element of ``leads``, under names of their own, and what they say over logs."""
    names = NAMES[: len(leads)]
    pages = [(name.lower(), log_boards(name, one, seeds, **settings)) for name, one in zip(names, leads, strict=True)]
    return over_logs(pages)[0]
