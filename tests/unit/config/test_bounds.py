"""What is too large to run, to record or to show is refused with a message of readable length, at once."""

import time
from pathlib import Path

import pytest
from plugin_sources import weighting, write

from mtlbench.config.study import Study
from mtlbench.discovery import discover
from mtlbench.errors import UsageError


def refused(tmp_path: Path, text: str, *plugins: Path) -> str:
    (tmp_path / "study.toml").write_text(text)
    began = time.process_time()
    with pytest.raises(UsageError) as caught:
        Study.load(tmp_path / "study.toml").resolve(discover(plugins))
    assert time.process_time() - began < 60
    return str(caught.value)


@pytest.mark.parametrize(
    ("study", "says"),
    [
        ("seeds = 100000000000", "seeds = 100000000000 is out of range"),
        ("seeds = [9223372036854775808]", "seeds = "),
        ("seeds = 50000\nbackbones = 'all'\nweightings = 'all'", "more than 1,000,000; cut it into several"),
        ("epochs = 100000000000", "epochs = 100000000000 is out of range"),
        ("batch_size = 100000000000", "batch_size = 100000000000 is out of range"),
        ("jobs = 100000000000", "jobs = 100000000000 is out of range"),
        ("learning_rate = 1e308", "learning_rate = 1e+308 is out of range"),
        (
            f"weightings = 'rmtl[lambda={'|'.join(map(str, range(200)))},gamma={'|'.join(map(str, range(200)))}]'",
            "weighting rmtl is given 40,000 settings, more than 10,000",
        ),
    ],
)
def test_a_study_that_is_too_large_is_refused(tmp_path: Path, study: str, says: str) -> None:
    assert says in refused(tmp_path, study)


def test_a_parameter_that_no_record_holds_is_refused(tmp_path: Path) -> None:
    plugin = write(tmp_path, "mine.py", weighting("mine", params="rate: float = 1.0\nword: str = 'x'\nmany: int = 1"))
    for value in ("rate=1e200", f"word={'x' * 5000}", "many=9223372036854775808"):
        said = refused(tmp_path, f"weightings = 'mine[{value}]'", plugin)
        assert "weighting mine: a parameter cannot be recorded" in said


def test_a_plugin_whose_name_makes_no_file_name_is_refused(tmp_path: Path) -> None:
    name = "very-" * 20 + "long"
    plugin = write(tmp_path, "mine.py", weighting(name))
    assert "has a name of 104 and a label of 104 characters" in refused(tmp_path, f"weightings = '{name}'", plugin)
