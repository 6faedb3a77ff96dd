"""A small encoded dataset made directly, without files or encoding, for tests of what comes after them."""

import torch

from mtlbench.api import Field, Schema, Split, Splits, Task, funnel


def small_schema(
    tasks: tuple[str, ...] = ("click", "conversion"), *, parallel: bool = False, **changes: object
) -> Schema:
    fields = (Field("user", 11), Field("item", 7), Field("hour", 4))
    return Schema(
        **{
            "categorical": fields,
            "numerical": ("age", "price"),
            "tasks": tuple(map(Task, tasks)) if parallel else funnel(*tasks),
            "sessions": True,
            **changes,
        }
    )


def small_split(schema: Schema, rows: int, seed: int) -> Split:
    """Random inputs; labels that depend on them; sessions of one to five rows in order."""
    generator = torch.Generator().manual_seed(seed)
    categorical = torch.stack(
        [torch.randint(field.cardinality, (rows,), generator=generator) for field in schema.categorical], dim=1
    ).int()
    numerical = torch.randn(rows, len(schema.numerical), generator=generator)
    signal = numerical[:, :1].sum(1) + (categorical[:, 1] % 3 - 1).float()
    labels = torch.ones(rows, 0)
    above = torch.ones(rows, dtype=torch.bool)
    for _ in schema.tasks:
        above = above & (torch.rand(rows, generator=generator) < (signal - 0.2).sigmoid())
        labels = torch.cat([labels, above.float().unsqueeze(1)], dim=1)
    starts = torch.rand(rows, generator=generator) < 0.4
    starts[0] = True
    session = starts.cumsum(0) - 1
    first = torch.nonzero(starts).squeeze(1)
    row = torch.arange(rows)
    done = torch.ones(rows, dtype=torch.bool)
    done[:-1] = session[1:] != session[:-1]
    return Split(
        categorical=categorical,
        numerical=numerical,
        labels=labels,
        timestamp=row * 1000,
        session=session,
        user=categorical[:, 0].long(),
        position=row - first[session],
        next_row=torch.where(done, row, row + 1),
        done=done,
    )


def small_splits(schema: Schema | None = None, rows: int = 240) -> Splits:
    schema = schema or small_schema()
    parts = [small_split(schema, rows, seed) for seed in (1, 2, 3)]
    return Splits(schema, *parts, fingerprint="small", facts={})
