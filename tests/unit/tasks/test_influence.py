"""How much rows move a metric: against its derivative, DeLong's placement values and a real bootstrap of sessions."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_splits import small_schema, small_splits

from mtlbench.evaluation import auc
from mtlbench.records import decoded, encoded
from mtlbench.statistics import sampling_interval
from mtlbench.tasks.fitted import FittedTasks
from mtlbench.tasks.influence import GROUPS, dealt, influence_sums
from mtlbench.tasks.metrics.influence import pair_order_influence
from mtlbench.tasks.metrics.order import xauc
from mtlbench.tasks.registry import kinds

rows = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(1, 3)), min_size=2, max_size=12).filter(
    lambda drawn: len({label for label, _, _ in drawn}) > 1
)


def columns(drawn):
    labels, scores, weights = (torch.tensor(column, dtype=torch.float64) for column in zip(*drawn, strict=True))
    return scores, labels, weights


@given(rows)
def test_it_is_the_derivative_of_the_metric_by_the_times_that_a_row_counts(drawn):
    scores, labels, weights = columns(drawn)

    def metric(counts):
        apart = labels[:, None] != labels[None]
        order = torch.sign(scores[:, None] - scores[None]) * torch.sign(labels[:, None] - labels[None])
        pair = counts[:, None] * counts[None] * apart
        return (pair * (order + 1) / 2).sum() / pair.sum()

    counts = weights.clone().requires_grad_()
    expected = torch.autograd.grad(metric(counts), counts)[0] * weights
    assert torch.allclose(pair_order_influence(scores, labels, weights), expected, atol=1e-12)


@given(rows)
def test_the_values_sum_to_nothing_and_whole_weights_are_repeated_rows(drawn):
    scores, labels, weights = columns(drawn)
    own = pair_order_influence(scores, labels, weights)
    assert own.sum().item() == pytest.approx(0, abs=1e-12)
    times = weights.long()
    repeated = pair_order_influence(scores.repeat_interleave(times), labels.repeat_interleave(times))
    assert torch.allclose(repeated, (own / weights).repeat_interleave(times), atol=1e-12)


def test_on_binary_labels_it_is_delongs_placement_value():
    generator = torch.Generator().manual_seed(0)
    labels = (torch.rand(300, generator=generator) < 0.3).float()
    scores = (torch.randn(300, generator=generator) + labels).round(decimals=1)
    own, wins = pair_order_influence(scores, labels), auc(scores, labels)
    (negative,) = (scores[labels == 0],)
    for i in torch.nonzero(labels == 1).flatten()[:20].tolist():
        placement = ((scores[i] > negative).double() + (scores[i] == negative).double() / 2).mean()
        assert own[i].item() == pytest.approx((placement.item() - wins) / int(labels.sum()))


def test_one_label_alone_has_no_influence():
    assert pair_order_influence(torch.arange(4.0), torch.ones(4)).isnan().all()


@pytest.mark.parametrize(("metric", "binary"), [(auc, True), (xauc, False)])
def test_the_interval_is_that_of_a_bootstrap_of_sessions(metric, binary):
    rng = np.random.default_rng(1)
    session = np.repeat(np.arange(400), rng.integers(1, 9, 400))
    taste = rng.normal(size=400)[session]  # rows of a session depend on each other
    truth = taste + rng.normal(size=len(session))
    labels = torch.tensor((truth > 1) if binary else truth.round(1), dtype=torch.float64)
    first, second = (torch.from_numpy(truth + taste * share + rng.normal(0, 2, len(session))) for share in (0.0, 0.8))
    sums = torch.bincount(
        torch.from_numpy(session), pair_order_influence(first, labels) - pair_order_influence(second, labels)
    )
    observed = metric(first, labels) - metric(second, labels)
    interval = sampling_interval(observed, sums.numpy())
    rows_of = [np.flatnonzero(session == s) for s in range(400)]
    drawn = []
    for _ in range(400):
        chosen = np.concatenate([rows_of[s] for s in rng.integers(0, 400, 400)])
        drawn.append(metric(first[chosen], labels[chosen]) - metric(second[chosen], labels[chosen]))
    # The error of a standard deviation of 400 draws is 3.5 %.
    assert interval.half_width / 1.966 == pytest.approx(np.std(drawn), rel=0.12)
    assert interval.value == observed


def test_sums_by_group_know_the_error_of_many_sessions():
    rng = np.random.default_rng(2)
    values = rng.standard_t(5, 20_000)
    values -= values.mean()
    exact = np.sqrt((values**2).sum())
    group = dealt(torch.arange(20_000)).numpy()
    counts = np.bincount(group, minlength=GROUPS)
    assert len(counts) == GROUPS
    assert counts.std() == pytest.approx(np.sqrt(20_000 / GROUPS), rel=0.2)
    half = sampling_interval(0.0, np.bincount(group, values)).half_width
    assert half / 1.9693 == pytest.approx(exact, rel=0.13)


@pytest.mark.parametrize(
    ("changes", "unit", "groups"),
    [({}, "session", None), ({"sessions": False}, "user", 11), ({"sessions": False, "users": False}, "row", 240)],
)
def test_rows_are_taken_by_session_else_by_user_else_alone(changes, unit, groups):
    splits = small_splits(small_schema(**changes))
    logits = torch.randn(240, 2, generator=torch.Generator().manual_seed(5))
    found = influence_sums(FittedTasks.of(splits), logits, splits.test, splits.schema)
    assert found.unit == unit
    ids = {"session": splits.test.session, "user": splits.test.user, "row": torch.arange(240)}[unit]
    for k, task in enumerate(splits.schema.task_names):
        values = pair_order_influence(logits[:, k], splits.test.labels[:, k])
        expected = torch.stack([values[ids == one].sum() for one in ids.unique()])
        assert found.sums[task] == pytest.approx(expected.numpy())
        assert groups in (None, len(found.sums[task]))


def test_rows_without_a_label_have_no_influence_and_keep_their_group():
    splits = small_splits()
    labels = splits.test.labels.clone()
    labels[:100, 1] = torch.nan
    labels[:, 0] = 1.0
    test = replace(splits.test, labels=labels)
    logits = torch.randn(240, 2, generator=torch.Generator().manual_seed(5))
    found = influence_sums(FittedTasks.of(splits), logits, test, splits.schema)
    assert list(found.sums) == ["conversion"]  # AUC of one class is undefined
    session = splits.test.session
    assert len(found.sums["conversion"]) == int(session.max()) + 1
    assert not found.sums["conversion"][: int(session[99])].any()
    assert found.sums["conversion"].any()


def test_fewer_than_two_groups_say_nothing():
    assert np.isnan(sampling_interval(0.1, [0.0]).low)


def test_every_kind_has_a_primary_metric_with_an_influence():
    for kind in kinds().values():
        assert kind.metrics[0].influence is not None, kind.name


def test_sums_keep_three_digits_in_a_record_whatever_their_size():
    for size in (1e-9, 1.0, 1e4):
        sums = np.random.default_rng(4).normal(0, size, 256)
        sums -= sums.mean()
        text = encoded(sums)
        assert decoded(text) == pytest.approx(sums, abs=size * 5e-3)
        assert len(text) < 700
    assert decoded(encoded(np.zeros(3))).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("!", "base64|padding|Only"),
        ("AAAA", "no list"),
        (encoded(np.array([1.0, 2.0, 3.0])), "add up to 0"),
    ],
)
def test_damaged_sums_are_refused(text, reason):
    with pytest.raises(ValueError, match=reason):
        decoded(text)


def test_whole_sample_weights_count_as_repeated_rows():
    splits = small_splits()
    times = torch.arange(240) % 3 + 1
    logits = torch.randn(240, 2, generator=torch.Generator().manual_seed(5))
    tasks = FittedTasks.of(splits)
    weighted = replace(splits.test, weight=times.float())
    repeated = replace(
        splits.test,
        labels=splits.test.labels.repeat_interleave(times, 0),
        session=splits.test.session.repeat_interleave(times),
        user=splits.test.user.repeat_interleave(times),
    )
    found = influence_sums(tasks, logits, weighted, splits.schema)
    expected = influence_sums(tasks, logits.repeat_interleave(times, 0), repeated, splits.schema)
    for task in splits.schema.task_names:
        assert found.sums[task] == pytest.approx(expected.sums[task])
