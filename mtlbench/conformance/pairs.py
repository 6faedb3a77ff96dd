"""Pairs of a backbone and a weighting, trained for two steps."""

from collections.abc import Hashable

from mtlbench.cells import PluginSpec
from mtlbench.config.specs import Resolved
from mtlbench.conformance.fixture import Fixture
from mtlbench.conformance.plugin_under_test import PluginUnderTest, tiny_backbone, tiny_params, tiny_weighting
from mtlbench.conformance.rules import broken, in_one_line
from mtlbench.conformance.training_run import TrainingRun
from mtlbench.discovery import Entry
from mtlbench.experiments.applicability import Applicability

FIXTURE = Fixture(tasks=2, rows=32)

_reasons: dict[Hashable, str | None] = {}


def train_pair(plugin: PluginUnderTest, backbone: Entry, weighting: Entry) -> str | None:
    """Train a pair for two steps, once per process; returns the reason where the pair is refused.

    A pair that fails breaks the rule that called this function.
    """
    key = backbone.cls, weighting.cls
    if key in _reasons:
        return _reasons[key]
    method, params = tiny_weighting(weighting), tiny_params(backbone.cls)
    spec = PluginSpec(backbone.name, params.model_dump(mode="json", by_alias=True))
    reason = Applicability().reason(FIXTURE.schema, Resolved(backbone, spec, params, {}), method)
    if reason is None:
        names = f"backbone {backbone.name}, weighting {weighting.name}"
        try:
            run = TrainingRun(
                method,
                lambda: tiny_backbone(backbone, FIXTURE.schema),
                FIXTURE.splits(),
                plugin.catalogue,
                epochs=1,
                batch_size=FIXTURE.rows // 2,
            ).train()
        except Exception as error:
            broken(f"{names}: {in_one_line(error)}", "train the pair, or refuse it in `applicable`")
        for name, value in run.trainer.backbone.state_dict().items():
            if not value.isfinite().all():
                broken(f"{names}: parameter {name} is no longer finite", "train the pair, or refuse it in `applicable`")
    elif not reason.strip():
        broken(f"the pair with {backbone.name} is refused without a word", "return the reason, as one sentence")
    _reasons[key] = reason
    return reason
