"""Records for the HTML report, and ones that try to become part of its page."""

from record_factory import mixed, plugin, record, runs

from mtlbench.records import Epoch, Record

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>&amp;{{ 7*7 }}<!--"


def epoch(number: int, auc: float = 0.7, weight: float | None = None) -> Epoch:
    """``weight`` is the mean of both tasks, 0.5 below the upper quantile and above the lower one."""
    losses = {"click": 0.5, "pay": 0.2}
    spread = {"mean": 0.0, "min": -0.5, "q05": -0.5, "q50": 0.0, "q95": 0.5, "max": 0.5}
    weights = None if weight is None else {task: {name: weight + by for name, by in spread.items()} for task in losses}
    return Epoch(stage="train", epoch=number, train_loss=losses, validation={"click": auc, "pay": auc}, weights=weights)


def study() -> list[Record]:
    return [*runs("PLE", [0.70, 0.71]), *runs("RMTL-PLE", [0.72, 0.73]), record("RMTL-MMoE", None, status="failed")]


MANY = 105


def many() -> list[Record]:
    """More methods than a table shows at once, on six tasks: the higher the number, the better."""
    settings = {"dataset": "many", "dataset_label": "Many"}
    backbone = plugin("ple", "PLE")
    weightings = [plugin(f"w{i}", f"W{i}") for i in range(1, MANY)]
    return [
        *mixed("PLE", [0.5], backbone=backbone, **settings),
        *(
            one
            for i, weighting in enumerate(weightings, start=1)
            for one in mixed(f"W{i}-PLE", [0.5 + i / 1000], backbone=backbone, weighting=weighting, **settings)
        ),
    ]


def hostile() -> list[Record]:
    use = plugin(HOSTILE, HOSTILE, text=HOSTILE)
    data = {"dataset": HOSTILE, "dataset_label": HOSTILE, "tasks": (HOSTILE, "pay")}
    one = record(HOSTILE, 0.7, backbone=use, weighting=use, environment={"x": HOSTILE}, **data)
    return [one, record("B", None, status="failed", reason=HOSTILE, **data)]
