"""Every built-in plugin obeys every rule of the kit; a new plugin is held against it by being there."""

import os
from pathlib import Path

import pytest

from mtlbench.conformance import Case, cases_of
from mtlbench.discovery import KINDS, discover

BESIDE = Path(__file__).parents[2].parent / "shared" / "data"


WITHOUT_DATA = {"documented", "parameters-are-described", "says-where-its-files-are-from"}
"""Rules for datasets that read no log; the others are slow where they read real data."""


def slow(case: Case) -> bool:
    return getattr(case.subject.cls, "folder", None) is not None and case.rule.name not in WITHOUT_DATA


def all_cases() -> list[object]:
    catalogue = discover()
    entries = [entry for kind in KINDS for _, entry in sorted(catalogue.of_kind(kind).items())]
    built_in = [entry for entry in entries if entry.cls.__module__.startswith("mtlbench_plugins.")]
    data_dir = Path(os.environ.get("MTLBENCH_DATA", BESIDE))
    return [
        pytest.param(case, marks=pytest.mark.slow if slow(case) else ())
        for case in cases_of(built_in, catalogue, data_dir)
    ]


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: f"{case.subject.entry.kind}-{case}")
def test_a_built_in_plugin_conforms(case: Case) -> None:
    case.check()
