"""On the real KuaiRand-Pure log, a network must beat logistic regression on the same inputs."""

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from mtlbench import experiments
from mtlbench.api import Split, Splits
from mtlbench.config.study import Study
from mtlbench.data import load
from mtlbench.discovery import discover
from mtlbench.records import RecordStore


def one_hot(split: Split, splits: Splits) -> sp.csr_matrix:
    sizes = np.array([field.cardinality for field in splits.schema.categorical])
    offsets = np.cumsum(sizes) - sizes
    columns = (split.categorical.numpy() + offsets).ravel()
    rows = np.repeat(np.arange(len(split)), len(sizes))
    hot = sp.csr_matrix((np.ones(len(columns)), (rows, columns)), shape=(len(split), sizes.sum()))
    return sp.hstack([hot, sp.csr_matrix(split.numerical.numpy())]).tocsr()


@pytest.mark.slow
def test_shared_bottom_beats_logistic_regression_on_click_auc(data_dir: Path, cache_dir: Path, tmp_path: Path):
    study = Study(
        datasets="kuairand",
        backbones="shared-bottom",
        weightings="constant",
        seeds=1,
        preset="compact",
        data_dir=data_dir,
        out=tmp_path,
    )
    catalogue = discover(())
    plan = study.resolve(catalogue)
    splits = load(plan.datasets[0].create(), data_dir, cache_dir)
    train, validation, test = (one_hot(split, splits) for split in splits.parts().values())
    clicks = {name: split.labels[:, 0].numpy() for name, split in splits.parts().items()}

    def fitted(strength: float) -> LogisticRegression:
        return LogisticRegression(C=strength, max_iter=3000).fit(train, clicks["train"])

    # The regression, too, is chosen on validation.
    models = [fitted(strength) for strength in (0.03, 0.1, 0.3)]
    best = max(models, key=lambda m: roc_auc_score(clicks["validation"], m.decision_function(validation)))
    regression = roc_auc_score(clicks["test"], best.decision_function(test))
    experiments.run(plan, listener=lambda event: None)
    (record,) = RecordStore(tmp_path).read_all()
    network = record.metrics["test"]["click"]["auc"]
    print(f"click AUC on test: shared-bottom {network:.4f}, logistic regression {regression:.4f}")
    assert network > regression
