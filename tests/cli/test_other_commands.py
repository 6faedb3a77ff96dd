"""``mtlbench list``, ``info``, ``leaderboard build``, and what all commands share."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from plugin_sources import weighting, write

import mtlbench as package


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["run", "--help"],
        ["list", "--help"],
        ["test-plugin", "--help"],
        ["new", "--help"],
        ["leaderboard", "build", "--help"],
        ["data", "describe", "--help"],
        ["figure", "--help"],
        ["bench", "--help"],
        ["leaderboard", "compare", "--help"],
        ["--version"],
    ],
)
def test_help_does_not_import_torch(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom mtlbench.cli import main\n"
        f"try:\n    main({arguments})\nexcept SystemExit as end:\n    assert not end.code\n"
        "slow = {'torch', 'pandas', 'scipy'} & set(sys.modules)\nassert not slow, slow"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_module_runs_as_a_program() -> None:
    done = subprocess.run([sys.executable, "-m", "mtlbench", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"mtlbench {package.__version__}\n"


@pytest.mark.parametrize("group", [[], ["leaderboard"], ["data"]])
def test_help_says_in_whole_sentences_what_commands_do(
    mtlbench: Any, group: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    rows = mtlbench(*group, "--help").out.partition("Commands:\n")[2]
    commands = re.findall(r"^  ([\w-]+) +(\S.*(?:\n   .*)*)", rows, flags=re.MULTILINE)
    assert len(commands) >= 3
    for name, text in commands:
        said = " ".join(text.split())
        assert said.endswith("."), name
        assert "..." not in said
        assert said in " ".join(mtlbench(*group, name, "--help").out.split())


@pytest.mark.parametrize("command", ["run", "list", "info", "new", "test-plugin", "bench"])
def test_help_shows_examples(mtlbench: Any, command: str) -> None:
    result = mtlbench(command, "--help")
    assert result.code == 0
    assert f"  mtlbench {command} " in result.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rum"], "run"),
        (["list", "weighting"], "did you mean 'weightings'?"),
        (["info", "weightings", "rmtl"], "did you mean 'weighting'?"),
        (["info", "weighting", "rmlt"], "did you mean 'rmtl'?"),
        (["info", "weighting"], "NAME"),
        (["leaderboard", "build", "absent"], "there are no records in absent/records"),
        (["leaderboard", "build", "absent", "--layout", "papr"], "did you mean 'paper'?"),
    ],
)
def test_wrong_use_exits_2(mtlbench: Any, arguments: list[str], message: str) -> None:
    result = mtlbench(*arguments)
    assert result.code == 2
    assert message in result.err
    assert result.out == ""


def test_list_shows_plugins_and_broken_ones(mtlbench: Any, tmp_path: Path) -> None:
    good, bad = write(tmp_path, "good.py", weighting("good")), write(tmp_path, "bad.py", "import nothing_like_this")
    result = mtlbench("list", "--plugin", good, "--plugin", bad)
    assert result.code == 0
    assert "good: a weighting of a test." in result.out
    assert f"bad (kind unknown) {bad}: ModuleNotFoundError: No module named 'nothing_like_this'" in result.out
    for heading in ("datasets (", "backbones (", "weightings (", "broken (1)"):
        assert heading in result.out


def test_list_takes_the_plugin_folder(mtlbench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "good.py", weighting("good"))
    monkeypatch.setenv("MTLBENCH_PLUGINS", str(tmp_path))
    assert "good: a weighting of a test." in mtlbench("list", "weightings").out


def test_list_groups_weightings_by_how_they_work(mtlbench: Any, tmp_path: Path) -> None:
    source = weighting("mine").replace('"Mine"\n', '"Mine"\n    needs = frozenset({"gram"})\n')
    file = write(tmp_path, "mine.py", source)
    lines = mtlbench("list", "weightings", "--plugin", file).out.splitlines()
    assert max(map(len, lines)) <= 100
    families: dict[str, list[str]] = {}
    for line in lines:
        if ": " in line and not line.startswith(" "):
            families[line.partition(":")[0]] = found = []
        elif line.startswith("  ") and line[2] != " ":
            found.append(line.split()[0])
    assert list(families) == ["From losses", "From gradients", "Per sample", "With stages"]
    known = {name: family for family, names in families.items() for name in names}
    assert len(known) == sum(map(len, families.values())) == int(lines[0].split("(")[1].rstrip(")"))
    expected = {
        "mine": "From gradients",
        "constant": "From losses",
        "pcgrad": "From gradients",
        "focal": "Per sample",
        "rmtl": "With stages",
        "scalarization": "With stages",
    }
    assert {name: known[name] for name in expected} == expected


def test_list_as_json(mtlbench: Any, tmp_path: Path) -> None:
    bad = write(tmp_path, "bad.py", "1 / 0")
    everything = json.loads(mtlbench("list", "--json", "--plugin", bad).out)
    assert set(everything) == {"datasets", "backbones", "weightings", "trackers", "broken"}
    assert everything["broken"] == [
        {"name": "bad", "kind": None, "origin": str(bad), "reason": "ZeroDivisionError: division by zero"}
    ]
    [decay] = [
        one for one in json.loads(mtlbench("list", "weightings", "--json").out)["weightings"] if one["name"] == "decay"
    ]
    assert decay["label"] == "Decay"
    assert decay["parameters"][0]["name"] == "rates"
    assert decay["parameters"][0]["default"] == "0.99"


def test_info_has_formula_paper_parameters_and_needs(mtlbench: Any) -> None:
    result = mtlbench("info", "weighting", "rmtl")
    assert result.code == 0
    text = " ".join(result.out.split())
    assert "    ω_{k,t} = 1 - λ Q_k(s_t, a_{k,t})\n" in result.out
    assert "https://arxiv.org/abs/2302.03328" in text
    assert "- lambda = 0.7 (number, >= 0)" in text
    assert "- the checkpoint of constant" in text
    assert "- sessions: " in text
    assert "mtlbench_plugins.weightings.rmtl" in text


@pytest.mark.slow
def test_info_of_every_plugin(mtlbench: Any) -> None:
    everything = json.loads(mtlbench("list", "--json").out)
    for kind in ("dataset", "backbone", "weighting", "tracker"):
        for plugin in everything[f"{kind}s"]:
            result = mtlbench("info", kind, plugin["name"])
            assert result.code == 0
            assert result.out.startswith(f"{plugin['label']} ({kind} {plugin['name']})")
            assert max(map(len, result.out.splitlines())) <= 100
            assert not re.search(r"\\(frac|sum|qquad|mathrm|[,|{])|``|\.\. math", result.out)


def test_info_asks_a_backbone_what_it_needs(mtlbench: Any) -> None:
    assert "- tasks that form a funnel: " in mtlbench("info", "backbone", "esmm").out
    assert "nothing in particular" in mtlbench("info", "backbone", "shared-bottom").out
