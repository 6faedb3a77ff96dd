import gzip
from pathlib import Path

import pytest
from ali_ccp import ITEM_FIELDS, USER_FIELDS, write_ali_ccp

from mtlbench import api
from mtlbench.data import load
from mtlbench_plugins.datasets import _files
from mtlbench_plugins.datasets.ali_ccp import AliCCP
from mtlbench_plugins.weightings.rmtl import RMTL


def dataset(**params: object) -> AliCCP:
    return AliCCP(AliCCP.Params.model_validate(params))


@pytest.mark.parametrize("block", [1 << 24, 4000])
def test_every_row_has_its_own_and_its_users_fields(
    block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_files, "BLOCK", block)
    expected = write_ali_ccp(tmp_path)
    log = dataset().load(tmp_path)
    rows = [row for part in expected.values() for row in part if row["click"] or not row["conversion"]]
    assert log.frame["click"].tolist() == [row["click"] for row in rows]
    assert log.frame["conversion"].tolist() == [row["conversion"] for row in rows]
    assert set(log.categorical) == {f"field_{field}" for field in (*USER_FIELDS, *ITEM_FIELDS)}
    for name in log.categorical:
        found = log.frame[name].astype(object)
        assert found.where(found.notna(), None).tolist() == [row.get(name) for row in rows], name
        assert log.frame[name].dtype == "category"


def test_conversions_without_a_click_are_dropped_and_counted(tmp_path: Path) -> None:
    expected = write_ali_ccp(tmp_path)
    facts = dataset().load(tmp_path).facts
    rows = [row for part in expected.values() for row in part]
    assert facts["raw_rows.train"] == facts["raw_rows.test"] == 200
    assert facts["conversions_without_click_dropped"] == sum(row["conversion"] > row["click"] for row in rows) > 0


def test_the_published_test_part_is_the_test_split_and_there_is_no_session_mdp(tmp_path: Path, cache_dir: Path) -> None:
    expected = write_ali_ccp(tmp_path)
    splits = load(dataset(), tmp_path, cache_dir)
    kept = [row for row in expected["test"] if row["click"] or not row["conversion"]]
    assert len(splits.test) == len(kept)
    assert splits.test.labels[:, 0].sum() == sum(row["click"] for row in kept)
    assert set(splits.schema.user_inputs) == {f"field_{field}" for field in USER_FIELDS}
    assert splits.facts["split"] == "as published, validation a random part of training"
    reason = RMTL(RMTL.Params()).applicable(splits.schema, api.Backbone)
    assert reason == "critics need sessions and timestamps, which the dataset lacks"


def test_gzipped_files_give_the_same_log(tmp_path: Path) -> None:
    write_ali_ccp(tmp_path)
    plain = dataset().load(tmp_path).frame
    for path in list((tmp_path / "ali-ccp").iterdir()):
        Path(f"{path}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert dataset().load(tmp_path).frame.equals(plain)


def test_a_row_whose_user_is_absent_is_refused(tmp_path: Path) -> None:
    write_ali_ccp(tmp_path)
    path = tmp_path / "ali-ccp" / "common_features_test.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
    with pytest.raises(api.DataError, match=r"common_features_test\.csv lacks"):
        dataset().load(tmp_path)


def test_absent_files_are_named_with_where_to_get_them(tmp_path: Path) -> None:
    write_ali_ccp(tmp_path)
    (tmp_path / "ali-ccp" / "sample_skeleton_test.csv").unlink()
    with pytest.raises(api.DataError, match=r"lacks sample_skeleton_test\.csv.*tianchi\.aliyun\.com") as caught:
        dataset().files(tmp_path)
    assert "mtlbench data download ali-ccp" in str(caught.value)
