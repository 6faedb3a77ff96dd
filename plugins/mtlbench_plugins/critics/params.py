"""Parameters of weightings with critics."""

from typing import Annotated, Literal

from pydantic import Field

from mtlbench import api


class CriticParams(api.Sizes):
    """Parameters of the critics and of their training. The sizes are those of the critic networks."""

    gamma: Annotated[float, api.search.Choice(0.0, 0.5, 0.9, 0.95)] = Field(
        0.95, ge=0, lt=1, description="discount of the reward of the next impression, in [0, 1)"
    )
    tau: Annotated[float, api.search.Choice(0.05, 0.2, 0.8)] = Field(
        0.8,
        ge=0,
        le=1,
        description="fraction of the online network that a target network absorbs per update, in [0, 1]; the paper's "
        "beta is 1 - tau (beta 0.2), the authors' code uses tau 0.2",
    )
    target_every: int = Field(1, ge=1, description="critic steps per update of the target network")
    critics: Literal["shared", "separate"] = Field(
        "shared", description="one bottom under the critics of all tasks, as the paper draws it, or one for each task"
    )
    state: Literal["all", "no-user"] = Field(
        "all", description="inputs that make the state: all, or those that do not describe the user"
    )
    ips: bool = Field(
        False, description="weigh the squared TD errors by inverse class frequency, y / rate + (1 - y) / (1 - rate)"
    )
    epsilon: float | None = Field(
        0.01,
        ge=0,
        lt=1,
        description="critics have converged when a pass lowers the held-out TD loss by less than this fraction; the "
        "best pass is kept; none: all passes are made, and the last one is kept",
    )
    critic_epochs: int = Field(20, ge=1, description="largest number of passes over the replay buffer")
    critic_batch_size: int | None = Field(
        None, ge=1, description="transitions per critic step; none: the batch size of training"
    )
    buffer: int | None = Field(
        None, ge=1, description="transitions kept in the replay buffer, the latest ones; none: all"
    )
    noisy_ids: bool = Field(
        False,
        description="train critics on category ids that were z-scored per batch and cut to integers, as the authors' "
        "code does; they then weigh ids that they never saw",
    )
    td_target: Literal["target", "min"] = api.added_later(
        "target",
        description="value of the next state in the TD target: the target network's, or the smaller of that and the "
        "online network's, as in the authors' code",
    )
    action_layer: Literal["tower", "bottom"] = api.added_later(
        "tower",
        description="where the action enters a critic: by a layer with ReLU beside the features, before the tower; or "
        "by a linear layer beside the embeddings, before the bottom, as in the authors' code",
    )
    critic_embeddings: Literal["fresh", "pretrained"] = api.added_later(
        "fresh",
        description="how the critics' embedding tables start: at random, or as copies of the backbone's after stage 1, "
        "then as wide as those, as in the authors' code",
    )
