"""Critics of a dataset and a backbone, as their parameters ask for them."""

from itertools import accumulate

import torch
from torch import Tensor, nn

from mtlbench import api
from mtlbench.nn import FieldEmbedding
from mtlbench_plugins.critics.networks import Critics, JointState, State
from mtlbench_plugins.critics.params import CriticParams


def critics_of(schema: api.Schema, params: CriticParams, backbone: nn.Module | None = None) -> Critics:
    """Critics as they start; what is random in them comes from torch's global generator.

    With ``critic_embeddings=pretrained`` their embedding tables are copies of those of ``backbone``, and as wide. If
    the backbone has one table per task, a separate critic copies that of its task.

    Raises:
        TrainingError: copies are asked for, and the backbone has no tables that the critics could copy.
    """
    shared = params.critics == "shared"
    tables: list[Tensor] = []
    if params.critic_embeddings == "pretrained" and backbone is not None:
        tables = _tables(schema, backbone, 1 if shared else len(schema.tasks))
        params = params.model_copy(update={"embedding": tables[0].shape[1]})
    hidden = schema.user_inputs if params.state == "no-user" else ()
    critics = Critics(schema, params, shared, hidden, joint=params.action_layer == "bottom")
    for table, state in zip(tables, critics.states, strict=False):
        assert isinstance(state, State | JointState)
        copy_rows(state.embedding, state.visible.schema, table, schema)
    return critics


@torch.no_grad()
def copy_rows(embedding: FieldEmbedding, visible: api.Schema, table: Tensor, schema: api.Schema) -> None:
    """Copy the rows of all fields and bags of ``visible`` from ``table``, whose rows are those of ``schema``.

    A bag that has ids of its own in ``visible``, but those of a field in ``schema``, gets the rows of that field.
    """
    whole = _ranges(schema)
    owners = {bag.name: bag.of or bag.name for bag in schema.bags}
    for name, rows in _ranges(visible).items():
        embedding.weight[rows] = table[whole[owners.get(name, name)]]


def last_ids(visible: api.Schema, schema: api.Schema) -> Tensor:
    """For each field the largest id (F,) that is a row of the table of ``schema``, and of ``visible`` if it is there.

    An id that is larger than those of its field is a row of a later field.
    """
    own, whole = _ranges(visible), _ranges(schema)
    tables = [own if field.name in own else whole for field in schema.categorical]
    ends = [max(rows.stop for rows in table.values()) for table in tables]
    starts = [table[field.name].start for field, table in zip(schema.categorical, tables, strict=True)]
    return torch.tensor([end - 1 - start for end, start in zip(ends, starts, strict=True)], dtype=torch.int32)


def _ranges(schema: api.Schema) -> dict[str, slice]:
    """The rows that each field, and each bag with ids of its own, has in the table of an embedding."""
    fields = (*schema.categorical, *(bag for bag in schema.bags if bag.of is None))
    ends = list(accumulate(field.cardinality for field in fields))
    return {field.name: slice(end - field.cardinality, end) for field, end in zip(fields, ends, strict=True)}


def _tables(schema: api.Schema, backbone: nn.Module, count: int) -> list[Tensor]:
    """The table from which each of ``count`` bottoms starts.

    A backbone has one table for all tasks, or one for each; after those it may have one that the tasks share.
    """
    embeddings = [module for module in backbone.modules() if isinstance(module, FieldEmbedding)]
    tables: list[Tensor] = [embedding.weight for embedding in embeddings if embedding.columns is None]
    rows = sum(ids.stop - ids.start for ids in _ranges(schema).values())
    fitting = [table for table in tables if len(table) == rows and table.shape == tables[0].shape]
    if len(fitting) in {1, count}:
        return fitting * (count // len(fitting))
    if len(fitting) == len(schema.tasks) + 1:
        *of_tasks, common = fitting
        return of_tasks if count == len(of_tasks) else [common]
    raise api.TrainingError(
        f"critic_embeddings=pretrained copies the backbone's embedding tables into {count} of critics, and the "
        f"backbone has {len(fitting)} tables of all {rows} ids (of mtlbench.nn.FieldEmbedding); set "
        "critic_embeddings=fresh"
    )
