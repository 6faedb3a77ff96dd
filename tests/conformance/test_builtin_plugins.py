"""Every built-in plugin obeys every rule of the kit; a new plugin is held against it by being there."""

import os
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from mtlbench.conformance import RULES, Case, cases_of
from mtlbench.conformance.plugin_under_test import PluginUnderTest
from mtlbench.discovery import KINDS, Catalogue, Entry, discover

DATA = Path(os.environ.get("MTLBENCH_DATA", Path(__file__).parents[3] / "shared" / "data"))

OF_PAIRS = {("backbone", "trains-with-every-weighting"), ("weighting", "trains-with-every-backbone")}
"""Rules that are about all pairs of a backbone and a weighting; each pair is a test of its own."""

WITHOUT_DATA = {"documented", "parameters-are-described", "says-where-its-files-are-from"}
"""Rules for datasets that read no log; the others are slow where they read real data."""


@cache
def catalogue() -> Catalogue:
    return discover()


def built_in(kind: str) -> list[Entry]:
    entries = (entry for _, entry in sorted(catalogue().of_kind(kind).items()))
    return [entry for entry in entries if entry.cls.__module__.startswith("mtlbench_plugins.")]


def slow(case: Case) -> bool:
    cls = case.plugin.cls
    of_files = case.rule.kind == "dataset" and (cls.folder is not None or cls.package is not None)
    return of_files and case.rule.name not in WITHOUT_DATA


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Nothing is discovered where this module is only imported."""
    if "case" in metafunc.fixturenames:
        cases = cases_of([entry for kind in KINDS for entry in built_in(kind)], catalogue(), DATA)
        cases = [case for case in cases if (case.rule.kind, case.rule.name) not in OF_PAIRS]
        marked = [pytest.param(case, marks=pytest.mark.slow if slow(case) else ()) for case in cases]
        metafunc.parametrize("case", marked, ids=lambda case: f"{case.rule.kind}-{case}")
    if "backbone" in metafunc.fixturenames:
        for kind in ("backbone", "weighting"):
            metafunc.parametrize(kind, built_in(kind), ids=lambda entry: entry.name)


def test_a_built_in_plugin_conforms(case: Case) -> None:
    case.check()


def test_a_pair_trains_or_is_refused_with_a_reason(backbone: Entry, weighting: Entry) -> None:
    with_one = replace(catalogue(), backbones={backbone.name: backbone})
    Case(RULES["weighting"]["trains-with-every-backbone"], PluginUnderTest(weighting, with_one, DATA)).check()
