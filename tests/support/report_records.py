"""Records for the HTML report, and ones that try to become part of its page."""

from record_factory import plugin, record, runs

from mtlbench.records import Epoch, Record

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>&amp;{{ 7*7 }}<!--"


def epoch(number: int, auc: float = 0.7) -> Epoch:
    losses = {"click": 0.5, "pay": 0.2}
    return Epoch(stage="train", epoch=number, train_loss=losses, validation={"click": auc, "pay": auc}, weights=None)


def study() -> list[Record]:
    return [*runs("PLE", [0.70, 0.71]), *runs("RMTL-PLE", [0.72, 0.73]), record("RMTL-MMoE", None, status="failed")]


def hostile() -> list[Record]:
    use = plugin(HOSTILE, HOSTILE, text=HOSTILE)
    data = {"dataset": HOSTILE, "dataset_label": HOSTILE, "tasks": (HOSTILE, "pay")}
    one = record(HOSTILE, 0.7, backbone=use, weighting=use, environment={"x": HOSTILE}, **data)
    return [one, record("B", None, status="failed", reason=HOSTILE, **data)]
