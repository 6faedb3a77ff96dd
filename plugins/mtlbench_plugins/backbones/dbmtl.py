"""DBMTL: each task reads what the tasks before it know."""

import torch
from torch import Tensor, nn

from mtlbench import api
from mtlbench.nn import MLP, Bottom, Hidden


class DBMTL(api.Backbone):
    r"""One bottom, a tower for each task, and a layer in which a task also reads the layer of the task before it.

    Q. Wang, Z. Ji, H. Liu, B. Zhao, "Deep Bayesian multi-target learning for recommender systems", arXiv 2019,
    https://arxiv.org/abs/1902.09154. With b the bottom over one embedding, t_k the tower of task k without its logit,
    and j the task that has to happen first (``after`` in the dataset):

    .. math:: r_k = R_k([\,t_k(b(x)),\ r_j\,]), \qquad p_k = \sigma(w_k r_k + b_k)

    R_k is a hidden layer, as wide as the last layer of the tower. A task that comes after none has R_k of its tower
    alone. What is passed on are features, not probabilities, and their gradient is not stopped: the loss of a task
    trains the towers of the tasks before it, which so are shared parameters.

    It needs at least one task that comes after another, in a chain or a tree. This is the network of EasyRec and
    TorchEasyRec without their optional mixture of experts. There a config names the parents of a task, of which there
    may be several, and they must come before it; here a task may stand before its parent.
    """

    name, label = "dbmtl", "DBMTL"

    def __init__(self, schema: api.Schema, params: api.Sizes) -> None:
        super().__init__()
        names, sizes = schema.task_names, (params.dropout, params.norm)
        self.parents = [None if task.after is None else names.index(task.after) for task in schema.tasks]
        self.order = sorted(range(len(names)), key=self._depth)
        self.bottom = Bottom(schema, params)
        self.towers = nn.ModuleList(MLP(self.bottom.width, params.tower, *sizes) for _ in names)
        width = params.tower[-1] if params.tower else self.bottom.width
        self.relations = nn.ModuleList(
            Hidden(width if parent is None else 2 * width, width, *sizes) for parent in self.parents
        )
        self.logits = nn.ModuleList(nn.Linear(width, 1) for _ in names)

    @classmethod
    def applicable(cls, schema: api.Schema) -> str | None:
        """Some task must come after another one."""
        if any(task.after is not None for task in schema.tasks):
            return None
        if len(schema.tasks) == 1:
            return "DBMTL passes features from task to task, and the dataset has one"
        return "DBMTL passes features to tasks that come after others, and the dataset's tasks are parallel"

    def forward(self, inputs: api.Inputs) -> Tensor:
        """Logits (B, K)."""
        features = self.represent(self.bottom(inputs))
        towers = [tower(features) for tower in self.towers]
        related: dict[int, Tensor] = {}
        for task in self.order:
            parent = self.parents[task]
            own = towers[task] if parent is None else torch.cat([towers[task], related[parent]], dim=1)
            related[task] = self.relations[task](own)
        return torch.cat([logit(related[task]) for task, logit in enumerate(self.logits)], dim=1)

    def _depth(self, task: int) -> int:
        """How many tasks have to happen before it."""
        parent = self.parents[task]
        return 0 if parent is None else 1 + self._depth(parent)
