"""What is published of a dataset against what was found."""

from dataclasses import dataclass

import torch

from mtlbench.api import Dataset, Splits

Value = float | int | str


@dataclass(frozen=True)
class Check:
    """One fact: what its publisher says, and what was found here."""

    fact: str
    published: int | tuple[float, float] | None
    """A count, or a range for a rounded figure; ``None`` where nothing is published."""
    here: Value | None
    """``None`` where the dataset as it is here has no such fact."""

    @property
    def agrees(self) -> bool | None:
        """Whether both say the same; ``None`` where nothing is published."""
        if self.published is None:
            return None
        if isinstance(self.published, tuple):
            low, high = self.published
            return not isinstance(self.here, str | None) and low <= self.here <= high
        return self.here == self.published


def checks(dataset: Dataset, splits: Splits) -> list[Check]:
    """The published facts of ``dataset``, then all others that were found.

    ``rate.TASK`` is the mean label of all rows that have one, by their sample weights where there are any.
    """
    found: dict[str, Value] = dict(splits.facts)
    for place, task in enumerate(splits.schema.task_names):
        labels = torch.cat([split.labels[:, place].double() for split in splits.parts().values()])
        weights = [split.weight for split in splits.parts().values() if split.weight is not None]
        counts = torch.cat(weights).double() if weights else torch.ones_like(labels)
        seen = ~labels.isnan()
        found[f"rate.{task}"] = float((counts * labels)[seen].sum() / counts[seen].sum())
    publication = dataset.publication()
    published = dict(publication.facts) if publication else {}
    named = [Check(fact, value, found.pop(fact, None)) for fact, value in published.items()]
    return [*named, *(Check(fact, None, value) for fact, value in found.items())]
