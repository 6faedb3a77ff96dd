"""What a shell offers when Tab is pressed."""

from pathlib import Path
from typing import Any

import pytest
from plugin_sources import weighting, write


@pytest.fixture
def offered(mtlbench: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What bash offers for the last of the words that were typed."""

    def complete(*words: str) -> list[str]:
        monkeypatch.setenv("_MTLBENCH_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", " ".join(["mtlbench", *words]))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        found = mtlbench()
        assert (found.code, found.err) == (0, "")
        return found.out.split()

    return complete


@pytest.mark.parametrize(
    ("words", "offers"),
    [
        (("run", "--weighting", "rm"), ["rmtl", "rmtl-official"]),
        (("run", "--weighting", "constant,rm"), ["constant,rmtl", "constant,rmtl-official"]),
        (("run", "--backbone", "mmoe[experts=4],pl"), ["mmoe[experts=4],ple"]),
        (("run", "--dataset", "kuai"), ["kuairand"]),
        (("run", "--tracker", "m"), ["mlflow"]),
        (("run", "--weighting", "rmtl["), []),
        (("info", "we"), ["weighting"]),
        (("info", "backbone", "p"), ["pepnet", "ple"]),
        (("info", "weightin", "p"), []),
        (("new", "t"), ["tracker"]),
    ],
)
def test_names_are_completed(offered: Any, words: tuple[str, ...], offers: list[str]) -> None:
    assert offered(*words) == offers


def test_the_plugins_of_the_user_are_offered_too(offered: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "mine.py", weighting("mine-alone"))
    monkeypatch.setenv("MTLBENCH_PLUGINS", str(tmp_path))
    assert offered("run", "--weighting", "mine") == ["mine-alone"]


def test_where_plugins_cannot_be_listed_nothing_is_offered(offered: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTLBENCH_PLUGINS", "/no/such/folder")
    assert offered("run", "--weighting", "rm") == []


def test_a_shell_can_be_set_up(mtlbench: Any) -> None:
    assert "_MTLBENCH_COMPLETE=complete_bash" in mtlbench("--show-completion", "bash").out
    assert "--install-completion" in mtlbench("--help").out
