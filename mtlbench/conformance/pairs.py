"""Every pair of a backbone and a weighting, trained for two steps."""

from collections.abc import Hashable

from mtlbench.cells import PluginSpec
from mtlbench.config.specs import Resolved
from mtlbench.conformance.rehearsal import Rehearsal
from mtlbench.conformance.rules import broken, told
from mtlbench.conformance.scene import Scene
from mtlbench.conformance.subject import Subject, tiny_backbone, tiny_params, tiny_weighting
from mtlbench.discovery import Entry
from mtlbench.experiments.applicability import Applicability

SCENE = Scene(tasks=2, rows=32)

_seen: dict[Hashable, str | None] = {}


def train_pair(subject: Subject, backbone: Entry, weighting: Entry) -> str | None:
    """Train the pair for two steps, once per process; the reason where it is refused.

    The rule that calls is broken where the pair fails.
    """
    key = backbone.cls, weighting.cls
    if key in _seen:
        return _seen[key]
    method, params = tiny_weighting(weighting), tiny_params(backbone.cls)
    spec = PluginSpec(backbone.name, params.model_dump(mode="json", by_alias=True))
    reason = Applicability().reason(SCENE.schema, Resolved(backbone, spec, params, {}), method)
    if reason is None:
        names = f"backbone {backbone.name}, weighting {weighting.name}"
        try:
            rehearsal = Rehearsal(
                method,
                lambda: tiny_backbone(backbone, SCENE.schema),
                SCENE.splits(),
                subject.catalogue,
                epochs=1,
                batch_size=SCENE.rows // 2,
            ).run()
        except Exception as error:
            broken(f"{names}: {told(error)}", "train the pair, or refuse it in `applicable`")
        for name, value in rehearsal.trainer.backbone.state_dict().items():
            if not value.isfinite().all():
                broken(f"{names}: parameter {name} is no longer finite", "train the pair, or refuse it in `applicable`")
    elif not reason.strip():
        broken(f"the pair with {backbone.name} is refused without a word", "return the reason, as one sentence")
    _seen[key] = reason
    return reason
