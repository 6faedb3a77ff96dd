"""Rows of tuned methods: the records that report what searches chose, in the place of the cells behind them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mtlbench.records.schema import Failure, PluginUse, Record, StageSpend
from mtlbench.records.searches import Search
from mtlbench.records.trials import Trial

TRIALS, SEARCHES, HALVING, SPACE = "trials", "searches", "halving", "space"
"""Parameters that a tuned row has beside those of its weighting; the space is shown where rows differ in nothing else.
"""

STAGE = "search"
"""The stage of a tuned row's budget that is the cost of its search."""


def way_of_tuning(params: Mapping[str, Any]) -> tuple[Any, ...]:
    """Equal for rows of one backbone that were tuned alike: over as many trials and searches, in the same way.

    The space of the weighting's own parameters does not count.

    Args:
        params: of the row's weighting.

    Returns:
        empty for a row that was not tuned.
    """
    if not _are_tuned(params):
        return ()
    return (
        params[TRIALS],
        params.get(SEARCHES, 1),
        params.get(HALVING, False),
        str(params[SPACE]).partition("-")[0],
    )


def untuned(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a row's weighting without those that say how the row was tuned."""
    return {name: value for name, value in params.items() if name not in (TRIALS, SEARCHES, HALVING, SPACE)}


def is_tuned(record: Record) -> bool:
    """Whether the record is one of a tuned row."""
    return _are_tuned(record.weighting.params)


def _are_tuned(params: Mapping[str, Any]) -> bool:
    """By the space too: a weighting may have a parameter ``trials`` of its own."""
    return {TRIALS, SPACE} <= params.keys()


def with_tuned_rows(records: Iterable[Record], searches: Sequence[Search]) -> Iterator[Record]:
    """``records`` without the cells that ran for ``searches`` alone, and with those of tuned rows.

    The record of a tuned row is that of a reporting cell, under the settings that its method had before the search: so
    it stands on the same board. Its weighting has the further parameter ``trials``, by which the row is told apart, and
    its budget has the whole search as one more stage.
    """
    hidden = {cell for search in searches for cell in search.hidden}
    wanted = {one.cell for search in searches for one in search.reports}
    found: dict[str, Record] = {}
    for record in records:
        if record.cell in wanted:
            found[record.cell] = record
        if record.cell not in hidden:
            yield record
    for search in searches:
        yield from _reports(search, found)


def _reports(search: Search, found: dict[str, Record]) -> Iterator[Record]:
    """The records of a tuned row that one search gives."""
    cells = {one.seed: one.cell for one in search.reports}
    cost = _cost(search.trials)
    for seed in search.report_seeds:
        record = found.get(cells.get(seed, ""))
        if record is not None:
            yield record.model_copy(
                update={
                    **_method(search),
                    "backbone": _as_it_ran(search.backbone, record.backbone),
                    "weighting": _tuned(search, _as_it_ran(search.weighting, record.weighting)),
                    "dataset": record.dataset,
                    "spend": [cost, *record.spend],
                }
            )
        else:
            yield _without_result(search, seed)


def _method(search: Search) -> dict[str, Any]:
    """What is the same for all records of the row, beside its plugins."""
    return {
        "method": search.method,
        "baseline": False,
        "tuned_baseline": search.baseline,
        "reference": False,
        "training": search.training,
        "preset": search.preset,
        "controls": [],
    }


def _tuned(search: Search, use: PluginUse) -> PluginUse:
    more: dict[str, Any] = {TRIALS: search.planned}
    if search.searches > 1:
        more[SEARCHES] = search.searches
    if search.halving:
        more[HALVING] = True
    params = {**use.params, **more, SPACE: search.space_key}
    return use.model_copy(update={"params": params, "changed": {**use.changed, **more}})


def _as_it_ran(base: PluginUse, use: PluginUse) -> PluginUse:
    """The plugin with the parameters of ``base``, and the code of ``use``."""
    return base.model_copy(update={"version": use.version, "source": use.source})


def _cost(trials: Sequence[Trial]) -> StageSpend:
    trainings = [one for trial in trials for one in trial.trainings]
    return StageSpend(
        stage=STAGE,
        steps=sum(one.steps for one in trainings),
        rows=sum(one.rows for one in trainings),
        seconds=sum(one.seconds for one in trainings),
        peak_memory_mib=0.0,
    )


def _without_result(search: Search, seed: int) -> Record:
    """A row must say that nothing was chosen, or that what was chosen was not reported."""
    if not search.trials:
        reason = "its search has not ended; run the study again"
    elif search.chosen is None:
        went_on = search.halving and not all(trial.stopped for trial in search.trials)
        which = "trials that were trained to the end" if went_on else f"{len(search.trials)} trials"
        reason = f"none of its {which} has a result"
    else:
        reason = (
            f"the record that reports trial {search.chosen} is missing; run the study again, which needs no new trial"
        )
    return Record(
        protocol=search.protocol,
        cell=f"{search.search}-{seed}",
        dataset=search.dataset,
        backbone=search.backbone,
        weighting=_tuned(search, search.weighting),
        seed=seed,
        status="failed",
        failure=Failure(reason=reason),
        **_method(search),
    )
