import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mtlbench import api
from mtlbench.data import load
from mtlbench_plugins.backbones.aitm import AITM
from mtlbench_plugins.backbones.esmm import ESMM
from mtlbench_plugins.datasets.census_income import COLUMNS, HOUSEHOLD, NUMBERS, CensusIncome


def dataset(**params: object) -> CensusIncome:
    return CensusIncome(CensusIncome.Params.model_validate(params))


@pytest.fixture
def real(data_dir: Path) -> Path:
    if not (data_dir / "census-income" / "census-income.test.gz").is_file():
        pytest.skip("no Census-Income: census-income/census-income.test.gz is absent")
    return data_dir


def write_part(root: Path, name: str, rows: int, seed: int) -> None:
    """A generated file in the published form: 42 columns, no header, a space after each comma."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({column: random.choice(["a", "Not in universe", "?"], size=rows) for column in COLUMNS})
    for column in (*NUMBERS, "instance_weight"):
        frame[column] = random.integers(90, size=rows)
    frame["marital_stat"] = random.choice(["Never married", "Divorced"], size=rows)
    frame["income"] = random.choice(["- 50000.", "50000+."], size=rows)
    text = frame.to_csv(index=False, header=False).replace(",", ", ")
    folder = root / "census-income"
    folder.mkdir(exist_ok=True, parents=True)
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())


def test_the_published_facts_of_the_test_part_hold(real: Path) -> None:
    log = dataset().load(real)
    assert log.facts["people.test"] == len(log.frame) == 99_762
    assert log.frame["income"].mean() == pytest.approx(0.0620, abs=5e-5)
    assert log.frame["never_married"].mean() == pytest.approx(0.432, abs=5e-4)
    assert (log.frame["income"].sum(), log.frame["never_married"].sum()) == (6186, 43_143)


def test_an_income_that_is_neither_is_refused(tmp_path: Path) -> None:
    write_part(tmp_path, "census-income.data", 20, 0)
    path = tmp_path / "census-income" / "census-income.data"
    lines = path.read_text().splitlines()
    for other in ("", " 50000+", " >50K"):
        path.write_text("\n".join([*lines, lines[0].rpartition(",")[0] + "," + other]) + "\n")
        with pytest.raises(api.DataError, match=r"an income is .*: expected '- 50000.' or '50000\+.'; fetch the files"):
            dataset().load(tmp_path)


def test_the_columns_are_where_their_names_say(real: Path) -> None:
    frame = dataset(household=True).load(real).frame
    assert set(frame["sex"].cat.categories) == {"Female", "Male"}
    assert set(frame["year"].cat.categories) == {"94", "95"}
    assert frame["age"].max() == 90
    assert frame["weeks_worked_in_year"].max() == 52
    assert {"Mexico", "United-States"} <= set(frame["country_of_birth_self"].cat.categories)
    assert "Householder" in set(frame["detailed_household_summary"].cat.categories)


def test_the_income_and_marital_status_are_no_inputs(real: Path) -> None:
    log = dataset().load(real)
    assert len(log.categorical) + len(log.numerical) == 37
    assert {"marital_stat", "instance_weight", *HOUSEHOLD}.isdisjoint(log.categorical)
    assert set(HOUSEHOLD) <= set(dataset(household=True).load(real).categorical)


def test_with_both_parts_the_test_part_is_the_published_one(tmp_path: Path, cache_dir: Path) -> None:
    write_part(tmp_path, "census-income.data.gz", 200, seed=0)
    write_part(tmp_path, "census-income.test", 100, seed=1)
    splits = load(dataset(), tmp_path, cache_dir)
    assert [len(split) for split in splits.parts().values()] == [150, 50, 100]
    assert (splits.facts["people.data"], splits.facts["people.test"]) == (200, 100)
    assert splits.facts["split"] == "as published, validation a random part of training"


def test_with_one_part_the_split_is_random(tmp_path: Path, cache_dir: Path) -> None:
    write_part(tmp_path, "census-income.test.gz", 100, seed=1)
    splits = load(dataset(), tmp_path, cache_dir)
    assert [len(split) for split in splits.parts().values()] == [60, 20, 20]
    assert "random with a fixed seed" in str(splits.facts["split"])


def test_what_needs_a_funnel_refuses_it(tmp_path: Path, cache_dir: Path) -> None:
    write_part(tmp_path, "census-income.data", 200, seed=0)
    schema = load(dataset(), tmp_path, cache_dir).schema
    for backbone in (ESMM, AITM):
        assert "parallel" in str(backbone.applicable(schema))


def test_an_absent_folder_says_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(api.DataError, match="mtlbench data download census-income"):
        dataset().files(tmp_path)


def test_a_file_of_other_columns_is_refused(tmp_path: Path) -> None:
    write_part(tmp_path, "census-income.data", 200, seed=0)
    path = tmp_path / "census-income" / "census-income.data"
    path.write_text("\n".join(line.partition(",")[2] for line in path.read_text().splitlines()))
    with pytest.raises(api.DataError, match="41 columns where 42 were expected"):
        dataset().load(tmp_path)
