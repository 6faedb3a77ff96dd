"""``mtlbench test-plugin``."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from plugin_sources import write

from mtlbench.cli.conform import folded
from mtlbench.conformance import RULES

SOUND = '''
import torch

from mtlbench import api


class Mine(api.Weighting):
    r"""Weights that fall with a task's place in the order of losses.

    .. math:: w_k = 1 + r_k / K

    Of the tests, https://example.org.
    """

    name, label = "mine", "Mine"

    def weigh(self, step):
        losses = step.losses.detach().mean(0)
        return 1 + losses.argsort().argsort() / len(losses)
'''
BROKEN = SOUND.replace("losses.argsort().argsort()", "torch.arange(len(losses))")
BACKBONE = '''
from mtlbench_plugins.backbones.mmoe import MMoE


class Net(MMoE):
    """Says nothing of itself."""

    name, label = "mine", "Mine"
'''
RULE = ("--rule", "permutation-equivariant")


@pytest.fixture(autouse=True)
def no_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MTLBENCH_PLUGINS", raising=False)


@pytest.mark.slow
def test_a_sound_file_passes_every_rule(mtlbench: Any, tmp_path: Path) -> None:
    file = write(tmp_path, "mine.py", SOUND)
    result = mtlbench("test-plugin", file)
    assert result.code == 0
    head, *lines = result.out.splitlines()
    assert head == f"weighting mine ({file})"
    assert [line.split()[:2] for line in lines if line.startswith("  ")] == [
        ["skip" if rule == "search-space" else "ok", f"{rule}:" if rule == "search-space" else rule]
        for rule in RULES["weighting"]
    ]
    assert "  skip  search-space: it declares none, so that trials search the common settings alone" in lines
    assert lines[-1] == f"{len(RULES['weighting'])} rules: {len(RULES['weighting']) - 1} passed, 0 failed, 1 skipped"


def test_a_broken_file_exits_1_and_says_which_rule_what_was_seen_and_the_remedy(mtlbench: Any, tmp_path: Path) -> None:
    result = mtlbench("test-plugin", write(tmp_path, "mine.py", BROKEN), *RULE)
    assert result.code == 1
    assert "  FAIL  permutation-equivariant\n" in result.out
    complaint = result.out[result.out.index("\nrule permutation-equivariant: ") :]
    assert "seen:   with the tasks in the order 2, 3, 1 the weights in step 0 are (1, 1.3333, 1.6667)" in complaint
    assert "remedy: compute each task's weight from its own losses" in complaint
    assert result.out.endswith("1 rules: 0 passed, 1 failed, 0 skipped\n")


def test_a_skipped_rule_has_the_plugins_own_reason(mtlbench: Any) -> None:
    result = mtlbench("test-plugin", "esmm", "--rule", "parallel-tasks")
    assert result.code == 0
    assert "  skip  parallel-tasks: ESMM multiplies probabilities along a funnel" in result.out


def test_a_dataset_without_its_files_is_skipped_with_the_way_to_get_them(mtlbench: Any, tmp_path: Path) -> None:
    result = mtlbench("test-plugin", "kuairand", "--data-dir", tmp_path, "--rule", "splits-and-encodes")
    assert result.code == 0
    assert "  skip  splits-and-encodes: " in result.out
    assert "zenodo.org" in result.out
    assert str(tmp_path) in result.out


def test_a_file_of_an_installed_package_is_its_plugin(mtlbench: Any) -> None:
    spec = importlib.util.find_spec("mtlbench_plugins.weightings.pcgrad")
    result = mtlbench("test-plugin", spec.origin, *RULE)
    assert result.code == 0
    assert result.out.startswith("weighting pcgrad (mtlbench_plugins.weightings.pcgrad (mtlbench ")


def test_a_name_of_two_kinds_is_both_or_the_one_chosen(mtlbench: Any, tmp_path: Path) -> None:
    files = [write(tmp_path, "a.py", SOUND), write(tmp_path, "b.py", BACKBONE)]
    plugins = [part for file in files for part in ("--plugin", file)]
    both = mtlbench("test-plugin", "mine", *plugins, "--rule", "documented")
    assert both.code == 1
    assert "backbone mine (" in both.out
    assert "weighting mine (" in both.out
    assert "rule documented: " in both.out
    one = mtlbench("test-plugin", "mine", *plugins, "--rule", "documented", "--kind", "weighting")
    assert one.code == 0
    assert "backbone" not in one.out


def test_settings_of_the_project_around_it_change_nothing(
    mtlbench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "pytest.ini", "[pytest]\naddopts = --no-such-option\n")
    write(tmp_path, "conftest.py", "1 / 0")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    result = mtlbench("test-plugin", write(tmp_path, "mine.py", SOUND), *RULE)
    assert (result.code, result.err) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pcgard"], "unknown dataset or backbone or weighting or tracker 'pcgard': did you mean 'pcgrad'?"),
        (["pcgrad", "--kind", "weight"], "did you mean 'weighting'?"),
        (["pcgrad", "--kind", "backbone"], "unknown backbone 'pcgrad'"),
        (["pcgrad", "--rule", "determinstic"], "did you mean 'deterministic'?"),
        (["absent.py"], "absent.py is not there"),
        (["broken.py"], "broken.py: broken: ZeroDivisionError: division by zero"),
        (["empty.py"], "defines no subclass of mtlbench.api.Dataset, Backbone, Weighting or Tracker"),
        (["mine.py", "--kind", "backbone"], "mine.py defines no backbone"),
        ([], "NAME|FILE"),
    ],
)
def test_wrong_use_exits_2(
    mtlbench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    write(tmp_path, "broken.py", "1 / 0")
    write(tmp_path, "empty.py", "x = 1")
    write(tmp_path, "mine.py", SOUND)
    monkeypatch.chdir(tmp_path)
    result = mtlbench("test-plugin", *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert "Traceback" not in result.err


def test_long_lines_are_folded_below_their_text() -> None:
    text = "rule x: a b\n  seen:   one two three four\n  skip  " + "w" * 20
    assert folded(text, 20).split("\n") == [
        "rule x: a b",
        "  seen:   one two",
        "          three four",
        "  skip",
        "        " + "w" * 20,
    ]
    assert folded(text, 100) == text


def test_without_pytest_it_says_what_to_install(mtlbench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pytest" else found(name))
    result = mtlbench("test-plugin", "pcgrad")
    assert (result.code, result.out) == (2, "")
    assert "pip install 'mtlbench[test]'" in result.err
