"""That training goes where it should, with every backbone."""

import torch

from mtlbench.conformance.pairs import train_pair
from mtlbench.conformance.rehearsal import rehearse
from mtlbench.conformance.rules import NotApplicableError, broken, rule, told
from mtlbench.conformance.scene import Scene
from mtlbench.conformance.subject import Subject


@rule("weighting")
def reaches_every_parameter(subject: Subject) -> None:
    """Every parameter of the network learns."""
    scene = Scene()
    rehearsal = rehearse(subject, scene, epochs=3, batch_size=scene.rows // 2).run()
    after = rehearsal.parameters()
    stuck = [name for name, before in rehearsal.initial.items() if torch.equal(after[name], before)]
    if stuck:
        broken(
            f"{', '.join(stuck)} did not move in 6 steps",
            "give no task a weight of 0 for good; a direction must have a part for every shared parameter",
        )


@rule("weighting")
def large_vocabulary(subject: Subject) -> None:
    """A table larger than a batch reads has, in each step, gradients of the rows read alone, and trains."""
    scene = Scene(ids=400)
    try:
        rehearse(subject, scene, epochs=1, batch_size=scene.rows // 2).run()
    except (RuntimeError, ValueError, IndexError, KeyError) as error:
        broken(
            told(error),
            'do not mix gradients of two steps: their rows differ; a method that must declares "parameters" in `needs`',
        )


@rule("weighting")
def trains_with_every_backbone(subject: Subject) -> None:
    """With every backbone the method trains two steps, or the pair is refused with a reason."""
    reasons = [
        train_pair(subject, backbone, subject.entry)
        for backbone in sorted(subject.catalogue.backbones.values(), key=lambda entry: entry.name)
    ]
    if None not in reasons:
        raise NotApplicableError("; ".join(sorted({reason for reason in reasons if reason})))
