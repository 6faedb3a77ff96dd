"""docs/weigher.md: every example runs, one after another, as a reader would type them."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from stored_critics import stored
from torch import distributed as dist

import mtlbench

PAGE = Path(__file__).parents[2] / "docs" / "weigher.md"
TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", TEXT, flags=re.DOTALL | re.MULTILINE)


def test_the_examples_run(
    tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    stored(tmp_path / "results")
    torch.manual_seed(0)
    names: dict[str, Any] = {"__name__": "example"}
    assert len(EXAMPLES) == 8
    dist.init_process_group("gloo", f"file://{tmp_path / 'meeting'}", world_size=1, rank=0)
    try:
        for number, example in enumerate(EXAMPLES):
            code = compile(example, f"docs/weigher.md, example {number + 1}", "exec")
            if "import lightning" not in example or find_spec("lightning"):
                exec(code, names)
    finally:
        dist.destroy_process_group()
    assert re.fullmatch(r"\{'click': [\d.]+, 'like': [\d.]+, 'buy': [\d.]+\}\n", capsys.readouterr().out)
    assert all(parameter.isfinite().all() for parameter in names["model"].parameters())


def test_the_methods_that_the_page_says_need_the_harness_are_those_that_do() -> None:
    sentence = re.search(r"and say so: (.*?)\. Run them", TEXT, flags=re.DOTALL)
    assert sentence is not None
    refused = []
    from mtlbench.discovery import discover

    for name, entry in discover(()).weightings.items():
        if entry.cls.__module__.startswith("mtlbench_plugins."):
            try:
                mtlbench.Weigher(name, 4)
            except mtlbench.errors.UsageError:
                refused.append(name)
    assert sorted(set(re.findall(r"`([\w-]+)`", sentence[1]))) == sorted(refused)
