"""The tuned part of a study: trials of every method, the choice among them, and the cells that report the choice."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from mtlbench.api import Splits
from mtlbench.cells import PROTOCOL, Training, identity
from mtlbench.config.plan import SEARCH_SEEDS, Plan, TunedPlan
from mtlbench.config.space import TrialSettings
from mtlbench.config.specs import Resolved
from mtlbench.discovery import Catalogue
from mtlbench.experiments.expand import Block, Expansion, training_on
from mtlbench.experiments.job import Job
from mtlbench.experiments.recording import dataset_use
from mtlbench.experiments.run_cell import load_splits
from mtlbench.experiments.trial_settings import TrialPlugins
from mtlbench.experiments.trials import trained, trials_of
from mtlbench.records.provenance import plugin_use
from mtlbench.records.schema import DatasetUse, PluginUse
from mtlbench.records.searches import Reported, Search, read_searches, replaced, write_search
from mtlbench.records.store import RecordStore
from mtlbench.records.trials import Trial, choose, kept, most_kept, short_epochs


@dataclass
class _Running:
    """One search, while its study runs."""

    dataset: Resolved
    backbone: Resolved
    weighting: Resolved
    number: int
    training: Training
    """Without what trials change."""
    space: dict[str, str]
    """Parameter -> its range, for a reader."""
    settings: list[TrialSettings]
    """Of its trials."""
    short: list[Job] = field(default_factory=list)
    """The short training of each trial; none, but under halving."""
    full: dict[int, Job] = field(default_factory=dict)
    """Trainings to the end, by the number of the trial."""
    chosen: int | None = None
    reports: list[Job] = field(default_factory=list)

    @property
    def jobs(self) -> list[Job]:
        return [*self.short, *self.full.values(), *self.reports]

    def trials(self, store: RecordStore) -> list[Trial]:
        return trials_of(self.settings, self.short, self.full, store)


class Searching:
    """The searches of a study: one or several for every dataset, backbone and weighting that make a pair.

    Args:
        plan: of the study.
        tuned: how it is tuned.
        catalogue: of the plugins.
        ordinary: the jobs of the study's own rows.
    """

    def __init__(self, plan: Plan, tuned: TunedPlan, catalogue: Catalogue, ordinary: list[Job]) -> None:
        self._plan, self._tuned, self._catalogue = plan, tuned, catalogue
        self._ordinary = {job.cell.id for job in ordinary}
        self._expansion = Expansion(plan, catalogue)
        self._plugins = TrialPlugins(plan.settings, catalogue)
        self._running: list[_Running] = []
        self._uses: dict[str, DatasetUse] = {}
        pairs = {_key(*pair): pair for grid in plan.grids for pair in product(*grid)}
        pairs |= self._baselines(list(pairs.values()), ordinary)
        for dataset in plan.datasets:
            splits = load_splits(self._catalogue, dataset.spec, plan.settings)
            numbers = sorted({seed % tuned.searches for seed in plan.seeds})  # others would report nothing
            for number, (backbone, weighting) in product(numbers, pairs.values()):
                self._begin(dataset, splits, backbone, weighting, number)

    @property
    def jobs(self) -> list[Job]:
        """All jobs that the searches have so far, a cell before those that build on it."""
        return list(self._expansion.jobs.values())

    @property
    def later(self) -> int:
        """How many more cells follow from what the trials give, at most: trials that go on, and reports."""
        reports = sum(len(self._seeds(one)) for one in self._running)
        return reports + sum(most_kept(self._tuned.trials) for one in self._running if not one.full)

    @property
    def halving(self) -> bool:
        """Whether every trial has a short training first, and :meth:`keep` says which go on."""
        return self._tuned.halving

    def keep(self, store: RecordStore) -> None:
        """Add the full trainings of the trials whose short ones were best."""
        for one in self._running:
            splits = self._splits_of(one)
            for number in kept(trained(one.short, store)):
                one.full[number] = self._add(one, splits, one.settings[number], SEARCH_SEEDS + one.number)

    def choose(self, store: RecordStore) -> None:
        """Choose the best trial of each search from the trials' validation scores, and add the cells that report it."""
        for one in self._running:
            one.chosen = choose(one.trials(store))
            if one.chosen is not None:
                splits, setting = self._splits_of(one), one.settings[one.chosen]
                one.reports = [self._add(one, splits, setting, seed) for seed in self._seeds(one)]

    def announce(self, store: RecordStore) -> None:
        """Say which cells the searches have so far, so that no page takes them for rows before the searches end."""
        known = _by_id(store)
        for one in self._running:
            search = self._found(one, ())
            old = known.get(search.search, search)
            hidden = replaced(old, search).hidden
            if search.search not in known or hidden != old.hidden:
                write_search(store.folder, old.model_copy(update={"hidden": hidden}))

    def write(self, store: RecordStore) -> None:
        """Store what each search found, among the records of its cells."""
        known = _by_id(store)
        for one in self._running:
            search = self._found(one, one.trials(store))
            write_search(store.folder, replaced(known[search.search], search) if search.search in known else search)

    def _baselines(
        self, pairs: list[tuple[Resolved, Resolved]], ordinary: list[Job]
    ) -> dict[tuple[str, str], tuple[Resolved, Resolved]]:
        """The baselines that the study has rows of, named or not: no tuned row stands beside untuned ones alone."""
        rows = {(job.cell.backbone.canonical, job.cell.weighting.canonical) for job in ordinary}
        plain = [
            self._plugins.resolved("weighting", name, {})
            for name, entry in self._catalogue.of_kind("weighting").items()
            if entry.cls.baseline
        ]
        found = {_key(backbone, one): (backbone, one) for backbone, _ in pairs for one in plain}
        return {key: pair for key, pair in found.items() if key in rows}

    def _begin(self, dataset: Resolved, splits: Splits, backbone: Resolved, weighting: Resolved, number: int) -> None:
        """Plan the trials of one search, where its plugins make a pair."""
        tasks, space, seed = len(splits.schema.tasks), self._tuned.space, SEARCH_SEEDS + number
        own, ranges = training_on(dataset, splits, self._plan.training), space.described(backbone, weighting, tasks)
        drawn = (space.trial(j, number, backbone, weighting, tasks) for j in range(self._tuned.trials))
        settings = [self._plugins.checked(setting, backbone, weighting) for setting in drawn]
        one = _Running(dataset, backbone, weighting, number, own, ranges, settings)
        before = dict(self._expansion.jobs)
        first = self._add(one, splits, settings[0], seed, short=self.halving)
        if not first.sensible:
            # The row of its defaults says why.
            self._expansion.jobs = before
            return
        jobs = [first, *(self._add(one, splits, setting, seed, short=self.halving) for setting in settings[1:])]
        one.short, one.full = (jobs, {}) if self.halving else ([], dict(enumerate(jobs)))
        self._running.append(one)

    def _add(self, one: _Running, splits: Splits, setting: TrialSettings, seed: int, *, short: bool = False) -> Job:
        """The job of the method under ``setting``, trained to the end or for the epochs of a short training."""
        backbone = self._plugins.under(one.backbone, setting.backbone)
        weighting = self._plugins.under(one.weighting, setting.weighting)
        training = replace(one.training, **setting.training)
        if short:
            training = replace(training, epochs=short_epochs(training.epochs))
        block = Block(one.dataset, splits, seed, training, yardstick=one.training)
        return self._expansion.add(block, backbone, weighting)

    def _seeds(self, one: _Running) -> list[int]:
        """The report seeds that have the settings of a search."""
        return [seed for seed in self._plan.seeds if seed % self._tuned.searches == one.number]

    def _found(self, one: _Running, trials: Sequence[Trial]) -> Search:
        """The record of a search."""
        backbone, weighting = one.backbone, one.weighting
        cell = replace(one.jobs[0].cell, backbone=backbone.spec, weighting=weighting.spec, training=one.training)
        content: dict[str, Any] = {"cell": cell.id, "space": one.space, "number": one.number}
        if self._tuned.searches > 1:  # they share the report seeds
            content["searches"] = self._tuned.searches
        if self.halving:
            content["halving"] = True
        return Search(
            protocol=PROTOCOL,
            search=identity(content),
            method=weighting.entry.cls.method(backbone.entry.cls.label),
            baseline=weighting.entry.cls.baseline and not weighting.changed,
            dataset=self._dataset_use(one),
            backbone=_use(backbone),
            weighting=_use(weighting),
            preset=self._plan.settings.preset,
            training=one.training.settings,
            space=one.space,
            number=one.number,
            searches=self._tuned.searches,
            seed=cell.seed,
            planned=self._tuned.trials,
            halving=self.halving,
            trials=list(trials),
            chosen=one.chosen,
            report_seeds=self._seeds(one),
            reports=[Reported(seed=job.cell.seed, cell=job.cell.id) for job in one.reports],
            hidden=sorted(self._with_sources(one.jobs) - self._ordinary),
        )

    def _with_sources(self, jobs: list[Job]) -> set[str]:
        """The ids of the cells of ``jobs``, and of those that they build on."""
        found: set[str] = set()
        waiting = [job.cell for job in jobs]
        while waiting:
            cell = waiting.pop()
            if cell.id not in found:
                found.add(cell.id)
                waiting += self._expansion.jobs[cell.id].before
        return found

    def _dataset_use(self, one: _Running) -> DatasetUse:
        """The dataset of a search, for its record; worked out once for all searches on it."""
        key = one.dataset.spec.canonical
        if key not in self._uses:
            splits = self._splits_of(one)
            self._uses[key] = dataset_use(self._catalogue, one.dataset.spec, one.dataset.changed, splits)
        return self._uses[key]

    def _splits_of(self, one: _Running) -> Splits:
        return load_splits(self._catalogue, one.dataset.spec, self._plan.settings, one.jobs[0].cell.fingerprint)


def _by_id(store: RecordStore) -> dict[str, Search]:
    return {search.search: search for search in read_searches(store.folder)}


def _use(plugin: Resolved) -> PluginUse:
    return plugin_use(plugin.entry.cls, dict(plugin.spec.params), dict(plugin.changed))


def _key(backbone: Resolved, weighting: Resolved) -> tuple[str, str]:
    return backbone.spec.canonical, weighting.spec.canonical
