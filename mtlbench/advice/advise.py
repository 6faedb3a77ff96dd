"""Which weighting should I use on my log, and how sure is that? From a log to an answer."""

from collections.abc import Sequence
from pathlib import Path

from mtlbench.advice.announcing import announcement, shortage
from mtlbench.advice.answering import Advice, Asked, answer
from mtlbench.advice.asking import dataset_of, folder_of, require_no_weighting, require_same, seconds_of
from mtlbench.advice.budget import Budget, spent_in
from mtlbench.advice.choosing import baseline_of, choose
from mtlbench.advice.facts import facts_of, require_answerable
from mtlbench.advice.planning import Pace, least, plan
from mtlbench.advice.troubles import troubles
from mtlbench.advice.trying import Lab
from mtlbench.config.specs import resolve
from mtlbench.config.study import Study
from mtlbench.discovery import discover
from mtlbench.errors import UsageError
from mtlbench.experiments.results_folder import require_writable
from mtlbench.experiments.run_cell import load_splits
from mtlbench.notebook.progress import remark
from mtlbench.scaffold.project import BACKBONES, RESULTS

EPOCHS, PATIENCE = 20, 2
CHECKPOINT_EVERY = 30.0
"""Seconds: a first training that the budget ends in the middle goes on from there."""


def advise(
    log: Path | str,
    minutes: float = 20,
    out: Path | str = "advice",
    *,
    backbone: str = BACKBONES[0],
    data_dir: Path | str = "data",
    jobs: int | None = None,
    plugins: Path | str | Sequence[Path | str] = (),
    quiet: bool = False,
) -> Advice:
    """Say which weighting to use on a log, and how sure that is, within a budget of time.

    It measures the log, trains constant weights and a few weightings that are made for what the log shows, all tuned
    alike and over the same seeds, and tests them. The same call goes on where it stopped; ``minutes`` counts what
    earlier calls took. The same as ``mtlbench advise``.

    Args:
        log: the description of a log, such as ``log.toml``, or the spec of a dataset.
        minutes: of wall time, > 0 and finite.
        out: gets ``advice.md``, ``advice.json`` and the results behind them.
        backbone: the network.
        data_dir: of raw data, for a dataset that is no file of yours.
        jobs: cells trained at once; by default as many as there are cores.
        plugins: a file with plugins, or a list of them.
        quiet: show no progress.

    Raises:
        UsageError: the log allows no answer, the budget holds not one training, a name is unknown, or ``out`` has
            results of another log or backbone; with the remedy.
    """
    seconds, out = seconds_of(minutes), folder_of(out)
    budget = Budget(seconds, spent_in(out / RESULTS))
    files = [Path(file) for file in ([plugins] if isinstance(plugins, Path | str) else plugins)]
    name = str(log)
    keys = {"backbones": [backbone], "epochs": EPOCHS, "patience": PATIENCE, "checkpoint_every": CHECKPOINT_EVERY}
    keys |= {"data_dir": Path(data_dir), "out": out / RESULTS, "plugins": tuple(files), "jobs": jobs}
    keys = {key: value for key, value in keys.items() if value is not None}
    catalogue = discover(Study.load(flags=keys).files())
    keys["datasets"] = [dataset_of(name, catalogue)]
    require_no_weighting(backbone, catalogue)
    study = Study.load(flags=keys)
    baseline = baseline_of(entry.cls for entry in catalogue.weightings.values())
    cells = Study.load(flags={**keys, "weightings": [baseline]}).resolve(catalogue)
    if len(cells.datasets) != 1 or len(cells.grids[0][0]) != 1:
        raise UsageError(f"{name} on {backbone}: advice is on one log and one backbone; name one of each")
    require_writable(out / RESULTS)
    splits = load_splits(catalogue, cells.datasets[0].spec, cells.settings)
    facts = facts_of(splits)
    require_answerable(facts, name)
    require_same(out, name, splits.fingerprint, cells.grids[0][0][0].spec, baseline)
    lab = Lab(keys, baseline, catalogue, splits, out, budget, quiet)
    found = lab.measure()
    shown = troubles(facts, found)
    weightings = [resolve(catalogue, "weighting", one, {}, study.preset) for one in sorted(catalogue.weightings)]
    choices = choose(weightings, cells.grids[0][0][0], splits.schema, shown)
    say = _silence if quiet or budget.over() else remark
    pace, spent = Pace(found.seconds), found.seconds + found.looking
    first = least(choices, pace, study.jobs)
    chosen = plan(choices, pace, study.jobs, budget.seconds - spent)
    say(announcement(chosen, pace, budget, baseline))
    paced = lab.pace(first, found.cell) if first is not None and chosen is not None else None
    if paced is not None:
        pace, spent = paced
        chosen = plan(choices, pace, study.jobs, budget.seconds - spent, first)
        if first is not None and chosen is not None and chosen.size != first.size:
            say(announcement(chosen, pace, budget, baseline))
            lab.try_all(chosen)
    return answer(Asked(name, lab, facts, found, shown, choices), shortage(first, pace, budget))


def _silence(text: str) -> None:
    pass
