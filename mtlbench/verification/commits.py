"""Which code the records of a board were made with."""

from collections import Counter
from collections.abc import Iterator, Sequence

from mtlbench.verification.findings import Finding
from mtlbench.verification.folders import Collection, Stored

DIRTY = "-dirty"
SHOWN = 3
"""Commits that are named."""


def commits(collection: Collection, stored: Sequence[Stored]) -> Iterator[Finding]:
    """Notes where the records are of several commits, or of code that no commit has."""
    made = Counter(_code(one) for one in stored)
    if len(made) > 1:
        named = ", ".join(f"{code} ({count:,})" for code, count in made.most_common(SHOWN))
        more = f" and {len(made) - SHOWN} more" if len(made) > SHOWN else ""
        text = (
            f"its records were made with {len(made)} versions of the code: {named}{more}; where a change between them "
            "moves results, its rows do not compare: `--rerun N` shows whether one did"
        )
        yield Finding("commit", text, collection.page)
    changed = [one for one in stored if _code(one).endswith(DIRTY)]
    if changed:
        text = (
            f"{len(changed):,} of {len(stored):,} records were made with uncommitted changes, which nobody else has; "
            "commit them and run the cells again"
        )
        yield Finding("commit", text, collection.page)


def _code(one: Stored) -> str:
    """The commit that a record names, shortened; the version where it came from a package."""
    environment = one.record.environment
    commit = environment.get("git")
    if not isinstance(commit, str):
        return f"mtlbench {environment.get('mtlbench')}"
    return commit[:12] + (DIRTY if commit.endswith(DIRTY) else "")
