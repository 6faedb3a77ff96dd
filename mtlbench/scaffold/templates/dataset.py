"""Template Dataset: read your log in the place of this one, its docstring first."""

from pathlib import Path

import pandas as pd
from pydantic import Field

from mtlbench import api
from mtlbench.api.sessions import SESSION_RULE

FOLDER = "template-dataset"
SOURCE = "https://example.org/template-dataset"
"""The page that the files come from."""


class TemplateDataset(api.Dataset):
    """Impressions of items, with the click on an item, its purchase and the amount paid as tasks.

    Source: https://example.org/template-dataset; say here whose data they are, under which licence, how many rows and
    users there are, and of which time.

    Inputs: user_id, item_id, category, price. Left out: everything that is known only after the impression.
    Sessions: impressions of a user without a pause of more than 30 minutes, or as ``session`` says.
    Tasks: click and purchase (a funnel), and amount (nonnegative), which is of the purchases alone.
    """

    name, label = "template-dataset", "Template Dataset"
    folder = FOLDER

    class Params(api.Params):
        """Parameters of ``template-dataset``."""

        session: str = Field("user-gap30m", pattern=f"^({SESSION_RULE})$", description="user, user-day or user-gapNm")
        min_count: int = Field(1, ge=1, description="ids seen fewer times in training are encoded as unknown")

    params: Params

    def files(self, root: Path) -> list[Path]:
        """The log."""
        log = root / FOLDER / "log.csv"
        if not log.is_file():
            raise api.DataError(
                f"dataset 'template-dataset' is not in the data folder {root}: no file {log}; download it from "
                f"{SOURCE}, and name the data folder by --data-dir or MTLBENCH_DATA"
            )
        return [log]

    def load(self, root: Path) -> api.Log:
        """Read the log and cut it into sessions."""
        (log,) = self.files(root)
        frame = pd.read_csv(log)
        frame["session"] = api.session_ids(frame["user_id"], frame["time_ms"], self.params.session)
        return api.Log(
            frame=frame,
            tasks=(
                *api.funnel("click", "purchase"),
                api.Task("amount", "nonnegative", after="purchase", within=True),
            ),
            categorical=("user_id", "item_id", "category"),
            numerical=("price",),
            timestamp="time_ms",
            session="session",
            user="user_id",
            min_count=self.params.min_count,
        )
