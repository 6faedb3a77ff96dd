"""A plugin that goes wrong while a study is planned costs its own rows, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest
from plugin_sources import HEAD, weighting, write

SMALL = ("--dataset", "synthetic[rows=2000]", "--seeds", 1, "--epochs", 1, "--jobs", 1)

FROZEN = (
    HEAD
    + '''
from torch import nn
from mtlbench.nn import MLP, FieldEmbedding, Tower


class Frozen(api.Backbone):
    """A frozen embedding, and a parameter that nobody reads."""

    name, label = "frozen", "Frozen"

    def __init__(self, schema, params):
        super().__init__()
        self.embedding = FieldEmbedding(schema, params.embedding).requires_grad_(False)
        self.unused = nn.Parameter(torch.zeros(7))
        self.bottom = MLP(self.embedding.width, params.bottom, params.dropout, params.norm)
        self.towers = nn.ModuleList(
            Tower(params.bottom[-1], params.tower, params.dropout, params.norm) for _ in schema.tasks
        )

    def forward(self, inputs):
        hidden = self.bottom(self.embedding(inputs))
        return torch.cat([tower(hidden) for tower in self.towers], dim=1)
'''
)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MTLBENCH_PLUGINS", raising=False)
    monkeypatch.chdir(tmp_path)


def outcomes() -> dict[tuple[str, str], tuple[str, str | None]]:
    records = [json.loads(path.read_text()) for path in Path("results/records").glob("*.json")]
    return {
        (record["backbone"]["name"], record["weighting"]["name"]): (
            record["status"],
            (record["failure"] or {}).get("reason"),
        )
        for record in records
    }


def test_gradient_methods_train_a_backbone_with_frozen_parameters(mtlbench: Any) -> None:
    write(Path(), "froz.py", FROZEN)
    result = mtlbench(
        "run", *SMALL, "--plugin", "froz.py", "--backbone", "frozen", "--weighting", "pcgrad,mgda,constant"
    )
    assert result.code == 0, result.err
    assert {status for status, _ in outcomes().values()} == {"done"}


@pytest.mark.parametrize("hook", ["warm_start(self)", "controls(self)", "applicable(self, schema, backbone)"])
def test_an_error_of_a_pair_is_the_reason_of_its_row(mtlbench: Any, hook: str) -> None:
    broken = weighting("mine") + f"    def {hook}:\n        return 1 / 0\n"
    write(Path(), "mine.py", broken)
    flags = [*SMALL, "--plugin", "mine.py", "--backbone", "shared-bottom", "--weighting", "mine,constant"]
    planned = mtlbench("run", *flags, "--dry-run")
    assert planned.code == 0, planned.err
    assert "fails: ZeroDivisionError: division by zero" in planned.out
    result = mtlbench("run", *flags, "--controls")
    assert result.code == 1, result.err
    assert outcomes() == {
        ("shared-bottom", "mine"): ("failed", "ZeroDivisionError: division by zero"),
        ("shared-bottom", "constant"): ("done", None),
    }
    matrix = mtlbench("list", "--matrix", "--plugin", "mine.py", "--json")
    assert matrix.code == 0


def test_a_weighting_that_builds_on_itself_fails_and_does_not_hang(mtlbench: Any) -> None:
    body = "    def warm_start(self):\n        return api.Source('mine')\n"
    write(Path(), "mine.py", weighting("mine") + body)
    result = mtlbench("run", *SMALL, "--plugin", "mine.py", "--backbone", "shared-bottom", "--weighting", "mine")
    assert result.code == 1, result.err
    assert outcomes()["shared-bottom", "mine"] == ("failed", "the weighting mine builds on itself")
