"""RetailRocket: a shop's events, with carts and purchases."""

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field

from mtlbench import api
from mtlbench.api.sessions import SESSION_RULE
from mtlbench_plugins.datasets import _files
from mtlbench_plugins.datasets._items import ancestors, as_of, read_properties

FOLDER = "retailrocket"
PAGE = "https://www.kaggle.com/datasets/retailrocket/ecommerce-dataset"
HOUR_MS, MINUTE_MS, DAY_MS = 3_600_000, 60_000, 86_400_000
STAGES = {"view": 0, "addtocart": 1, "transaction": 2}
PROPERTIES = ("785", "591", "814", "available", "categoryid", "364", "776")
"""The properties that the authors of RMTL use."""
SEEN = api.BagColumn("seen", length=20, of="itemid")


class RetailRocket(api.Dataset):
    """Views, carts and purchases of an online shop, May to September 2015; the tasks are adding to the cart and paying.

    Source: https://www.kaggle.com/datasets/retailrocket/ecommerce-dataset (needs an account), licence CC BY-NC-SA 4.0.
    Below the data folder, plain or gzipped: ``retailrocket/events.csv``. ``item_properties_part1.csv``, ``_part2.csv``
    and ``category_tree.csv`` are used if they are there.

    Rows and tasks, a funnel (``click``, ``pay``): the log has no impressions without an event. The rates published for
    it (click 5.5 to 6 %) show that a click is not a view. With ``row=impression`` (default) a row is one item in one
    session, at the time of its first event; click means that it was then put into the cart or bought, pay that it was
    bought. With ``row=event`` a row is one event; click means that the event is a cart or a purchase, pay that it is a
    purchase. The fact ``rows_without_view`` is the share of items in a session that were put into the cart or bought
    there without being viewed in it.

    With ``row=view`` the funnel has the three stages of the log, view, cart and transaction, and the view is the
    exposure: a row is one item that was viewed in a session, at its first view there, and the tasks are ``cart`` (it
    was then put into the cart or bought) and ``transaction`` (it was then bought). The view itself happened on every
    row, and so is no task. Items of a session without a view are no rows, and what came before the view does not count.
    The fact ``transactions_without_cart`` is the share of the transactions before which the session has no cart.

    Inputs: user_id (visitor), itemid, hour and weekday (UTC); ln(1 + x) of the number of the visitor's earlier rows,
    and of the minutes since the last of them. With item properties also the values of 785, 591, 814, available,
    categoryid, 364 and 776 (the choice of Liu et al., WWW 2023, https://arxiv.org/abs/2302.03328), as they were last
    written at or before the time of the row, never later. With the category tree also the parent and the root of the
    category. With ``history=seen`` the bag ``seen`` has the items of the visitor's last 20 rows of an earlier time,
    pooled by their mean; it has the embeddings of itemid.

    Left out as leakage: event and transactionid, which are the labels; all later events; property values written after
    the row.

    Sessions: ``user-gapNm`` ends a session at a pause of more than N minutes (default 30). ``user`` takes all rows of a
    visitor, as the authors do. ``user-day`` is the calendar day (UTC). A label may become true until the session ends.
    With ``user`` that can be weeks after the row, and after the end of the training split.
    """

    name, label = "retailrocket", "RetailRocket"
    folder = FOLDER
    publications = (
        api.Publication(
            page=PAGE,
            licence="CC BY-NC-SA 4.0",
            licence_page="https://creativecommons.org/licenses/by-nc-sa/4.0/",
            by_hand=(
                f"Sign in at {PAGE} (a Kaggle account) and download the dataset. Unzip it into the folder {FOLDER} "
                "below the data folder, so that it holds events.csv, item_properties_part1.csv, "
                "item_properties_part2.csv and category_tree.csv."
            ),
            facts={
                "events.view": 2_664_312,
                "events.addtocart": 69_332,
                "events.transaction": 22_457,
                "users": 1_407_580,
            },
        ),
    )

    class Params(api.Params):
        """Parameters of ``retailrocket``."""

        session: str = Field("user-gap30m", pattern=f"^({SESSION_RULE})$", description="user, user-day or user-gapNm")
        row: Literal["impression", "event", "view"] = Field(
            "impression", description="a row is an item of a session, an event, or an item viewed in a session"
        )
        min_count: int = Field(1, ge=1, description="ids rarer than this in the training split are unknown")
        history: Literal["none", "seen"] = api.added_later("none", description="whether earlier items are an input")

    params: Params

    def files(self, root: Path) -> list[Path]:
        """The events, and the item properties and category tree if they are there."""
        folder = root / FOLDER
        events = _files.find(folder, "events")
        if not events:
            raise api.DataError(
                f"dataset 'retailrocket' is not in the data folder {root}: no file {folder / 'events.csv'} or "
                f"events.csv.gz; `mtlbench data download retailrocket` says how to get it from {PAGE}; name the data "
                "folder by --data-dir or MTLBENCH_DATA"
            )
        properties = _files.find(folder, "item_properties_part*")
        if len(properties) == 1:
            raise api.DataError(
                f"dataset 'retailrocket': {properties[0]} is one of two files of item properties, and the other is not "
                "there: what it says would be missing; get item_properties_part1.csv and item_properties_part2.csv "
                f"from {PAGE}, or take this one away"
            )
        return [*events, *properties, *_files.find(folder, "category_tree")]

    def load(self, root: Path) -> api.Log:
        """Read the events, make rows of them, and join what was known of the item at the time."""
        folder = root / FOLDER
        events = _events(self.files(root)[0], self.params.session)
        impressions, tasks, more_facts = _impressions(events), ("click", "pay"), {}
        rows = impressions if self.params.row == "impression" else events
        if self.params.row == "view":
            after = _from_first_view(events)
            rows, tasks, more_facts = _impressions(after), ("cart", "transaction"), _without_cart(after)
        frame = _with_clock(rows)
        frame[tasks[0]], frame[tasks[1]] = (frame["stage"] >= STAGES[stage] for stage in ("addtocart", "transaction"))
        categorical = ["user_id", "itemid", "hour", "weekday"]
        if histories := _files.find(folder, "item_properties_part*"):
            history = read_properties(histories, PROPERTIES, frame["itemid"])
            for name in PROPERTIES:
                frame[f"property_{name}"] = as_of(frame, history, name)
                categorical.append(f"property_{name}")
            if tree := _files.find(folder, "category_tree"):
                frame["parent"], frame["root"] = ancestors(frame["property_categoryid"], tree[0])
                categorical += ["parent", "root"]
        with_history = self.params.history == "seen"
        if with_history:
            frame[SEEN.name] = api.history(frame, "user_id", "itemid", "timestamp", last=SEEN.length)
        return api.Log(
            frame=frame,
            tasks=api.funnel(*tasks),
            categorical=categorical,
            numerical=("earlier", "pause"),
            timestamp="timestamp",
            session="session",
            user="user_id",
            user_inputs=("user_id", "earlier", "pause", *([SEEN.name] if with_history else [])),
            min_count=self.params.min_count,
            facts={
                **{f"events.{event}": int((events["stage"] == stage).sum()) for event, stage in STAGES.items()},
                "rows_without_view": float((impressions["first_stage"] > 0).mean()),
                **more_facts,
            },
            bags=[SEEN] if with_history else [],
        )


def _events(path: Path, session: str) -> pd.DataFrame:
    """The events in order of time: user_id, itemid, timestamp, stage (0 view, 1 cart, 2 purchase), session."""
    columns = {
        "timestamp": _files.INTEGER,
        "visitorid": _files.INTEGER,
        "event": _files.CATEGORY,
        "itemid": _files.INTEGER,
    }
    events = _files.read(path, columns, complete=columns).rename(columns={"visitorid": "user_id"})
    unknown = set(events["event"].cat.categories) - set(STAGES)
    if unknown:
        raise api.DataError(f"{path}: unknown event {min(unknown)!r} in column 'event': expected {', '.join(STAGES)}")
    events["stage"] = events.pop("event").map(STAGES).astype("int64")
    events = events.sort_values("timestamp", kind="stable", ignore_index=True)
    events["session"] = api.session_ids(events["user_id"], events["timestamp"], session)
    return events


def _impressions(events: pd.DataFrame) -> pd.DataFrame:
    """One row per item of a session, at its first event, with the furthest stage that it reached there."""
    items = events.groupby(["session", "itemid"], sort=False, as_index=False)
    return items.agg(
        user_id=("user_id", "first"),
        timestamp=("timestamp", "first"),
        first_stage=("stage", "min"),
        stage=("stage", "max"),
    )


def _from_first_view(events: pd.DataFrame) -> pd.DataFrame:
    """The events of an item in a session from its first view on."""
    viewed = events["stage"] == STAGES["view"]
    return events[viewed.groupby([events["session"], events["itemid"]]).cummax()]


def _without_cart(events: pd.DataFrame) -> dict[str, float]:
    """The share of the items bought in a session that were not put into the cart there, as a fact."""
    reached = {
        stage: events.loc[events["stage"] == STAGES[stage], ["session", "itemid"]].drop_duplicates()
        for stage in ("addtocart", "transaction")
    }
    bought = reached["transaction"].merge(reached["addtocart"], how="left", indicator="cart")
    return {"transactions_without_cart": float((bought["cart"] == "left_only").mean())} if len(bought) else {}


def _with_clock(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with the inputs that follow from the time and the visitor's past alone."""
    time = rows["timestamp"]
    past = rows.groupby("user_id")
    return rows.assign(
        hour=time // HOUR_MS % 24,
        weekday=(time // DAY_MS + 3) % 7,  # the epoch began on a Thursday; Monday is 0
        earlier=np.log1p(past.cumcount()),
        pause=np.log1p(past["timestamp"].diff() / MINUTE_MS),
    )
