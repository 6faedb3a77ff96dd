"""What epochs and settings are chosen by: its value, and one text for one meaning."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlbench.errors import TrainingError, UsageError
from mtlbench.tasks.metrics import METRICS
from mtlbench.tasks.objective import Objective, canonical

AUC, RMSE = METRICS["auc"], METRICS["rmse"]
TASKS = {"click": AUC, "conversion": AUC, "watch": RMSE}
SCORES = {"click": 0.7, "conversion": 0.9, "watch": 3.0}


def value(text: str, **reference: float | None) -> float:
    return Objective(text, TASKS, reference or None).of(SCORES)


def test_the_mean_turns_metrics_of_which_lower_is_better():
    assert value("mean") == (0.7 + 0.9 - 3.0) / 3


def test_weights_give_the_weighted_mean_and_leave_other_tasks_out():
    assert value("conversion=3,click=1") == pytest.approx((3 * 0.9 + 0.7) / 4)
    assert value("watch=2,click=2") == pytest.approx((0.7 - 3.0) / 2)
    undefined = Objective("click=1", TASKS).of({**SCORES, "watch": None, "conversion": math.nan})
    assert undefined == 0.7


@pytest.mark.parametrize("text", ["mean", "watch=1,click=2"])
@pytest.mark.parametrize("missing", [None, math.nan])
def test_a_score_that_counts_and_is_undefined_leaves_no_value(text: str, missing: float | None):
    assert math.isnan(Objective(text, TASKS).of({**SCORES, "watch": missing}))


def test_delta_m_is_the_mean_relative_gain_in_percent():
    found = value("delta-m", click=0.5, conversion=0.6, watch=4.0)
    assert found == pytest.approx(100 / 3 * ((0.7 - 0.5) / 0.5 + (0.9 - 0.6) / 0.6 - (3.0 - 4.0) / 4.0))
    assert value("delta-m", **SCORES) == 0


@pytest.mark.parametrize(
    ("score", "said"), [(0.0, "which is 0"), (-0.5, "which is -0.5"), (None, "undefined"), (math.nan, "undefined")]
)
def test_delta_m_refuses_a_reference_that_it_cannot_divide_by(score: float | None, said: str):
    with pytest.raises(TrainingError, match=rf"validation AUC of the task 'conversion'.*{said}"):
        value("delta-m", click=0.5, conversion=score, watch=4.0)
    with pytest.raises(TrainingError, match="needs the validation scores of the single-task baseline"):
        value("delta-m")


@pytest.mark.parametrize(
    ("text", "same"),
    [
        (" mean ", "mean"),
        ("conversion=3,click=1", "click=1,conversion=3"),
        (" click = 1.0 , conversion = 3 ", "click=1,conversion=3"),
        ("conversion=0.75,click=0.25", "click=1,conversion=3"),
        ("conversion=6,click=2,watch=0", "click=1,conversion=3"),
        ("click=5", "click=1"),
        ("'a,b'=1,c=2", "'a,b'=1,c=2"),
        ('"it\'s"=1,c=2', 'c=2,"it\'s"=1'),
    ],
)
def test_texts_of_one_meaning_become_one(text: str, same: str):
    assert canonical(text) == same == canonical(same)


def test_equal_weights_of_all_tasks_are_the_mean():
    assert canonical("click=2,conversion=2", ["click", "conversion"]) == "mean"
    assert canonical("click=2,conversion=2", TASKS) == "click=1,conversion=1"


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8", exclude_characters="'\"\n"), min_size=1, max_size=8),
        st.decimals(min_value=0, max_value=999_999, places=3),
        min_size=1,
        max_size=5,
    ).filter(lambda weights: any(weights.values()))
)
def test_any_name_without_quotes_and_any_weight_is_read_back(weights: dict[str, object]):
    text = ",".join(f"'{task}'={weight}" for task, weight in weights.items())
    assert canonical(canonical(text)) == canonical(text)
    backwards = ",".join(f"'{task}'={weight}" for task, weight in reversed(weights.items()))
    assert canonical(backwards) == canonical(text)
    metrics = {task: replace(AUC) for task in weights}
    scores = {task: 1 / (place + 2) for place, task in enumerate(weights)}
    expected = sum(float(w) * scores[t] for t, w in weights.items()) / sum(map(float, weights.values()))
    assert Objective(text, metrics).of(scores) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no objective; expected mean, delta-m, or TASK=WEIGHT"),
        ("median", "is no objective"),
        ("click", "is no objective"),
        ("click=1,", "is no objective"),
        ("click=-1", "is no objective"),
        ("click=nan", "is no objective"),
        ("click=1e3", "is no objective"),
        ("click=1=2", "is no objective"),
        ("click=1,click=2", "names the task 'click' twice"),
        ("click=0,watch=0", "no weight above 0"),
        ("click=999999999999,watch=0.000001", "weights of too many digits"),
    ],
)
def test_what_is_no_objective_is_refused(text: str, said: str):
    with pytest.raises(UsageError, match=said):
        canonical(text)


def test_a_task_that_is_not_there_is_refused_with_a_suggestion():
    with pytest.raises(UsageError, match=r"weighs 'clik', which is no task of the dataset: did you mean 'click'\?"):
        canonical("clik=1", TASKS)
