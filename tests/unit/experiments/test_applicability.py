"""Which pairs make sense: the matrix of all of them, and the cells of a study, judged by one function."""

from dataclasses import replace
from pathlib import Path

import pytest

from mtlbench.api import NoParams, Weighting, ones
from mtlbench.config.study import Study
from mtlbench.discovery import Catalogue, Entry, discover
from mtlbench.experiments.applicability import KINDS_OF_DATASET, matrix
from mtlbench.experiments.expand import expand


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return discover(())


def reasons(catalogue: Catalogue, kind: str) -> dict[tuple[str, str], str | None]:
    return {(pair.backbone, pair.weighting): pair.reason for pair in matrix(catalogue, KINDS_OF_DATASET[kind])}


def test_the_matrix_has_every_pair_once(catalogue: Catalogue):
    pairs = matrix(catalogue, KINDS_OF_DATASET["funnel"])
    assert len(pairs) == len(catalogue.backbones) * len(catalogue.weightings)
    assert len(set(pairs)) == len(pairs)


def test_on_a_funnel_only_what_lacks_shared_parameters_or_is_of_other_logs_is_refused(catalogue: Catalogue):
    refused = {pair for pair, reason in reasons(catalogue, "funnel").items() if reason is not None}
    gradients = {"gram", "jacobian", "cross gram"}
    needs_gradients = {name for name, entry in catalogue.weightings.items() if entry.cls.needs & gradients}
    of_other_logs = {(backbone, name) for backbone in catalogue.backbones for name in ("propensity", "go4align")}
    assert refused == {("single-task", name) for name in needs_gradients} | of_other_logs
    assert {reasons(catalogue, "mixed")[backbone, "propensity"] for backbone in ("ple", "single-task")} == {None}


def test_each_kind_of_dataset_takes_away_what_needs_what_it_lacks(catalogue: Catalogue):
    assert "sessions" in reasons(catalogue, "no-sessions")["ple", "rmtl"]
    assert reasons(catalogue, "no-sessions")["ple", "constant"] is None
    assert "tasks are parallel" in reasons(catalogue, "parallel")["esmm", "constant"]
    assert reasons(catalogue, "parallel")["ple", "rmtl"] is None
    assert "takes binary tasks alone" in reasons(catalogue, "mixed")["esmm", "constant"]
    assert reasons(catalogue, "mixed")["ple", "rmtl"] is None
    assert "the dataset has one" in reasons(catalogue, "one-task")["aitm", "constant"]
    said = "PCGrad weighs the gradients of tasks against each other: it needs two tasks, and the log has one"
    assert reasons(catalogue, "one-task")["ple", "pcgrad"] == said
    assert reasons(catalogue, "one-task")["ple", "uncertainty"] is None


def test_a_log_of_users_and_times_is_told_that_it_lacks_a_session_rule_alone(catalogue: Catalogue):
    bare = KINDS_OF_DATASET["no-sessions"]
    found = {
        (users, timestamps): {
            pair.reason
            for pair in matrix(catalogue, replace(bare, users=users, timestamps=timestamps))
            if (pair.backbone, pair.weighting) in {("ple", "rmtl"), ("ple", "decay")}
        }
        for users in (True, False)
        for timestamps in (True, False)
    }
    generic = found[False, False]
    assert found[True, False] == found[False, True] == generic
    rule = 'a session rule is missing: with users and times, session_rule = "user-gap30m" makes some'
    assert found[True, True] == {f"{label} needs sessions, and {rule}" for label in ("RMTL", "Decay")}


def test_a_study_refuses_what_the_matrix_refuses(catalogue: Catalogue, tmp_path: Path, cache_dir: Path):
    study = Study(datasets="synthetic[rows=2000]", backbones="all", weightings="all", seeds=1)
    jobs = expand(study.resolve(catalogue), catalogue)
    found = {
        (job.cell.backbone.name, job.cell.weighting.name): job.not_applicable
        for job in jobs
        if not (job.changed["backbone"] or job.changed["weighting"])
    }
    assert found == reasons(catalogue, "funnel")


def test_the_weightings_own_word_comes_before_that_of_the_gradients(catalogue: Catalogue):
    class Refuses(Weighting):
        """Refuses everything."""

        name, label = "refuses", "Refuses"
        needs = frozenset({"gram"})

        def applicable(self, schema, backbone):
            return "because"

        def weigh(self, step):
            return ones(step)

    assert Refuses(NoParams()).applicable(None, None) == "because"
    alone = Catalogue(backbones=catalogue.backbones, weightings={"refuses": Entry(Refuses, "weighting", "here")})
    assert {pair.reason for pair in matrix(alone, KINDS_OF_DATASET["funnel"])} == {"because"}
