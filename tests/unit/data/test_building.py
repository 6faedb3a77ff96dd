import numpy as np
import pandas as pd
import pytest
import torch
from logs import small_log

from mtlbench import api
from mtlbench.data.building import build


def test_what_is_encoded_is_what_was_logged() -> None:
    log = small_log(rows=100, numerical=["row"])
    splits = build(log, "my-log", "key")
    in_order = log.frame.sort_values("time", kind="stable")
    scores = torch.cat([split.numerical[:, 0] for split in splits.parts().values()]).double().numpy()
    rows = np.rint(scores * in_order["row"][:60].std(ddof=0) + in_order["row"][:60].mean()).astype(int)
    assert rows.tolist() == in_order["row"].tolist()
    for task, name in enumerate(log.task_names):
        labels = torch.cat([split.labels[:, task] for split in splits.parts().values()])
        assert labels.tolist() == in_order[name].tolist()
    times = torch.cat([split.timestamp for split in splits.parts().values()])
    assert times.tolist() == in_order["time"].tolist()
    users = torch.cat([split.user for split in splits.parts().values()])
    assert len(set(zip(users.tolist(), in_order["user"], strict=True))) == in_order["user"].nunique() == users.max() + 1


def test_shapes_and_types_are_the_contract() -> None:
    splits = build(small_log(rows=100, optimum=["click", "buy"]), "my-log", "key")
    split = splits.validation
    assert len(split) == 20
    tensors = {name: value for name, value in vars(split).items() if isinstance(value, torch.Tensor)}
    shapes = {name: (tuple(value.shape), value.dtype) for name, value in tensors.items()}
    assert shapes == {
        "categorical": ((20, 2), torch.int32),
        "numerical": ((20, 1), torch.float32),
        "labels": ((20, 2), torch.float32),
        **dict.fromkeys(("timestamp", "session", "user", "position", "next_row"), ((20,), torch.int64)),
        "done": ((20,), torch.bool),
        "optimum": ((20, 2), torch.float64),
    }
    assert splits.schema.sessions
    assert [field.name for field in splits.schema.categorical] == ["user", "item"]


def test_an_item_first_seen_after_training_is_unknown() -> None:
    log = small_log(rows=100)
    log.frame.loc[log.frame["row"] >= 60, "item"] = "launched later"
    splits = build(log, "my-log", "key")
    assert (splits.train.categorical[:, 1] > 0).all()
    assert (splits.validation.categorical[:, 1] == 0).all()
    assert (splits.test.categorical[:, 1] == 0).all()
    assert splits.facts["unknown_ids.test"] == pytest.approx(0.5)


def test_nothing_of_later_splits_moves_the_training_split() -> None:
    log = small_log(rows=100)
    before = build(log, "my-log", "key").train
    late = log.frame["row"] >= 60
    log.frame.loc[late, "item"] = "other"
    log.frame.loc[late, "price"] = 1e6
    after = build(log, "my-log", "key").train
    assert all(
        value.equal(vars(after)[name]) for name, value in vars(before).items() if isinstance(value, torch.Tensor)
    )


def test_without_a_timestamp_there_are_no_sessions_and_the_split_is_random() -> None:
    splits = build(small_log(rows=100, timestamp=None, numerical=["row"]), "my-log", "key")
    assert not splits.schema.sessions
    assert splits.train.done.all()
    assert splits.train.session.tolist() == splits.train.next_row.tolist() == list(range(60))
    assert abs(np.corrcoef(splits.train.numerical[:, 0], np.arange(60))[0, 1]) < 0.4


def test_facts_count_rows_rates_users_sessions_and_ids() -> None:
    facts = build(small_log(rows=100, facts={"duplicates_dropped": 3}), "my-log", "key").facts
    assert facts["duplicates_dropped"] == 3
    assert (facts["rows"], facts["rows.train"], facts["rows.validation"], facts["rows.test"]) == (100, 60, 20, 20)
    assert facts["rate.train.click"] == pytest.approx(0.5)
    assert facts["rate.test.buy"] == pytest.approx(0.25)
    assert facts["users"] == 6
    assert facts["indices"] == 7 + 5


def test_what_is_held_out_is_the_test_split() -> None:
    log = small_log(rows=100, numerical=["row"], held_out="late")
    log.frame["late"] = log.frame["row"] >= 60
    splits = build(log, "my-log", "key")
    assert [len(split) for split in splits.parts().values()] == [45, 15, 40]
    assert splits.test.timestamp.tolist() == log.frame.loc[log.frame["late"], "time"].sort_values().tolist()
    assert splits.facts["split"] == "as published, validation the end of training"


def test_a_held_out_part_earlier_than_training_is_refused() -> None:
    log = small_log(rows=100, held_out="early")
    log.frame["early"] = log.frame["row"] < 40
    with pytest.raises(api.DataError, match="before the training part ends"):
        build(log, "my-log", "key")


@pytest.mark.parametrize(
    ("lacking", "split", "sessions"),
    [
        ({"timestamp": None}, "random with a fixed seed, for want of timestamps", "none, for want of timestamps"),
        ({"session": None}, None, "none, for want of a session column"),
        ({"timestamp": None, "session": None}, "random with", "none, for want of a session column"),
    ],
)
def test_what_a_log_lacks_is_among_its_facts(lacking: dict[str, None], split: str | None, sessions: str) -> None:
    facts = build(small_log(rows=100, **lacking), "my-log", "key").facts
    assert str(facts.get("split")).startswith(str(split))
    assert facts["sessions"] == sessions


def test_a_refusal_names_the_origin() -> None:
    log = small_log(rows=100, origin="log.csv")
    log.frame["buy"] = 1
    with pytest.raises(api.DataError, match=r"^dataset 'my-log' \(log\.csv\): task 'buy'"):
        build(log, "my-log", "key")


def restarted(rows: int = 600) -> api.Log:
    """A log whose session numbers begin anew for each user."""
    log = small_log(rows=rows)
    log.frame["visit"] = log.frame["row"] // 50
    return log


def test_session_numbers_that_begin_anew_for_each_user_are_told_apart() -> None:
    log = restarted()
    splits = build(log, "my-log", "key")
    in_order = log.frame.sort_values("time", kind="stable")
    start = 0
    for split in splits.parts().values():
        raw = in_order.iloc[start : start + len(split)]
        expected = pd.factorize(raw["user"].astype(str) + "/" + raw["visit"].astype(str))[0]
        assert split.session.tolist() == expected.tolist()
        start += len(split)
    assert splits.facts["session_ids_of_several_users"] == 12
    assert splits.facts["sessions"] == sum(int(split.done.sum()) for split in splits.parts().values())
    assert splits.fingerprint not in {"key", build(restarted(), "my-log", "other").fingerprint}


def test_session_ids_of_one_user_each_are_what_they_were() -> None:
    with_users, without = (build(small_log(rows=100, **changes), "my-log", "key") for changes in ({}, {"user": None}))
    for name, split in with_users.parts().items():
        assert split.session.equal(without.parts()[name].session)
    assert "session_ids_of_several_users" not in with_users.facts
    assert with_users.fingerprint == "key"


@pytest.mark.parametrize("dtype", ["int64", "uint64", "str", "category"])
def test_ids_of_nineteen_digits_that_differ_in_the_last_are_different(dtype: str) -> None:
    log = small_log(rows=100)
    log.frame["item"] = (2**62 + log.frame["row"] % 7).astype(dtype)
    assert build(log, "my-log", "key").schema.categorical[1].cardinality == 8


@pytest.mark.parametrize("value", [1e300, -1e300, 1e40])
@pytest.mark.parametrize("place", [5, 95])
def test_a_number_that_no_network_can_take_is_named_with_its_row(value: float, place: int) -> None:
    log = small_log(rows=100, place="line {}".format)
    log.frame = log.frame.sort_values("row", ignore_index=True)
    log.frame.loc[place, "price"] = value
    with pytest.raises(api.DataError) as caught:
        build(log, "my-log", "key")
    assert f"'price' holds {value!r} in line {place}" in str(caught.value)


def test_a_number_beyond_the_range_once_scaled_is_named_with_its_row() -> None:
    log = small_log(rows=100)
    log.frame = log.frame.sort_values("row", ignore_index=True)
    log.frame["price"] = np.where(log.frame["row"] < 60, (log.frame["row"] == 3) * 1e-200, log.frame["price"])
    with pytest.raises(api.DataError, match=r"'price' holds [-.\d]+ in row 60, which is beyond all bounds once scaled"):
        build(log, "my-log", "key")


@pytest.mark.parametrize("scale", [1e-250, 1e250])
def test_the_unit_of_a_number_does_not_matter(scale: float) -> None:
    log = small_log(rows=100)
    plain = build(log, "my-log", "key").test.numerical
    log.frame["price"] *= scale
    assert build(log, "my-log", "key").test.numerical.allclose(plain, atol=1e-5)


def test_the_warnings_of_the_log_are_those_of_the_splits() -> None:
    assert build(small_log(warnings=["mind the gap"]), "my-log", "key").warnings == ("mind the gap",)


def test_labels_are_cut_at_a_quantile_of_their_observed_training_rows() -> None:
    log = small_log(rows=100)
    log.frame["seconds"] = np.where(log.frame["row"] % 2, log.frame["row"] % 20, np.nan)
    log.tasks = [*log.tasks, api.Task("seconds", "nonnegative")]
    log.clipped = {"seconds": 0.5}
    splits = build(log, "my-log", "key")
    assert splits.facts["clipped_at.seconds"] == 10  # the median of 1, 3, ..., 19
    for split in splits.parts().values():
        assert split.labels[:, 2].isnan().sum() == len(split) / 2
        assert set(split.labels[:, 2].nan_to_num(0).tolist()) == {0, 1, 3, 5, 7, 9, 10}


@pytest.mark.parametrize("clipped", [{"secnds": 0.9}, {"click": 0.0}, {"click": 1.5}])
def test_what_cannot_be_cut(clipped: dict[str, float]) -> None:
    log = small_log(rows=100)
    log.clipped = clipped
    with pytest.raises(api.DataError, match="are to be cut at the quantile"):
        build(log, "my-log", "key")
