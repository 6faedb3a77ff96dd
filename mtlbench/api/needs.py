"""What a weighting may read besides the losses of a step."""

from typing import Literal

Need = Literal["gram", "jacobian", "cross gram", "post-step losses", "look-ahead", "critics", "parameters"]
"""What a weighting reads besides the losses of the step. Each costs something, so each is declared.

``gram``
    Inner products of the task gradients of the shared parameters: one backward pass per task. With
    :attr:`mtlbench.api.Weighting.at` ``representation``, of the shared representation: one per task through what lies
    above it.
``jacobian``
    Those gradients themselves.
``cross gram``
    Inner products of the task gradients of two independent samples, :attr:`mtlbench.api.Step.cross_gram`: those of the
    first and of the second third of the batch. The weights (K,) apply to the gradients of the last third, and so do
    ``gram`` and ``jacobian``. It costs three backward passes per task, and no further rows.
``post-step losses``
    :meth:`mtlbench.api.Setting.losses`: one more forward pass.
``look-ahead``
    :meth:`mtlbench.api.Setting.look_ahead`: a second training batch, three more forward and two more backward passes.
    Such a method needs ``parameters`` too.
``critics``
    Critic networks of the session MDP, trained in a stage of their own.
``parameters``
    Parameters of the backbone, or a state for each of them. Embedding tables are then updated whole, so that every row
    is up to date in every step. The result is the same; a step costs more.
"""
