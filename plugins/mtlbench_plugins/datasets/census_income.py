"""Census-Income (KDD): two questions about a person that form no funnel."""

from pathlib import Path

import pandas as pd
from pydantic import Field

from mtlbench import api
from mtlbench_plugins.datasets import _files

PAGE = "https://archive.ics.uci.edu/dataset/117/census+income+kdd"
FILES = "https://archive.ics.uci.edu/ml/machine-learning-databases/census-income-mld"
FOLDER = "census-income"
PARTS = ("data", "test")
"""Endings of the published files: training and test part."""
BELOW, ABOVE = "- 50000.", "50000+."
"""The two incomes, as the files spell them."""

NUMBERS = (
    "age",
    "wage_per_hour",
    "capital_gains",
    "capital_losses",
    "dividends_from_stocks",
    "persons_worked_for_employer",
    "weeks_worked_in_year",
)
HOUSEHOLD = ("detailed_household_and_family_stat", "detailed_household_summary")
MARITAL, INCOME, WEIGHT = "marital_stat", "income", "instance_weight"
COLUMNS = (
    "age",
    "class_of_worker",
    "detailed_industry_recode",
    "detailed_occupation_recode",
    "education",
    "wage_per_hour",
    "enroll_in_edu_inst_last_wk",
    MARITAL,
    "major_industry_code",
    "major_occupation_code",
    "race",
    "hispanic_origin",
    "sex",
    "member_of_a_labor_union",
    "reason_for_unemployment",
    "full_or_part_time_employment_stat",
    "capital_gains",
    "capital_losses",
    "dividends_from_stocks",
    "tax_filer_stat",
    "region_of_previous_residence",
    "state_of_previous_residence",
    *HOUSEHOLD,
    WEIGHT,
    "migration_code_change_in_msa",
    "migration_code_change_in_reg",
    "migration_code_move_within_reg",
    "live_in_this_house_1_year_ago",
    "migration_prev_res_in_sunbelt",
    "persons_worked_for_employer",
    "family_members_under_18",
    "country_of_birth_father",
    "country_of_birth_mother",
    "country_of_birth_self",
    "citizenship",
    "own_business_or_self_employed",
    "fill_inc_questionnaire_for_veterans_admin",
    "veterans_benefits",
    "weeks_worked_in_year",
    "year",
    INCOME,
)
"""In the order of the published files, which have no header."""


class CensusIncome(api.Dataset):
    """People of the US census of 1994 and 1995; the tasks are income above 50,000 dollars and never married.

    Lane and Kohavi, UCI Machine Learning Repository, https://archive.ics.uci.edu/dataset/117/census+income+kdd, licence
    CC BY 4.0. Below the data folder: ``census-income/census-income.data.gz`` (199,523 people) and
    ``census-income.test.gz`` (99,762), gzipped or plain.

    Tasks, parallel: ``income`` is an income above 50,000 dollars; ``never_married`` is the marital status "Never
    married". Ma et al. (MMoE, KDD 2018, https://doi.org/10.1145/3219819.3220007) pair these two. Neither is a stage of
    the other, so backbones that multiply along a funnel (ESMM, AITM) are not applicable.

    Inputs: the other columns. Numbers are age, wage per hour, capital gains and losses, dividends, persons worked for
    the employer, and weeks worked; all others are ids.

    Left out: the instance weight, which is how many people a row stands for and is not known of a person. Also left
    out, unless ``household`` is set, are the two columns of household status, because their words spell the answer
    ("Child 18+ never marr Not in a subfamily", "Spouse of householder"). Alone they predict never_married with AUC 0.98
    and 0.95 on the published test part. Most papers keep them.

    Time and sessions: none. With both files the test part is the published one, and validation is a random quarter of
    the training part. With one file alone its rows are split at random.
    """

    name, label = "census-income", "Census-Income"
    folder = FOLDER
    publications = (
        api.Publication(
            page=PAGE,
            licence="CC BY 4.0",
            licence_page="https://creativecommons.org/licenses/by/4.0/",
            size=9_800_000,
            files=(
                api.RemoteFile(f"{FILES}/census-income.data.gz", f"{FOLDER}/census-income.data.gz", 6_500_000),
                api.RemoteFile(f"{FILES}/census-income.test.gz", f"{FOLDER}/census-income.test.gz", 3_261_416),
            ),
            facts={
                "people.data": 199_523,
                "people.test": 99_762,
                "rate.income": (0.0615, 0.0625),
                "rate.never_married": (0.425, 0.440),
            },
        ),
    )

    class Params(api.Params):
        """Parameters of ``census-income``."""

        household: bool = Field(False, description="keep the household columns, which spell the marital status")
        min_count: int = Field(1, ge=1, description="ids rarer than this in the training split are unknown")

    params: Params

    def files(self, root: Path) -> list[Path]:
        """The published files that are there, the training part first."""
        found = [path for part in PARTS for path in _part(root, part)]
        if not found:
            raise api.DataError(
                f"dataset 'census-income' is not in the data folder {root}: no file "
                f"{root / FOLDER / 'census-income.data.gz'} or census-income.test.gz; `mtlbench data download "
                f"census-income` fetches them, or see {PAGE}; name the data folder by --data-dir or MTLBENCH_DATA"
            )
        return found

    def load(self, root: Path) -> api.Log:
        """Read the parts that are there, one after the other."""
        types = {name: _files.NUMBER if name in NUMBERS else _files.CATEGORY for name in COLUMNS if name != WEIGHT}
        parts = {}
        for part in PARTS:
            for path in _part(root, part):
                parts[part] = _files.read(path, types, complete=COLUMNS[:1], names=COLUMNS)
        frame = pd.concat(parts.values(), ignore_index=True)
        for name in set(types) - set(NUMBERS):
            frame[name] = frame[name].astype("str").str.strip().astype("category")
        other = ~frame[INCOME].isin([BELOW, ABOVE])
        if other.any():
            raise api.DataError(
                f"{root / FOLDER}: an income is {frame.loc[other, INCOME].iloc[0]!r} (and in {other.sum() - 1} more "
                f"rows): expected {BELOW!r} or {ABOVE!r}; fetch the files as published again"
            )
        frame["above_50000"] = frame[INCOME] == ABOVE
        frame["never_married"] = frame[MARITAL] == "Never married"
        frame["test"] = [part == "test" for part, rows in parts.items() for _ in range(len(rows))]
        left_out = {MARITAL, INCOME, *(() if self.params.household else HOUSEHOLD)}
        return api.Log(
            frame=frame.drop(columns=INCOME).rename(columns={"above_50000": "income"}),
            tasks=("income", "never_married"),
            categorical=[name for name in types if name not in NUMBERS and name not in left_out],
            numerical=NUMBERS,
            held_out="test" if len(parts) > 1 else None,
            min_count=self.params.min_count,
            facts={f"people.{part}": len(rows) for part, rows in parts.items()},
        )


def _part(root: Path, part: str) -> list[Path]:
    """The file of one part, the plain one before the gzipped; empty if there is none."""
    names = (f"census-income.{part}", f"census-income.{part}.gz")
    return [path for name in names if (path := root / FOLDER / name).is_file()][:1]
