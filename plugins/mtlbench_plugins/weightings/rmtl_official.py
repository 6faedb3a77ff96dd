"""RMTL as its authors' code computes it."""

from typing import Literal

from pydantic import Field

from mtlbench import api
from mtlbench_plugins.weightings.rmtl import RMTL


class RMTLOfficial(RMTL):
    r"""``rmtl`` with the defaults of the authors' public code, where it differs from their paper.

    Liu et al., "Multi-Task Recommendations with Reinforcement Learning", WWW 2023, https://arxiv.org/abs/2302.03328;
    code: https://github.com/Applied-Machine-Learning-Lab/RMTL, read for facts. The weights are those of ``rmtl``,

    .. math:: \omega_{k,t} = 1 - \lambda \, Q_k(s_t, a_{k,t}),

    and only the defaults differ. What each of them does:

    * ``lambda=1``: of their command.
    * ``actions=uniform``: critics learn the value of random predictions, not of the backbone's.
    * ``next_action=actor``: the value of the next state is that of the backbone's prediction, with noise of at most
      0.003, and not of the random action in the buffer. With ``noisy_ids`` the backbone predicts from such ids too.
    * ``td_target=min``: that value is the smaller of those of the target and the online network.
    * ``action_layer=bottom``: the action passes a linear layer and then, as one more embedding, the critic's bottom.
    * ``critic_embeddings=pretrained``: the critics' embedding tables start as copies of the backbone's after stage 1,
      and are as wide. A backbone needs :class:`mtlbench.nn.FieldEmbedding` for that.
    * ``halved_rewards=true``: an action a is rewarded as if it were 0.5 + a / 2. So no stored action is rewarded by its
      own loss, and predicting "no" is never rewarded.
    * ``gamma=0.9``, ``tau=0.2``, ``target_every=2``: a shorter horizon, and targets that follow slowly.
    * ``ips=false``: off in the authors' run script; an option here.
    * ``buffer=500000``, ``critic_batch_size=2048``, ``critic_epochs=96``, ``epsilon=none``: 96 passes over the latest
      transitions, without a test of convergence; the last pass is kept.
    * ``critics=separate``: two networks, where the paper draws one bottom.
    * ``noisy_ids=true``: critics are trained on ids that are z-scored per batch and cut to integers. Then they weigh
      real ids, most of which they never saw. Negative ones become 0 here, because an embedding table has no such row.
    * ``noisy_weights=true``: dropout stays on in the critics, so that a weight is partly random.
    * ``state=no-user``: the critics see the item and the moment, and not the user.
    * ``fresh_optimiser=true``, ``forget_best=true``: stage 3 starts with a new Adam, and its first epoch counts as an
      improvement whatever it did.

    It reads what the critics predict for the inputs and the predictions of each sample. It claims what ``rmtl`` does.
    It equals ``rmtl`` with the settings of the authors' code.

    The authors train the backbone with a weight decay of 1e-6, in stages 1 and 3, and the critics without. A weighting
    cannot set that, because stage 1 is shared by all methods: ``--weight-decay 1e-6`` sets it for all of them.

    Deviations from the authors' code. The data and the protocol, which all methods share here: no sessions without a
    time gap (``kuairand[session=user]`` has them), no swapped validation and test files, shuffled training data, no
    frozen embedding of one field's most frequent id, and a backbone that sees the user too. The critics: one session in
    ten is held out and not trained on; a batch is drawn without replacement within a pass; target networks have no
    dropout; numbers are not z-scored per batch; and a bias keeps critics alive at the start.
    """

    name, label = "rmtl-official", "RMTL-Official"

    class Params(RMTL.Params):
        """Parameters of ``rmtl``, other defaults."""

        lambda_: float = Field(1.0, ge=0, alias="lambda", description="lambda, weight of the critic, >= 0")
        gamma: float = Field(0.9, ge=0, lt=1, description="discount of the reward of the next impression, in [0, 1)")
        tau: float = Field(0.2, ge=0, le=1, description="fraction of the online network that a target network absorbs")
        target_every: int = Field(2, ge=1, description="critic steps per update of the target network")
        critics: Literal["shared", "separate"] = Field(
            "separate", description="one bottom for all critics, or one each"
        )
        state: Literal["all", "no-user"] = Field("no-user", description="inputs that make the state")
        epsilon: float | None = Field(None, ge=0, lt=1, description="least improvement of a pass; none: all passes")
        critic_epochs: int = Field(96, ge=1, description="passes over the replay buffer")
        critic_batch_size: int | None = Field(2048, ge=1, description="transitions per critic step")
        buffer: int | None = Field(500_000, ge=1, description="transitions kept in the replay buffer, the latest ones")
        noisy_ids: bool = Field(True, description="train critics on z-scored ids cut to integers")
        actions: Literal["policy", "uniform"] = Field("uniform", description="actions in the buffer")
        halved_rewards: bool = Field(True, description="reward 0.5 + a / 2 in place of the action a")
        fresh_optimiser: bool = Field(True, description="stage 3 forgets the optimiser's state of stage 1")
        forget_best: bool = Field(True, description="stage 3 forgets the best validation score of stage 1")
        noisy_weights: bool = Field(True, description="dropout stays on in critics that weigh")
        next_action: Literal["buffer", "actor"] = api.added_later(
            "actor", before="buffer", description="action in the next state of a TD target"
        )
        td_target: Literal["target", "min"] = api.added_later(
            "min", before="target", description="value of the next state in the TD target"
        )
        action_layer: Literal["tower", "bottom"] = api.added_later(
            "bottom", before="tower", description="where the action enters a critic"
        )
        critic_embeddings: Literal["fresh", "pretrained"] = api.added_later(
            "pretrained", before="fresh", description="how the critics' embedding tables start"
        )
