from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlbench import api
from mtlbench.data import load
from mtlbench_plugins.datasets._items import ancestors, as_of
from mtlbench_plugins.datasets.retailrocket import PROPERTIES, RetailRocket

MINUTE = 60_000
START = 1_433_000_000_000


def dataset(**params: object) -> RetailRocket:
    return RetailRocket(RetailRocket.Params.model_validate(params))


@pytest.fixture
def real(data_dir: Path) -> Path:
    if not (data_dir / "retailrocket" / "events.csv").is_file():
        pytest.skip(f"no RetailRocket: {data_dir / 'retailrocket' / 'events.csv'} is absent")
    return data_dir


def write_events(root: Path, events: list[tuple[int, int, str, int]]) -> Path:
    """A RetailRocket folder with (minute, visitor, event, item) in the raw schema; returns it."""
    folder = root / "retailrocket"
    folder.mkdir()
    table = pd.DataFrame(events, columns=["timestamp", "visitorid", "event", "itemid"])
    table["timestamp"] = START + table["timestamp"] * MINUTE
    table["transactionid"] = ""
    table.to_csv(folder / "events.csv", index=False)
    return folder


EVENTS = [
    (0, 1, "view", 7),
    (1, 1, "view", 8),
    (2, 1, "addtocart", 7),
    (3, 1, "transaction", 7),
    (4, 2, "view", 7),
    (50, 1, "view", 7),
    (51, 1, "addtocart", 9),
]


def test_the_published_facts_of_the_sample_hold(real: Path) -> None:
    facts = dataset().load(real).facts
    assert [facts[f"events.{name}"] for name in ("view", "addtocart", "transaction")] == [9076, 263, 46]
    events = pd.read_csv(real / "retailrocket" / "events.csv")
    assert api.session_ids(events["visitorid"], events["timestamp"], "user-gap30m").max() + 1 == 6229


def test_the_sample_loads_without_item_properties(real: Path, cache_dir: Path) -> None:
    splits = load(dataset(), real, cache_dir)
    assert [field.name for field in splits.schema.categorical] == ["user_id", "itemid", "hour", "weekday"]
    events = pd.read_csv(real / "retailrocket" / "events.csv")
    events["session"] = api.session_ids(events["visitorid"], events["timestamp"], "user-gap30m")
    paid = events[events["event"] == "transaction"]
    assert splits.facts["rows"] == len(events.drop_duplicates(["session", "itemid"]))
    assert sum(float(split.labels[:, 1].sum()) for split in splits.parts().values()) == len(
        paid.drop_duplicates(["session", "itemid"])
    )


def test_a_row_is_an_item_of_a_session_at_its_first_event(tmp_path: Path) -> None:
    write_events(tmp_path, EVENTS)
    log = dataset().load(tmp_path)
    rows = log.frame[["user_id", "itemid", "timestamp", "click", "pay"]].astype(int)
    rows["timestamp"] = (rows["timestamp"] - START) // MINUTE
    assert rows.to_numpy().tolist() == [
        [1, 7, 0, 1, 1],
        [1, 8, 1, 0, 0],
        [2, 7, 4, 0, 0],
        [1, 7, 50, 0, 0],
        [1, 9, 51, 1, 0],
    ]
    assert log.facts["rows_without_view"] == pytest.approx(1 / 5)
    assert len(dataset(session="user").load(tmp_path).frame) == 4


def test_a_row_can_be_an_event(tmp_path: Path) -> None:
    write_events(tmp_path, EVENTS)
    frame = dataset(row="event").load(tmp_path).frame
    assert frame["click"].tolist() == [False, False, True, True, False, False, True]
    assert frame["pay"].tolist() == [False, False, False, True, False, False, False]


def test_a_row_can_be_an_item_that_was_viewed(tmp_path: Path) -> None:
    """The view is the exposure: what was never viewed in the session is no row, and what came before does not count."""
    more = [(52, 1, "view", 9), (53, 1, "transaction", 9), (54, 3, "transaction", 8), (90, 2, "transaction", 5)]
    write_events(tmp_path, [*EVENTS, *more])
    log = dataset(row="view").load(tmp_path)
    assert log.described_tasks == api.funnel("cart", "transaction")
    rows = log.frame[["user_id", "itemid", "timestamp", "cart", "transaction"]].astype(int)
    rows["timestamp"] = (rows["timestamp"] - START) // MINUTE
    assert rows.to_numpy().tolist() == [
        [1, 7, 0, 1, 1],
        [1, 8, 1, 0, 0],
        [2, 7, 4, 0, 0],
        [1, 7, 50, 0, 0],
        [1, 9, 52, 1, 1],
    ]
    assert log.facts["rows_without_view"] == pytest.approx(2 / 7)
    assert log.facts["transactions_without_cart"] == pytest.approx(1 / 2)  # item 9 was in the cart before its view


def test_rows_that_are_views_of_the_sample(real: Path, cache_dir: Path) -> None:
    splits = load(dataset(row="view"), real, cache_dir)
    assert list(splits.schema.task_names) == ["cart", "transaction"]
    assert splits.facts["rows"] == 7760 + 142 + 30 + 5  # the item-sessions with a view, by their sets of events
    events = pd.read_csv(real / "retailrocket" / "events.csv")
    events["session"] = api.session_ids(events["visitorid"], events["timestamp"], "user-gap30m")
    times = events.pivot_table(index=["session", "itemid"], columns="event", values="timestamp", aggfunc=["min", "max"])
    viewed, last = times["min", "view"], times["max"]
    carts = (last[["addtocart", "transaction"]].max(axis=1) > viewed).sum()
    bought = (last["transaction"] > viewed).sum()
    labels = sum(split.labels.sum(0) for split in splits.parts().values())
    assert labels.tolist() == [carts, bought]


def test_the_clock_looks_back_only(tmp_path: Path) -> None:
    write_events(tmp_path, EVENTS)
    frame = dataset(row="event").load(tmp_path).frame
    assert np.expm1(frame["earlier"]).round().tolist() == [0, 1, 2, 3, 0, 4, 5]
    np.testing.assert_allclose(np.expm1(frame["pause"]), [np.nan, 1, 1, 1, np.nan, 47, 1])
    instants = pd.to_datetime(frame["timestamp"], unit="ms")
    assert frame["hour"].tolist() == instants.dt.hour.tolist()
    assert frame["weekday"].tolist() == instants.dt.day_of_week.tolist()


CHANGES = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 3)), max_size=15)
LOOKS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 3)), min_size=1, max_size=15)


@given(CHANGES, LOOKS)
def test_a_property_is_the_last_written_at_or_before_the_row(
    changes: list[tuple[int, int]], looks: list[tuple[int, int]]
) -> None:
    history = pd.DataFrame(changes, columns=["timestamp", "itemid"]).astype("int64")
    history["property"], history["value"] = "785", [f"v{number}" for number in range(len(changes))]
    rows = pd.DataFrame(sorted(looks), columns=["timestamp", "itemid"])
    found = as_of(rows, history.sort_values("timestamp", kind="stable", ignore_index=True), "785")
    for (time, item), value in zip(sorted(looks), found, strict=True):
        past = [(when, number) for number, (when, which) in enumerate(changes) if which == item and when <= time]
        assert (value == f"v{max(past)[1]}") if past else pd.isna(value)


def write_properties(folder: Path) -> None:
    """Item properties in the raw schema and two parts: item 7 changes its category and price code over time."""
    header = "timestamp,itemid,property,value\n"
    lines = [
        f"{START - MINUTE},7,categoryid,12",
        f"{START + 3 * MINUTE},7,categoryid,99",
        f"{START - MINUTE},7,785,n277.200",
        f"{START},8,available,1",
        f"{START + 40 * MINUTE},7,available,0",
        f"{START - MINUTE},7,1120,not among the chosen",
        f"{START - MINUTE},555,785,an item that nobody saw",
    ]
    (folder / "item_properties_part1.csv").write_text(header + "\n".join(lines[:3]) + "\n")
    (folder / "item_properties_part2.csv").write_text(header + "\n".join(lines[3:]) + "\n")
    (folder / "category_tree.csv").write_text("categoryid,parentid\n12,5\n5,2\n2,\n99,\n")


def test_item_properties_are_joined_as_of_the_row(tmp_path: Path) -> None:
    write_properties(write_events(tmp_path, EVENTS))
    log = dataset().load(tmp_path)
    frame = log.frame.astype(object).where(log.frame.notna(), None)
    assert set(log.categorical) >= {f"property_{name}" for name in PROPERTIES} | {"parent", "root"}
    assert frame["property_categoryid"].tolist() == ["12", None, "99", "99", None]
    assert frame["property_785"].tolist() == ["n277.200", None, "n277.200", "n277.200", None]
    assert frame["property_available"].tolist() == [None, "1", None, "0", None]
    assert frame["parent"].tolist() == [5, None, 99, 99, None]
    assert frame["root"].tolist() == [2, None, 99, 99, None]


def test_half_of_the_item_properties_is_refused(tmp_path: Path) -> None:
    folder = write_events(tmp_path, EVENTS)
    write_properties(folder)
    (folder / "item_properties_part2.csv").unlink()
    with pytest.raises(api.DataError, match=r"item_properties_part1.csv is one of two files of item properties"):
        dataset().load(tmp_path)


def write_full_shape(root: Path) -> pd.DataFrame:
    """Events and weekly snapshots of 60 properties of 30 items in two parts, some with several values; the history."""
    random = np.random.default_rng(0)
    kinds = random.choice(["view"] * 8 + ["addtocart", "transaction"], size=800)
    minutes, visitors, items = (random.integers(high, size=800) for high in (40_000, 40, 40))
    folder = write_events(root, list(zip(minutes, visitors, kinds, items, strict=True)))
    names = [*PROPERTIES, *(str(number) for number in range(1000, 1053))]
    size = 6000
    history = pd.DataFrame(
        {
            "timestamp": START + random.integers(5, size=size) * 10_000 * MINUTE,
            "itemid": random.integers(30, size=size),
            "property": random.choice(names, size=size),
            "value": random.choice(["n277.200", "1213 n5.000 4", "0", "1513"], size=size),
        }
    ).drop_duplicates(["timestamp", "itemid", "property"])
    history[:3000].to_csv(folder / "item_properties_part1.csv", index=False)
    history[3000:].to_csv(folder / "item_properties_part2.csv", index=False)
    (folder / "category_tree.csv").write_text("categoryid,parentid\n1513,0\n0,\n")
    return history


def test_properties_of_full_shape_are_what_a_plain_search_finds(tmp_path: Path, cache_dir: Path) -> None:
    history = write_full_shape(tmp_path)
    frame = dataset().load(tmp_path).frame
    written = {key: rows.sort_values("timestamp") for key, rows in history.groupby(["itemid", "property"])}
    for name in PROPERTIES:
        column = frame[f"property_{name}"]
        for item, time, value in zip(frame["itemid"], frame["timestamp"], column, strict=True):
            rows = written.get((item, name))
            past = [] if rows is None else rows.loc[rows["timestamp"] <= time, "value"].tolist()
            assert (value == past[-1]) if past else pd.isna(value)
    splits = load(dataset(), tmp_path, cache_dir)
    assert len(splits.schema.categorical) == 4 + 7 + 2
    assert splits.facts["rows"] == len(frame)


def test_properties_need_no_tree(tmp_path: Path) -> None:
    folder = write_events(tmp_path, EVENTS)
    write_properties(folder)
    (folder / "category_tree.csv").unlink()
    log = dataset().load(tmp_path)
    assert "property_categoryid" in log.categorical
    assert "root" not in log.categorical


def test_every_category_of_the_real_tree_has_the_root_that_climbing_finds(real: Path) -> None:
    tree = pd.read_csv(real / "retailrocket" / "category_tree.csv")
    above = {
        child: parent for child, parent in zip(tree["categoryid"], tree["parentid"], strict=True) if parent == parent
    }

    def climb(node: float) -> float:
        return climb(above[node]) if node in above else node

    inside = sorted({*above, *above.values()})
    parent, root = ancestors(pd.Series(inside).astype("int64").astype(str), real / "retailrocket" / "category_tree.csv")
    assert root.tolist() == [climb(node) for node in inside]
    assert parent.tolist() == [above.get(node, node) for node in inside]


def test_a_tree_with_a_cycle_is_refused(tmp_path: Path) -> None:
    tree = tmp_path / "category_tree.csv"
    tree.write_text("categoryid,parentid\n1,2\n2,3\n3,1\n9,\n")
    with pytest.raises(api.DataError, match="its own ancestor"):
        ancestors(pd.Series(["1"]), tree)


def test_an_unknown_event_is_named(tmp_path: Path) -> None:
    write_events(tmp_path, [*EVENTS, (60, 1, "wishlist", 7)])
    with pytest.raises(api.DataError, match=r"'wishlist'.*expected view, addtocart, transaction"):
        dataset().load(tmp_path)


def test_absent_events_are_named_with_where_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(api.DataError, match=r"kaggle\.com/datasets/retailrocket") as caught:
        dataset().files(tmp_path)
    assert str(tmp_path / "retailrocket" / "events.csv") in str(caught.value)
