"""How often a training is validated, from text and back."""

import pytest

from mtlbench.config.interval import Interval
from mtlbench.config.study import Study
from mtlbench.errors import UsageError


@pytest.mark.parametrize(
    ("text", "same"),
    [("1", "1 epoch"), ("2", "2 epochs"), (" 2 epoch ", "2 epochs"), ("500 steps", "500 steps"), ("1 steps", "1 step")],
)
def test_texts_of_one_meaning_become_one(text: str, same: str):
    assert str(Interval.parse(text)) == same == str(Interval.parse(same))


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "2 days", "steps", "epochs 2", "9999999999"])
def test_what_is_no_interval_is_refused(text: str):
    with pytest.raises(UsageError, match=r"is no number of epochs or steps; expected such as 2, '2 epochs'"):
        Interval.parse(text)
    with pytest.raises(UsageError, match="validate_every = "):
        Study.load(flags={"validate_every": text})


def test_a_study_takes_numbers_too():
    assert Study(validate_every=2).validate_every == "2 epochs"
