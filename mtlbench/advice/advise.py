"""Which weighting should I use on my log, and how sure is that? From a log to an answer."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from mtlbench.advice.announcing import announcement, shortage
from mtlbench.advice.answering import Advice, Asked, answer
from mtlbench.advice.budget import Budget, spent_in
from mtlbench.advice.choosing import baseline_of, choose
from mtlbench.advice.facts import facts_of, require_answerable
from mtlbench.advice.planning import Pace, least, plan
from mtlbench.advice.troubles import troubles
from mtlbench.advice.trying import Lab
from mtlbench.config.specs import resolve, spec_of_file
from mtlbench.config.study import Study
from mtlbench.discovery import Catalogue, discover
from mtlbench.errors import UsageError
from mtlbench.experiments.results_folder import require_writable
from mtlbench.experiments.run_cell import load_splits
from mtlbench.notebook.progress import remark
from mtlbench.records import RecordStore
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
        minutes: of wall time, > 0.
        out: gets ``advice.md``, ``advice.json`` and the results behind them.
        backbone: the network.
        data_dir: of raw data, for a dataset that is no file of yours.
        jobs: cells trained at once; by default as many as there are cores.
        plugins: a file with plugins, or a list of them.
        quiet: show no progress.

    Raises:
        UsageError: the log allows no answer, the budget holds not one training, or a name is unknown; with the remedy.
    """
    if not minutes > 0:
        raise UsageError(f"minutes = {minutes}: give a number above 0, such as 20")
    out = Path(out)
    budget = Budget(60 * minutes, spent_in(out / RESULTS))
    files = [Path(file) for file in ([plugins] if isinstance(plugins, Path | str) else plugins)]
    name = str(log)
    keys = {"backbones": [backbone], "epochs": EPOCHS, "patience": PATIENCE, "checkpoint_every": CHECKPOINT_EVERY}
    keys |= {"data_dir": Path(data_dir), "out": out / RESULTS, "plugins": tuple(files), "jobs": jobs}
    keys = {key: value for key, value in keys.items() if value is not None}
    catalogue = discover(Study.load(flags=keys).files())
    keys["datasets"] = [_spec(name, catalogue)]
    study = Study.load(flags=keys)
    baseline = baseline_of(entry.cls for entry in catalogue.weightings.values())
    cells = Study.load(flags={**keys, "weightings": [baseline]}).resolve(catalogue)
    if len(cells.datasets) != 1 or len(cells.grids[0][0]) != 1:
        raise UsageError(f"{name} on {backbone}: advice is on one log and one backbone; name one of each")
    require_writable(out / RESULTS)
    splits = load_splits(catalogue, cells.datasets[0].spec, cells.settings)
    facts = facts_of(splits)
    require_answerable(facts, name)
    _require_same(out, splits.fingerprint, name)
    lab = Lab(keys, baseline, catalogue, splits, out, budget, quiet)
    found = lab.measure()
    shown = troubles(facts, found)
    weightings = [resolve(catalogue, "weighting", one, {}, study.preset) for one in sorted(catalogue.weightings)]
    choices = choose(weightings, cells.grids[0][0][0], splits.schema, shown)
    say = _silence if quiet or budget.over() else remark
    pace, spent = Pace(found.seconds), found.seconds
    first = least(choices, pace, study.jobs)
    chosen = plan(choices, pace, study.jobs, budget.seconds - spent)
    say(announcement(chosen, pace, budget, baseline))
    paced = lab.pace(first) if first is not None and chosen is not None else None
    if paced is not None:
        pace, spent = paced
        chosen = plan(choices, pace, study.jobs, budget.seconds - spent, first)
        if first is not None and chosen is not None and chosen.size != first.size:
            say(announcement(chosen, pace, budget, baseline))
            lab.try_all(chosen)
    return answer(Asked(name, lab, facts, found, shown, choices), shortage(first, pace, budget))


def _spec(name: str, catalogue: Catalogue) -> str:
    """The dataset that ``name`` means: a description of a log, or a dataset as one types it."""
    file = Path(name)
    if name.partition("[")[0] in catalogue.datasets:
        return name
    if file.suffix == ".toml":
        if not file.is_file():
            raise UsageError(f"{file} is not there: check the path, which starts at the current folder")
        if spec := spec_of_file(catalogue, "dataset", name):
            return spec
    elif file.exists():
        description = file.with_suffix(".toml")
        raise UsageError(
            f"{name} is a log without its description: first `mtlbench data describe {shlex.quote(name)} --toml "
            f"{shlex.quote(str(description))}`, check it, then `mtlbench advise {shlex.quote(str(description))}`"
        )
    elif file.suffix in {".csv", ".tsv", ".parquet", ".jsonl", ".gz"}:
        raise UsageError(f"{file} is not there: check the path, which starts at the current folder")
    return name


def _require_same(out: Path, fingerprint: str, name: str) -> None:
    """Refuse a folder whose results are of another log."""
    others = {record.dataset.fingerprint for record in RecordStore(out / RESULTS).read_all()} - {fingerprint}
    if others:
        raise UsageError(
            f"{out} has results of another log, or {name} has changed since: name a new folder after --out"
        )


def _silence(text: str) -> None:
    pass
