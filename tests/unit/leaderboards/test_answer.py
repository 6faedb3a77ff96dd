"""The answer in five sentences, on made-up boards whose truth is known: each says no more than its test allows."""

import re
from dataclasses import replace

from made_logs import NAMES, log_boards, log_records, over

from mtlbench.leaderboards.boards.board_gains import BoardGains
from mtlbench.leaderboards.boards.grouping import boards
from mtlbench.leaderboards.boards.over_logs import OverLogs, over_logs
from mtlbench.leaderboards.tables.answer import answer
from mtlbench.records import StageSpend

GAIN, NOTHING = 0.004, 0.0
"""Of 0.7 AUC: 0.57 % in Delta_m, eight times the noise; and nothing."""


def told(found: OverLogs) -> dict[str, str]:
    """The five sentences by what they are about."""
    sentences = answer(found)
    assert len(sentences) == 5
    for one in sentences:
        assert one.text.endswith(".")
        assert not re.search(r"\bnan\b|\binf\b|None\b(?! is)", one.text), one.text
    return dict(zip(("best", "over", "where", "cost", "use"), (one.text for one in sentences), strict=True))


def both(a: float, b: float, logs: int = 6) -> list[dict[str, float]]:
    return [{"A": a, "B": b if i % 2 else -b} for i in range(logs)]


def test_one_weighting_that_is_better_on_all_logs_is_named_everywhere() -> None:
    said = told(over(both(GAIN, 0.0006)))
    assert said["best"].startswith(
        "A has the best mean rank of 3 weightings over 6 logs, 1.0, and is told apart from all"
    )
    assert re.match(
        r"A \(\+0\.5\d ± 0\.0\d %\) gains in Δm over Constant \(95 % intervals over logs; p < \.05", said["over"]
    )
    assert said["where"].startswith("Better than Constant: A on 6 logs and B on 3 logs; worse than Constant: B (")
    assert said["cost"] == "What is shown to gain took 1.0 times the steps and 1.0 times the seconds of Constant."
    assert said["use"] == (
        "A: shown to gain over logs, at 1.0 times the seconds of Constant; on yours, compare with Constant."
    )


def test_two_that_gain_are_both_advised_and_their_order_is_not_claimed() -> None:
    said = told(over([{"A": GAIN, "B": GAIN, "C": 0.0}] * 6))
    assert re.match(
        r"(A and B|B and A): shown to gain over logs, at 1.0 times the seconds of Constant, and they are ", said["use"]
    )
    assert said["use"].endswith("are not told apart; on yours, compare with Constant.")


def test_a_claim_that_takes_generated_logs_says_so() -> None:
    found = over(both(GAIN, 0.0006))
    said = told(replace(found, blocks=(*found.blocks[:4], *map(generated, found.blocks[4:]))))
    assert said["over"].endswith("if the 2 generated logs counted as one, 5 logs would be too few for this test.")
    many = over(both(GAIN, 0.0006, logs=8))
    said = told(replace(many, blocks=(*many.blocks[:6], *map(generated, many.blocks[6:]))))
    assert "8 logs (2 of them generated)" in said["over"]
    assert said["over"].endswith("if the 2 generated logs counted as one, 7 logs would show the same.")


def test_what_is_shown_only_if_each_generated_log_counts_is_named() -> None:
    real, made = [{"A": GAIN, "B": NOTHING}] * 6, [{"A": GAIN, "B": GAIN}] * 6
    found = over(real + made)
    blocks = sorted(found.blocks, key=lambda one: one.gains["b"].estimate.value)
    found = replace(found, blocks=(*blocks[:6], *map(generated, blocks[6:])))
    assert {one.name: one.verdict for one in found.rivals} == {"A": "better", "B": "better"}
    assert told(found)["over"].endswith("if the 6 generated logs counted as one, 7 logs would show it of A alone.")
    assert found.with_generated_as_one == (7, {"a": "better", "b": "not told apart"})


def test_a_claim_that_generated_logs_alone_carry_is_said_to_be_none() -> None:
    found = over([{"A": NOTHING}] * 6 + [{"A": GAIN}] * 6)
    blocks = sorted(found.blocks, key=lambda one: one.gains["a"].estimate.value)
    found = replace(found, blocks=(*blocks[:6], *map(generated, blocks[6:])))
    assert [one.verdict for one in found.rivals] == ["better"]
    assert told(found)["over"].endswith("if the 6 generated logs counted as one, 7 logs would show none of it.")


def generated(found: BoardGains) -> BoardGains:
    """The board as one of a generated log, whose best possible score is known."""
    data = found.board.sample.dataset.model_copy(update={"optimum": {"click": {"auc": 0.8}}})
    return replace(found, board=replace(found.board, sample=found.board.sample.model_copy(update={"dataset": data})))


def test_of_many_the_best_is_told_apart_from_some_and_constant_weights_are_named_first() -> None:
    leads = {name: 0.001 * place for place, name in enumerate("HGFEDCBA", start=1)}
    said = told(over([leads] * 6, noise=0.0001))
    # Nine weightings rank 1 to 9 on all logs, and the critical difference of 6 logs is 4.9.
    assert said["best"].startswith("A has the best mean rank of 9 weightings over 6 logs, 1.0, and is told apart from ")
    assert "from Constant, F and 2 more, but not from 4 others" in said["best"]


def test_where_no_ranks_can_name_a_best_one_that_is_said() -> None:
    leads = {name: 0.001 * place for place, name in enumerate("HGFEDCBA", start=1)}
    # Nine ranks are 8 apart at most, and the critical difference of 2 logs is 8.5.
    assert "differ, but never by enough to name a best one" in told(over([leads] * 2, noise=0.0001))["best"]


def test_without_its_gain_on_any_log_nothing_is_claimed_of_it() -> None:
    said = told(over(both(NOTHING, 0.0)))
    assert said["best"].startswith("None is shown to be: the mean ranks of 3 weightings over 6 logs do not differ")
    assert said["over"].startswith("None is shown to be: no weighting is told apart from Constant (p < .05")
    assert said["where"].startswith("On none: no weighting is told apart from Constant on Shop, Hotel")
    assert "12 comparisons of the page together" in said["where"]
    assert said["cost"].endswith("and no gain is shown for it.")
    assert said["use"].startswith("Constant: nothing is shown to beat it here")


def test_five_logs_cannot_claim_over_logs_what_six_do() -> None:
    said = told(over(both(GAIN, 0.0006, logs=5)))
    assert said["over"] == (
        "That cannot be said: a test over logs takes 6 logs or more, and there are 5, "
        "Shop, Hotel, News, Films and Books."
    )
    assert said["where"].startswith("Better than Constant: A")
    assert said["use"].startswith("The log decides: a gain of A is shown on 5 of 5 logs, and a loss on none; on yours")


def test_a_loss_on_one_log_takes_the_claim_over_logs_away() -> None:
    leads = both(GAIN, 0.0006)
    leads[2]["A"] = -GAIN
    said = told(over(leads))
    assert said["over"].startswith("None is shown to be")
    assert "the largest mean gain in Δm is that of A" in said["over"]
    assert said["best"].startswith("None is shown to be")


def test_better_on_some_logs_and_worse_on_others() -> None:
    said = told(over([{"A": GAIN if i < 3 else -GAIN, "B": 0.0} for i in range(6)]))
    assert said["over"].startswith("None is shown to be")
    better, worse = said["where"].index("worse than"), len(said["where"])
    assert [name for name in NAMES[:6] if name in said["where"][:better]] == list(NAMES[:3])
    assert [name for name in NAMES[:6] if name in said["where"][better:worse]] == list(NAMES[3:6])
    assert said["use"] == (
        "That depends on the log: a gain of A is shown on one and a loss on another; on yours, compare with Constant."
    )


def test_what_gains_on_the_most_logs_and_loses_on_none_is_advised_before_what_also_loses() -> None:
    leads = [{"A": GAIN, "B": GAIN, "C": GAIN if i else NOTHING} for i in range(3)]
    leads[0]["A"] = -GAIN
    assert told(over(leads))["use"] == (
        "The log decides: a gain of B is shown on 3 of 3 logs, and a loss on none; on yours, compare with Constant."
    )


def test_worse_everywhere_is_said_and_is_no_gain() -> None:
    said = told(over([{"A": -GAIN, "B": 0.0}] * 6))
    assert re.match(r"A \(−0\.5\d ± 0\.0\d %\) loses in Δm over Constant", said["over"])
    assert said["where"].startswith("Worse than Constant: A on 6 logs and B on 1 log (Δm; p <")
    assert said["cost"].endswith("no gain is shown for it.")
    assert said["use"].startswith("Constant: nothing is shown to beat it")


def test_one_log_has_no_ranking_and_no_claim_beyond_itself() -> None:
    said = told(over([{"A": GAIN, "B": 0.0}]))
    assert said["best"].startswith("That cannot be said: Friedman's test takes two logs or more")
    assert said["best"].endswith("and there is one, Shop.")
    assert said["over"] == "That cannot be said: a test over logs takes 6 logs or more, and there is 1, Shop."
    assert said["where"].startswith("Better than Constant: A (+0.5")
    assert said["use"] == (
        "The log decides: a gain of A is shown on the one log that can show it, and a loss on none; on yours, "
        "compare with Constant."
    )


def test_three_seeds_claim_nothing_of_a_log() -> None:
    said = told(over([{"A": GAIN, "B": 0.0}] * 2, seeds=3))
    few = "p < .05 on one log takes 6 paired seeds, and no board has more than 3"
    assert said["where"] == f"That cannot be said: {few}."
    assert said["use"] == f"These boards cannot tell, and so give no reason to leave Constant: {few}."
    assert "no gain is shown" in said["cost"]


def test_six_seeds_are_enough_for_a_sure_gain_however_many_boards_there_are() -> None:
    said = told(over([{"A": GAIN}] * 8, seeds=6, noise=0.0001))
    assert said["where"].startswith("Better than Constant: A on 8 logs (Δm; p < .05")


def test_a_place_is_named_with_its_gain_where_few_are_to_be_named() -> None:
    said = told(over([{"A": GAIN}] * 3, seeds=6, noise=0.0001))
    assert [name for name in NAMES if f" %) on {name}" in said["where"]] == list(NAMES[:3])
    assert said["where"].count("A (+0.5") == 3


def test_logs_without_a_weighting_in_common() -> None:
    said = told(over([{"A": GAIN}, {"B": NOTHING}]))
    why = "That cannot be said: no weighting beside Constant has every seed on all of 2 logs."
    assert (said["best"], said["over"]) == (why, why)
    assert said["where"].startswith("Better than Constant: A (+0.5")
    assert "none is told apart on Hotel" in said["where"]
    assert said["use"] == (
        "The log decides: a gain of A is shown on the one log that can show it, and a loss on none; on yours, "
        "compare with Constant."
    )


def test_tuned_weightings_answer_before_those_at_their_defaults() -> None:
    def pages(tuned_logs: int) -> list[OverLogs]:
        return over_logs(
            (
                name,
                log_boards(name, {"A": GAIN}) + (log_boards(name, {"A": -GAIN}, trials=12) if i < tuned_logs else []),
            )
            for i, name in enumerate(NAMES[:3])
        )

    first, second = pages(tuned_logs=2)
    assert (dict(first.tuning), dict(second.tuning)) == ({"trials": 12}, {})
    said = told(first)
    assert said["where"].startswith("Worse than tuned Constant: A (−0.6")
    assert said["use"].startswith("tuned Constant: nothing is shown to beat it")
    # One log that was tuned ranks nothing, so what three logs have at their defaults answers.
    first, second = pages(tuned_logs=1)
    assert (dict(first.tuning), dict(second.tuning)) == ({}, {"trials": 12})
    # What that log shows is said beside it.
    where = answer(first, [second])[2].text
    assert where.startswith(told(first)["where"])
    assert " Each tuned over 12 trials: Worse than tuned Constant: A (−0.6" in where


def costs(steps: int, last: int) -> str:
    """The sentence on the cost where A took so many steps and its best epoch was that one of ten."""
    stage = StageSpend(stage="stage 1", steps=steps, rows=1000, seconds=3.0, peak_memory_mib=1.0)
    changed = {"spend": [stage], "best_epoch": {"stage 1": last}}
    records = [one if one.baseline else one.model_copy(update=changed) for one in log_records("Shop", {"A": GAIN})]
    [found] = over_logs([("shop", boards(records))])
    return told(found)["cost"]


def test_more_training_and_cut_off_training_are_said_beside_a_gain() -> None:
    took = "What is shown to gain took {} times the steps and 2.0 times the seconds of Constant"
    more, epochs = (
        "may be that of more training",
        "may change with more epochs, because the last one allowed was the best",
    )
    assert costs(104, 9) == f"{took.format('1.0')}."
    assert costs(250, 9) == f"{took.format('2.5')}; the gain of A {more}."
    assert costs(250, 10) == f"{took.format('2.5')}; the gain of A {more}; the gain of A {epochs}."
    assert costs(100, 10) == f"{took.format('1.0')}; the gain of A {epochs}."


def test_what_trained_as_long_is_advised_before_a_larger_gain_that_took_more() -> None:
    stage = StageSpend(stage="stage 1", steps=250, rows=1000, seconds=3.0, peak_memory_mib=1.0)
    records = [
        one.model_copy(update={"spend": [stage]}) if one.weighting.label == "A" else one
        for one in log_records("Shop", {"A": 2 * GAIN, "B": GAIN})
    ]
    [found] = over_logs([("shop", boards(records))])
    said = told(found)
    assert said["cost"].endswith("the gain of A may be that of more training.")
    assert said["use"].startswith("The log decides: a gain of B is shown on the one log that can show it, and a")
