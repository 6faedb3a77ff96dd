"""``mtlbench list``, ``info`` and ``list --matrix`` answer without importing the plugins, once they were asked."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from plugin_sources import weighting, write

from mtlbench.cli import plugin_info

Answer = Callable[..., tuple[str, set[str]]]

SLOW = {"torch", "pandas", "scipy", "numpy", "pluggy", "mtlbench.api", "mtlbench_plugins"}

PROGRAM = f"""
import sys
from collections.abc import Callable, Sequence
from mtlbench.cli import main
try:
    main(sys.argv[1:])
finally:
    print(*sorted({SLOW} & set(sys.modules)), file=sys.stderr)
"""


@pytest.fixture
def answer(cache_dir: Path, tmp_path: Path) -> Answer:
    """Run a command in a process of its own: what it prints, and which slow modules it imported."""

    def run(*arguments: object) -> tuple[str, set[str]]:
        command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
        path = os.pathsep.join([str(tmp_path / "path"), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {**os.environ, "PYTHONPATH": path}
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        return done.stdout, set(done.stderr.split())

    return run


@pytest.mark.slow
def test_the_second_answer_is_the_first_without_an_import(
    answer: Answer, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for ask, others in (
        (["list"], [["list", "--json"], ["info", "weighting", "rmtl"], ["info", "backbone", "esmm"]]),
        (["list", "--matrix"], [["list", "--matrix", "--json"]]),
    ):
        first, imported = answer(*ask)
        assert "torch" in imported
        assert answer(*ask) == (first, set())
        for other in others:
            text, imported = answer(*other)
            assert imported == set()
            assert "rmtl" in text or "esmm" in text
    words = {"_MTLBENCH_COMPLETE": "complete_bash", "COMP_WORDS": "mtlbench run --weighting rm", "COMP_CWORD": "3"}
    for name, value in words.items():
        monkeypatch.setenv(name, value)
    assert answer() == ("rmtl\nrmtl-official\n", set())
    assert len(list((cache_dir / "plugins").iterdir())) == 2


@pytest.mark.slow
def test_a_plugin_is_shown_as_it_is_now(answer: Answer, tmp_path: Path) -> None:
    file = write(tmp_path, "mine.py", f"import mtlbench_test_helper\n{weighting('mine')}")
    ask = "list", "weightings", "--plugin", file
    text, _ = answer(*ask)
    assert f"mine (kind unknown) {file}: ModuleNotFoundError: No module named 'mtlbench_test_helper'" in text
    write(tmp_path / "path", "mtlbench_test_helper.py", "")
    text, _ = answer(*ask)
    assert "mine: a weighting of a test." in text
    assert "broken" not in text
    assert answer(*ask) == (text, set())
    file.write_text(file.read_text().replace("mine: a", "mine: 1"))
    assert "mine: 1 weighting of a test." in answer(*ask)[0]


UNSURE = "def applicable(self, schema, backbone):\n        raise ValueError('not today')"


@pytest.mark.parametrize(
    ("source", "lasting"),
    [(weighting("mine"), True), ("1 / 0", False), (weighting("mine") + f"\n    {UNSURE}\n", False)],
    ids=["fine", "broken", "fails-to-tell"],
)
def test_what_is_known_of_a_broken_plugin_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, lasting: bool
) -> None:
    kept = []

    def cached(question: str, files: Sequence[Path], find: Callable[[], tuple[Any, bool]]) -> Any:
        answer, may_last = find()
        kept.append(may_last)
        return answer

    monkeypatch.setattr(plugin_info, "cached", cached)
    plugin_info.plugin_index([write(tmp_path, "mine.py", source)])
    assert kept == [lasting]


def test_a_plugin_that_fails_to_tell_its_needs_takes_no_other_down(mtlbench: Any, tmp_path: Path) -> None:
    file = write(tmp_path, "mine.py", weighting("mine") + f"\n    {UNSURE}\n")
    assert "mine: a weighting of a test." in mtlbench("list", "--plugin", file).out
    assert '"mine"' in mtlbench("list", "--json", "--plugin", file).out
    assert mtlbench("info", "weighting", "rmtl", "--plugin", file).code == 0
    result = mtlbench("info", "weighting", "mine", "--plugin", file)
    assert (result.code, result.out) == (2, "")
    assert f"the weighting 'mine' cannot be described: {file}: ValueError: not today" in result.err
